using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Craton.Data;

/// <summary>Writes the shards of one split, one after the other.</summary>
internal sealed class SplitWriter(string folder, string split, bool wide, long shardTokens) : IDisposable
{
    private readonly List<ShardFile> _shards = [];
    private HashedFile? _tokens, _index;
    private long _documents, _bytes, _shardDocuments, _shardCount;
    private byte[] _buffer = [];

    /// <summary>Adds a document and the token that ends it.</summary>
    public void Add(ReadOnlySpan<int> ids, int? endOfText, int bytes)
    {
        if (_tokens is not null && _shardCount + ids.Length + 1 > shardTokens) Close();
        if (_tokens is null)
        {
            string name = $"{split}-{_shards.Count:D5}";
            _tokens = new HashedFile(Path.Combine(folder, name + ".bin"));
            _index = new HashedFile(Path.Combine(folder, name + ".idx"));
        }

        WriteStart();
        WriteIds(ids);
        _shardCount += ids.Length;
        if (endOfText is { } end)
        {
            WriteIds([end]);
            _shardCount++;
        }

        _shardDocuments++;
        _documents++;
        _bytes += bytes;
    }

    /// <summary>Closes the last shard and gives the split's entry of the manifest.</summary>
    public ShardSplit Finish()
    {
        Close();
        return new ShardSplit(_documents, _shards.Sum(s => s.Tokens), _bytes, _shards);
    }

    public void Dispose()
    {
        _tokens?.Dispose();
        _index?.Dispose();
    }

    private void Close()
    {
        if (_tokens is null) return;
        WriteStart();
        _shards.Add(new ShardFile(Path.GetFileName(_tokens.Path), _shardDocuments, _shardCount, _tokens.Finish(), _index!.Finish()));
        (_tokens, _index, _shardDocuments, _shardCount) = (null, null, 0, 0);
    }

    private void WriteStart()
    {
        Span<byte> place = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(place, _shardCount);
        _index!.Write(place);
    }

    private void WriteIds(ReadOnlySpan<int> ids)
    {
        int width = wide ? 4 : 2;
        if (_buffer.Length < ids.Length * width) _buffer = new byte[ids.Length * width];
        for (int i = 0; i < ids.Length; i++)
        {
            if (wide) BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(4 * i), ids[i]);
            else BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(2 * i), checked((ushort)ids[i]));
        }

        _tokens!.Write(_buffer.AsSpan(0, ids.Length * width));
    }
}

/// <summary>A file whose SHA-256 is computed while it is written, and which is on disk when finished.</summary>
internal sealed class HashedFile(string path) : IDisposable
{
    private readonly FileStream _file = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 18);
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public string Path => path;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _file.Write(bytes);
        _hash.AppendData(bytes);
    }

    /// <summary>Flushes to disk, closes, and gives the hash in lower-case hexadecimal.</summary>
    public string Finish()
    {
        _file.Flush(flushToDisk: true);
        string hash = Convert.ToHexStringLower(_hash.GetHashAndReset());
        Dispose();
        return hash;
    }

    public void Dispose()
    {
        _file.Dispose();
        _hash.Dispose();
    }
}
