using System.Buffers.Text;
using System.Text;
using Craton.Tokenizers.Bpe;

namespace Craton.Tokenizers.Files;

/// <summary>
/// Rank files of tiktoken: one line per token, its bytes in base64, a blank, its rank, which is also its id. The format knows no
/// merges: any neighbours whose bytes together are a token merge, the lowest rank first.
/// </summary>
internal static class TiktokenFile
{
    /// <summary>Reads a file as one of the known encodings.</summary>
    public static BpeTokenizer Load(string path, string encoding)
    {
        (SplitPattern pattern, Dictionary<string, int> special) = encoding switch
        {
            "gpt2" or "r50k_base" => (SplitPattern.Gpt2, Specials(("<|endoftext|>", 50256))),
            "p50k_base" => (SplitPattern.Gpt2, Specials(("<|endoftext|>", 50256))),
            "p50k_edit" => (SplitPattern.Gpt2, Specials(
                ("<|endoftext|>", 50256), ("<|fim_prefix|>", 50281), ("<|fim_middle|>", 50282), ("<|fim_suffix|>", 50283))),
            "cl100k_base" => (SplitPattern.TiktokenCl100k, Specials(
                ("<|endoftext|>", 100257), ("<|fim_prefix|>", 100258), ("<|fim_middle|>", 100259), ("<|fim_suffix|>", 100260),
                ("<|endofprompt|>", 100276))),
            "o200k_base" => (SplitPattern.O200k, Specials(("<|endoftext|>", 199999), ("<|endofprompt|>", 200018))),
            "o200k_harmony" => (SplitPattern.O200k, Harmony()),
            _ => throw new TokenizerException(
                $"The encoding \"{encoding}\" is not known; expected gpt2, r50k_base, p50k_base, p50k_edit, cl100k_base, o200k_base "
                + "or o200k_harmony."),
        };
        BpeTokenizer tokenizer = Load(path, pattern, special);
        tokenizer.EosToken = "<|endoftext|>";
        return tokenizer;
    }

    /// <summary>Reads a file with a pattern and special tokens.</summary>
    public static BpeTokenizer Load(string path, SplitPattern pattern, IReadOnlyDictionary<string, int> specialTokens)
    {
        byte[]?[] tokens = ReadTokens(path);
        List<AddedToken> added = [.. specialTokens.OrderBy(s => s.Value).Select(s => new AddedToken(s.Value, s.Key) { Special = true })];
        foreach (AddedToken token in added)
        {
            bool absurd = token.Id < 0 || token.Id >= 2L * tokens.Length + 65536;
            byte[]? ordinary = !absurd && token.Id < tokens.Length ? tokens[token.Id] : null;
            if (absurd || (ordinary is not null && !ordinary.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(token.Content))))
            {
                throw new TokenizerException(
                    $"The special token {token.Content} has the id {token.Id}, expected a free one near the {tokens.Length} ranks.");
            }
        }

        BpeVocabulary vocabulary = BpeVocabulary.Create(tokens, added);
        Components components = Components.ByteLevel(pattern, addPrefixSpace: false, nfc: false);
        return new BpeTokenizer(path, vocabulary, MergesFromRanks(tokens), ignoreMerges: true, added, components);
    }

    /// <summary>
    /// The merges that ranks mean. Merging a token's own bytes with the lower ranks ends in the two parts it is made of; then no
    /// other pair can meet to form it. Where it ends in more parts, every pair that spells the token becomes a merge.
    /// </summary>
    private static List<Merge> MergesFromRanks(byte[]?[] tokens)
    {
        var merges = new List<Merge>(tokens.Length);
        var table = new MergeTable(tokens.Length);
        var ids = new ByteStringTable(tokens.Length);
        var idOf = new List<int>(tokens.Length);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (tokens[id] is { } token && ids.GetOrAdd(token) == idOf.Count)
                idOf.Add(id);
        }

        int[] byteIds = [.. Enumerable.Range(0, 256).Select(b => IdOf([(byte)b]))];
        Span<int> symbols = stackalloc int[WordMerger.LongestScan];
        for (int id = 0; id < tokens.Length; id++)
        {
            if (tokens[id] is not { Length: > 1 } token)
                continue;
            Span<int> parts = token.Length <= symbols.Length ? symbols[..token.Length] : new int[token.Length];
            for (int i = 0; i < token.Length; i++)
                parts[i] = byteIds[token[i]];
            if (WordMerger.Merge(table, parts) == 2)
            {
                Add(parts[0], parts[1], id);
                continue;
            }

            for (int cut = 1; cut < token.Length; cut++)
                Add(IdOf(token.AsSpan(0, cut)), IdOf(token.AsSpan(cut)), id);
        }

        return merges;

        int IdOf(ReadOnlySpan<byte> bytes) => ids.Find(bytes) is >= 0 and int index ? idOf[index] : -1;

        void Add(int left, int right, int result)
        {
            if (left >= 0 && right >= 0 && table.TryAdd(left, right, merges.Count, result))
                merges.Add(new Merge(left, right, result));
        }
    }

    private static byte[]?[] ReadTokens(string path)
    {
        if (!File.Exists(path))
            throw new TokenizerFileException(path, "does not exist; expected a tiktoken rank file.");
        var tokens = new List<byte[]?>();
        int number = 0;
        ReadOnlySpan<byte> text = File.ReadAllBytes(path);
        foreach (Range range in text.Split((byte)'\n'))
        {
            number++;
            ReadOnlySpan<byte> line = text[range].TrimEnd((byte)'\r');
            if (line.IsEmpty)
                continue;
            int blank = line.IndexOf((byte)' ');
            if (blank < 0 || !int.TryParse(line[(blank + 1)..], out int rank) || rank < 0 || rank > 2 * number + 65536)
                throw new TokenizerFileException(path, $"line {number} is no base64 token, blank and rank.");
            if (!Base64.IsValid(line[..blank], out int length) || blank == 0)
                throw new TokenizerFileException(path, $"line {number} does not begin with base64.");
            while (tokens.Count <= rank)
                tokens.Add(null);
            if (tokens[rank] is not null)
                throw new TokenizerFileException(path, $"line {number} repeats the rank {rank}.");
            var token = new byte[length];
            _ = Base64.DecodeFromUtf8(line[..blank], token, out _, out _);
            tokens[rank] = token;
        }

        return [.. tokens];
    }

    private static Dictionary<string, int> Specials(params (string Token, int Id)[] tokens) => tokens.ToDictionary(t => t.Token, t => t.Id);

    private static Dictionary<string, int> Harmony()
    {
        Dictionary<string, int> special = Specials(
            ("<|startoftext|>", 199998), ("<|endoftext|>", 199999), ("<|return|>", 200002), ("<|constrain|>", 200003),
            ("<|channel|>", 200005), ("<|start|>", 200006), ("<|end|>", 200007), ("<|message|>", 200008), ("<|call|>", 200012),
            ("<|endofprompt|>", 200018));
        for (int id = 200000; id < 201088; id++)
        {
            if (!special.ContainsValue(id))
                special.Add($"<|reserved_{id}|>", id);
        }

        return special;
    }
}
