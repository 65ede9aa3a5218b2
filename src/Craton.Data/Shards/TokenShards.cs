using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Craton.Tensors;
using Craton.Tensors.IO;
using Microsoft.Win32.SafeHandles;

namespace Craton.Data;

/// <summary>
/// The token shards of one split. Reads are positional: the operating system's page cache keeps what is used, and a file that is
/// cut short while it is open gives an exception, where a memory map would end the process.
/// </summary>
public sealed class TokenShards : TokenStore, IDisposable
{
    private readonly record struct Shard(SafeFileHandle Tokens, SafeFileHandle Index, string Path, long FirstToken, long FirstDocument);

    private readonly Shard[] _shards;
    private readonly int _width;
    private readonly ShardSplit _split;

    /// <summary>Opens a split of a folder that <see cref="ShardBuilder"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="split">The split.</param>
    /// <param name="verify">Compare every file with its SHA-256 first (reads all of them).</param>
    /// <exception cref="CratonException">The folder, the split or a file is missing or damaged.</exception>
    public TokenShards(string folder, Split split, bool verify = false)
    {
        folder = DurableDirectory.Find(folder) ?? folder; // a crash while it was being replaced
        Manifest = ShardManifest.Load(folder);
        string name = split.ToString().ToLowerInvariant();
        if (!Manifest.Splits.TryGetValue(name, out ShardSplit? found))
            throw new CratonException($"'{folder}' has no split '{name}'; it has {string.Join(", ", Manifest.Splits.Keys.Select(k => $"'{k}'"))} (a larger fraction gives small data sets one).");
        _split = found;
        _width = Manifest.Dtype == "u32" ? 4 : 2;
        _shards = new Shard[found.Shards.Count];
        long token = 0, document = 0;
        try
        {
            for (int i = 0; i < _shards.Length; i++)
            {
                ShardFile file = found.Shards[i];
                _shards[i] = Open(folder, file, token, document, verify);
                token += file.Tokens;
                document += file.Documents;
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The folder's manifest.</summary>
    public ShardManifest Manifest { get; }

    /// <summary>UTF-8 bytes of the split's texts.</summary>
    public long Bytes => _split.Bytes;

    /// <inheritdoc/>
    public override long Documents => _split.Documents;

    /// <inheritdoc/>
    public override long Tokens => _split.Tokens;

    /// <inheritdoc/>
    public override (long Start, int Length) Document(long index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, (ulong)Documents, nameof(index));
        int s = _shards.Length - 1;
        while (_shards[s].FirstDocument > index) s--;
        Span<byte> places = stackalloc byte[16];
        ReadExactly(_shards[s].Index, places, 8 * (index - _shards[s].FirstDocument), _shards[s].Path);
        long start = BinaryPrimitives.ReadInt64LittleEndian(places), end = BinaryPrimitives.ReadInt64LittleEndian(places[8..]);
        if (start < 0 || end < start || end - start > int.MaxValue || _shards[s].FirstToken + end > Tokens)
            throw new DataFileException(_shards[s].Path, $"document {index}", "its index is damaged; build the data again.");
        return (_shards[s].FirstToken + start, (int)(end - start));
    }

    /// <inheritdoc/>
    public override void Read(long start, Span<int> ids)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        if (start + ids.Length > Tokens) throw new ArgumentOutOfRangeException(nameof(start), $"tokens {start}..{start + ids.Length} of {Tokens}");
        for (int s = ShardOf(start); ids.Length > 0; s++)
        {
            long end = s + 1 < _shards.Length ? _shards[s + 1].FirstToken : Tokens;
            int count = (int)Math.Min(ids.Length, end - start);
            ReadShard(_shards[s], start - _shards[s].FirstToken, ids[..count]);
            ids = ids[count..];
            start += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Shard shard in _shards)
        {
            shard.Tokens?.Dispose();
            shard.Index?.Dispose();
        }
    }

    private int ShardOf(long token)
    {
        int s = _shards.Length - 1;
        while (s > 0 && _shards[s].FirstToken > token) s--;
        return s;
    }

    /// <summary>Reads into the upper part of the target itself, then widens in place from the front: no second buffer.</summary>
    private void ReadShard(in Shard shard, long start, Span<int> ids)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(ids)[((4 - _width) * ids.Length)..];
        ReadExactly(shard.Tokens, bytes, start * _width, shard.Path);
        if (_width == 4)
        {
            if (!BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(ids, ids);
            return;
        }

        // Element i lies at bytes 2n + 2i and goes to 4i: writing never overtakes reading.
        for (int i = 0; i < ids.Length; i++) ids[i] = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]);
    }

    private static void ReadExactly(SafeFileHandle file, Span<byte> bytes, long offset, string path)
    {
        while (bytes.Length > 0)
        {
            int n = RandomAccess.Read(file, bytes, offset);
            if (n == 0) throw new DataFileException(path, $"byte {offset}", "ends too early: it was cut short since it was opened; build the data again.");
            bytes = bytes[n..];
            offset += n;
        }
    }

    private Shard Open(string folder, ShardFile file, long token, long document, bool verify)
    {
        // The manifest may come from elsewhere: it must not lead out of its folder.
        if (Path.GetFileName(file.File) != file.File) throw new DataFileException(Path.Combine(folder, ShardManifest.FileName), "", $"names the shard '{file.File}', expected a file of its own folder.");
        string path = Path.Combine(folder, file.File), index = Path.ChangeExtension(path, ".idx");
        CheckLength(path, file.Tokens * _width);
        CheckLength(index, 8 * (file.Documents + 1));
        if (verify)
        {
            CheckHash(path, file.Sha256);
            CheckHash(index, file.IndexSha256);
        }

        return new Shard(File.OpenHandle(path), File.OpenHandle(index), path, token, document);
    }

    private static void CheckLength(string path, long expected)
    {
        var file = new FileInfo(path);
        if (!file.Exists) throw new DataFileException(path, "", "is missing; build the data again.");
        if (file.Length != expected) throw new DataFileException(path, "", $"has {file.Length} bytes, expected {expected}: it is damaged; build the data again.");
    }

    private static void CheckHash(string path, string expected)
    {
        using FileStream stream = File.OpenRead(path);
        if (Convert.ToHexStringLower(SHA256.HashData(stream)) != expected)
            throw new DataFileException(path, "", "does not have the SHA-256 its manifest says: it is damaged; build the data again.");
    }
}
