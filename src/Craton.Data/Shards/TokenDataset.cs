using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Craton.Tensors;
using Microsoft.Win32.SafeHandles;

namespace Craton.Data;

/// <summary>One split of a folder of token shards, open for reading. Ids are read by position; only document starts are in memory.</summary>
public sealed class TokenDataset : IDisposable
{
    private readonly List<Shard> _shards = [];
    private readonly long[] _starts; // first id of every document over all shards, and the total
    private readonly bool _wide;

    private TokenDataset(string directory, ShardManifest manifest, ShardSplit split, bool verify)
    {
        Manifest = manifest;
        Bytes = split.Bytes;
        _wide = manifest.TokenType == "u32";
        _starts = new long[split.Documents + 1];
        long tokens = 0, documents = 0;
        foreach (ShardFile file in split.Shards)
        {
            var shard = new Shard(directory, file, tokens, _wide, verify);
            _shards.Add(shard);
            shard.ReadStarts(directory, _starts.AsSpan((int)documents));
            tokens += file.Tokens;
            documents += file.Documents;
        }
        _starts[^1] = tokens;
    }

    /// <summary>The folder's manifest.</summary>
    public ShardManifest Manifest { get; }

    /// <summary>Number of documents.</summary>
    public int Documents => _starts.Length - 1;

    /// <summary>Number of ids, ends of documents included.</summary>
    public long Tokens => _starts[^1];

    /// <summary>UTF-8 bytes of the text.</summary>
    public long Bytes { get; }

    /// <summary>Reads a folder's manifest.</summary>
    /// <exception cref="CratonException">There is none, or it is damaged or of another version.</exception>
    public static ShardManifest ReadManifest(string directory)
    {
        string file = Path.Combine(directory, "manifest.json");
        try
        {
            ShardManifest manifest = JsonSerializer.Deserialize(File.ReadAllBytes(file), DataJson.Default.ShardManifest)!;
            return manifest.Version == ShardManifest.CurrentVersion
                ? manifest
                : throw new CratonException($"{file}: expected version {ShardManifest.CurrentVersion}, got {manifest.Version}; build the data anew");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new CratonException($"{directory} holds no token shards ({e.Message}); make them with 'craton data build'", e);
        }
    }

    /// <summary>Opens a split.</summary>
    /// <param name="directory">A folder written by <see cref="TokenShards"/>.</param>
    /// <param name="split">Which split.</param>
    /// <param name="verify">Check the hash of every shard first.</param>
    /// <exception cref="CratonException">The folder or the split is missing or damaged.</exception>
    public static TokenDataset Open(string directory, Split split, bool verify = false)
    {
        ShardManifest manifest = ReadManifest(directory);
        string name = split.ToString().ToLowerInvariant();
        return manifest.Splits.TryGetValue(name, out ShardSplit? part)
            ? new TokenDataset(directory, manifest, part, verify)
            : throw new CratonException($"{directory} has no '{name}' split; raise data.{name}_fraction, or use more text");
    }

    /// <summary>Where a document begins; the index after the last gives the end.</summary>
    public long Start(int document) => _starts[document];

    /// <summary>Reads ids from a position on.</summary>
    public void Read(long start, Span<int> ids)
    {
        int shard = _shards.Count - 1;
        while (shard > 0 && _shards[shard].First > start) shard--;
        while (ids.Length > 0)
        {
            Shard part = _shards[shard++];
            int count = (int)Math.Min(ids.Length, part.Tokens - (start - part.First));
            part.Read(start - part.First, ids[..count], _wide);
            ids = ids[count..];
            start += count;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (Shard shard in _shards) shard.Dispose();
    }

    private sealed class Shard : IDisposable
    {
        private readonly SafeFileHandle _handle;
        private readonly ShardFile _file;

        public Shard(string directory, ShardFile file, long first, bool wide, bool verify)
        {
            (_file, First) = (file, first);
            string path = Path.Combine(directory, Path.GetFileName(file.Name) + ".bin");
            try
            {
                _handle = File.OpenHandle(path, options: FileOptions.RandomAccess);
                if (RandomAccess.GetLength(_handle) != file.Tokens * (wide ? 4 : 2)) throw new IOException("its length is not what the manifest says");
                if (!verify) return;
                using var stream = new FileStream(_handle, FileAccess.Read, bufferSize: 1 << 16);
                if (Convert.ToHexStringLower(SHA256.HashData(stream)) != file.Sha256) throw new IOException("its hash is not what the manifest says");
                _handle = File.OpenHandle(path, options: FileOptions.RandomAccess);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CratonException($"{path} is damaged or missing: {e.Message}; build the data anew", e);
            }
        }

        public long First { get; }

        public long Tokens => _file.Tokens;

        public void ReadStarts(string directory, Span<long> starts)
        {
            byte[] bytes = File.ReadAllBytes(Path.Combine(directory, Path.GetFileName(_file.Name) + ".idx"));
            if (bytes.Length != 8 * (_file.Documents + 1)) throw new CratonException($"{_file.Name}.idx is damaged: its length is not what the manifest says; build the data anew");
            for (int i = 0; i < _file.Documents; i++) starts[i] = First + BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8 * i));
        }

        public void Read(long start, Span<int> ids, bool wide)
        {
            if (wide)
            {
                ReadFully(MemoryMarshal.AsBytes(ids), start * 4);
                return;
            }
            Span<ushort> block = stackalloc ushort[1024];
            while (ids.Length > 0)
            {
                int count = Math.Min(ids.Length, block.Length);
                ReadFully(MemoryMarshal.AsBytes(block[..count]), start * 2);
                for (int i = 0; i < count; i++) ids[i] = block[i];
                ids = ids[count..];
                start += count;
            }
        }

        public void Dispose() => _handle.Dispose();

        private void ReadFully(Span<byte> bytes, long offset)
        {
            while (bytes.Length > 0)
            {
                int read = RandomAccess.Read(_handle, bytes, offset);
                if (read == 0) throw new CratonException($"{_file.Name}.bin ended early: it was cut while in use; build the data anew");
                bytes = bytes[read..];
                offset += read;
            }
        }
    }
}
