using System.Security.Cryptography;
using System.Text;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tensors.Threading;
using Craton.Tokenizers;

namespace Craton.Data;

/// <summary>How token shards are built.</summary>
public sealed record ShardOptions
{
    /// <summary>Tokens per shard; a document is never divided between shards.</summary>
    public long ShardTokens { get; init; } = 1L << 26;

    /// <summary>Replace a folder that is there already.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Renders <c>statistics.html</c> when all documents have been encoded; it appears together with the shards. Null: no page.</summary>
    public Func<string>? Page { get; init; }
}

/// <summary>
/// Encodes documents into a folder of token shards, which appears whole or not at all (<see cref="DurableDirectory"/>): a build that
/// is killed leaves what was there before, and running it again gives the same bytes.
/// </summary>
public static class ShardBuilder
{
    private const int DocumentsAtOnce = 2048;

    /// <summary>Builds the folder.</summary>
    /// <param name="folder">The folder to create.</param>
    /// <param name="documents">The documents; their order is kept within each split.</param>
    /// <param name="tokenizer">Encodes them; it is saved in <c>tokenizer/</c> in the folder.</param>
    /// <param name="splitter">Assigns documents to splits.</param>
    /// <param name="options">Further settings.</param>
    /// <exception cref="CratonException">The folder exists, another build is writing it, or there is no document.</exception>
    public static ShardManifest Build(string folder, IEnumerable<Document> documents, Tokenizer tokenizer, Splitter splitter, ShardOptions? options = null)
    {
        options ??= new ShardOptions();
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (DurableDirectory.Find(folder) is not null && !options.Overwrite)
            throw new CratonException($"'{folder}' exists already; choose another folder, remove it, or allow overwriting.");
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        using FileStream gate = Gate(folder);
        using var target = new DurableDirectory(folder);
        ShardManifest manifest = Write(target, documents, tokenizer, splitter, options);
        target.Commit();
        return manifest;
    }

    /// <summary>Two builds of one folder at a time would write into each other's files.</summary>
    private static FileStream Gate(string folder)
    {
        try { return new FileStream(folder + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose); }
        catch (IOException e) { throw new CratonException($"'{folder}' is being built by another process; wait for it, or stop it.", e); }
    }

    private static ShardManifest Write(DurableDirectory target, IEnumerable<Document> documents, Tokenizer tokenizer, Splitter splitter, ShardOptions options)
    {
        string tokenizerHash = SaveTokenizer(Path.Combine(target.Staging, "tokenizer"), tokenizer);
        bool wide = tokenizer.VocabularySize > 65536;
        int? end = tokenizer.EndOfText;
        var writers = new SortedDictionary<string, SplitWriter>(StringComparer.Ordinal);
        try
        {
            foreach (Document[] block in documents.Chunk(DocumentsAtOnce))
            {
                int[][] ids = tokenizer.EncodeBatch(Array.ConvertAll(block, d => d.Text), WorkerPool.Threads);
                for (int i = 0; i < block.Length; i++)
                {
                    string split = splitter.Of(block[i]).ToString().ToLowerInvariant();
                    if (!writers.TryGetValue(split, out SplitWriter? writer)) writers.Add(split, writer = new SplitWriter(target.Staging, split, wide, options.ShardTokens));
                    writer.Add(ids[i], end, Encoding.UTF8.GetByteCount(block[i].Text));
                }
            }

            if (writers.Count == 0) throw new CratonException($"There is no document to build '{target.Path}' from; check the sources and the cleaning report.");
            var splits = new SortedDictionary<string, ShardSplit>(StringComparer.Ordinal);
            foreach ((string name, SplitWriter writer) in writers) splits.Add(name, writer.Finish());
            var manifest = new ShardManifest(ShardManifest.CurrentVersion, wide ? "u32" : "u16", tokenizer.VocabularySize, tokenizerHash, end, splits);
            if (options.Page is { } page) target.Write(StatisticsPage.FileName, stream => stream.Write(Encoding.UTF8.GetBytes(page())));
            target.Write(ShardManifest.FileName, stream => stream.Write(manifest.ToJson()));
            return manifest;
        }
        finally
        {
            foreach (SplitWriter writer in writers.Values) writer.Dispose();
        }
    }

    private static string SaveTokenizer(string folder, Tokenizer tokenizer)
    {
        Directory.CreateDirectory(folder);
        tokenizer.Save(folder);
        foreach (string path in Directory.GetFiles(folder))
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
            file.Flush(flushToDisk: true);
        }

        FileOps.Real.SyncDirectory(folder);
        return Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json"))));
    }
}
