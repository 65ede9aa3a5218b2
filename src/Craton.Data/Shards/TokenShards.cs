using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Data;

/// <summary>
/// Writes a tokenised data set: a folder of shards that appears complete or not at all. The same documents and tokenizer give the same
/// bytes.
/// </summary>
public static class TokenShards
{
    private const int DocumentsPerBlock = 1024;

    /// <summary>Encodes documents and writes the folder.</summary>
    /// <param name="directory">Where it is to appear; what was there is replaced.</param>
    /// <param name="documents">The documents of each split, in the order they are stored.</param>
    /// <param name="tokenizer">Turns text into ids. Special tokens in the text are encoded as ordinary text.</param>
    /// <param name="source">Key of what the data are made from, kept in the manifest.</param>
    /// <param name="separate">Whether the tokenizer's end-of-text id follows every document.</param>
    /// <param name="tokensPerShard">A shard is closed when it has this many ids.</param>
    /// <param name="progress">Called with the number of documents written so far.</param>
    public static ShardManifest Write(
        string directory, IEnumerable<(Split Split, Document Document)> documents, Tokenizer tokenizer, string source,
        bool separate = true, int tokensPerShard = 64 << 20, Action<long>? progress = null)
    {
        int? end = separate
            ? tokenizer.EndOfText ?? throw new CratonException("the tokenizer has no end-of-text token, which separates documents; train it with '<|endoftext|>' as a special token")
            : null;
        bool wide = tokenizer.VocabularySize > 1 << 16;
        using var folder = new DurableDirectory(directory);
        var writers = new SortedDictionary<string, SplitWriter>(StringComparer.Ordinal);
        long written = 0;
        foreach (((Split split, Document document), int[] ids) in ParallelWork.Map(documents, item => tokenizer.Encode(item.Document.Text), DocumentsPerBlock))
        {
            string name = split.ToString().ToLowerInvariant();
            if (!writers.TryGetValue(name, out SplitWriter? writer)) writers[name] = writer = new SplitWriter(folder, name, wide, tokensPerShard);
            writer.Add(ids, end, Encoding.UTF8.GetByteCount(document.Text));
            if (++written % DocumentsPerBlock == 0) progress?.Invoke(written);
        }
        if (written == 0) throw new CratonException("no document is left to train on; check the source, or loosen the cleaning rules (data.cleaning: none)");
        var splits = new SortedDictionary<string, ShardSplit>(StringComparer.Ordinal);
        foreach ((string name, SplitWriter writer) in writers) splits[name] = writer.Finish();
        var manifest = new ShardManifest(ShardManifest.CurrentVersion, wide ? "u32" : "u16", tokenizer.VocabularySize, end, source, splits);
        folder.Write("manifest.json", stream => JsonSerializer.Serialize(stream, manifest, DataJson.Default.ShardManifest));
        folder.Commit();
        return manifest;
    }

    private sealed class SplitWriter(DurableDirectory folder, string split, bool wide, int tokensPerShard)
    {
        private readonly List<ShardFile> _shards = [];
        private readonly List<ulong> _starts = [];
        private readonly ArrayBufferWriter<byte> _ids = new();
        private long _tokens, _documents, _allTokens, _bytes;

        public void Add(int[] ids, int? end, int bytes)
        {
            _starts.Add((ulong)_tokens);
            foreach (int id in ids) Put(id);
            if (end is { } id2) Put(id2);
            _documents++;
            _bytes += bytes;
            if (_tokens >= tokensPerShard) Close();
        }

        public ShardSplit Finish()
        {
            if (_tokens > 0) Close();
            return new ShardSplit(_documents, _allTokens, _bytes, _shards);
        }

        private void Put(int id)
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, id);
            _ids.Write(bytes[..(wide ? 4 : 2)]);
            _tokens++;
        }

        private void Close()
        {
            string name = $"{split}-{_shards.Count:D5}";
            ReadOnlyMemory<byte> ids = _ids.WrittenMemory;
            folder.Write(name + ".bin", stream => stream.Write(ids.Span), ids.Length);
            folder.Write(name + ".idx", WriteStarts);
            _shards.Add(new ShardFile(name, _starts.Count, _tokens, Convert.ToHexStringLower(SHA256.HashData(ids.Span))));
            _allTokens += _tokens;
            _tokens = 0;
            _starts.Clear();
            _ids.ResetWrittenCount();
        }

        private void WriteStarts(Stream stream)
        {
            Span<byte> bytes = stackalloc byte[8];
            foreach (ulong start in _starts)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(bytes, start);
                stream.Write(bytes);
            }
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)_tokens);
            stream.Write(bytes);
        }
    }
}
