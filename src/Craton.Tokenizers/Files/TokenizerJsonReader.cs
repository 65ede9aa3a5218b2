using System.Text.Json;
using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Files;

/// <summary>
/// Reads <c>tokenizer.json</c>: byte-level BPE, and the character-level form that <see cref="CharTokenizer"/> writes. Anything
/// damaged, inconsistent or unknown is refused before a tokenizer exists.
/// </summary>
internal static class TokenizerJsonReader
{
    private const long LargestFile = 256L << 20;
    private const int DeepestNesting = 64;

    /// <summary>Reads a file.</summary>
    public static Tokenizer Load(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists)
            throw new TokenizerFileException(path, "does not exist; expected a tokenizer.json.");
        if (info.Length > LargestFile)
            throw new TokenizerFileException(path, $"is {info.Length} bytes long, expected at most {LargestFile}.");
        return Parse(File.ReadAllBytes(path), path);
    }

    /// <summary>Reads the content of a file.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="file">Its name, for messages.</param>
    public static Tokenizer Parse(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = DeepestNesting, AllowDuplicateProperties = false };
            using JsonDocument document = JsonDocument.Parse(json, options);
            var root = new JsonFields(file, document.RootElement, JsonFields.Root);
            JsonFields model = root.Require("model");
            string type = model.Find("type")?.Text() ?? (model.Find("merges") is null ? "unknown" : "BPE");
            return type switch
            {
                "BPE" => ReadBpe(root, model),
                "WordLevel" => CharTokenizer.Read(root, model),
                _ => throw model.Unsupported($"the type {type}", "BPE (byte-level) and WordLevel (character-level)"),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or OverflowException)
        {
            throw new TokenizerFileException(file, $"is no valid JSON ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>Reads the added tokens; ids and contents are unique.</summary>
    public static List<AddedToken> ReadAddedTokens(JsonFields root)
    {
        var tokens = new List<AddedToken>();
        if (root.Find("added_tokens") is not { } list)
            return tokens;
        var ids = new HashSet<int>();
        var contents = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonFields item in list.Items())
        {
            var token = new AddedToken(item.Require("id").Id(), item.Require("content").Text())
            {
                Special = item.Flag("special", absent: false),
                SingleWord = item.Flag("single_word", absent: false),
                LeftStrip = item.Flag("lstrip", absent: false),
                RightStrip = item.Flag("rstrip", absent: false),
                Normalized = item.Flag("normalized", absent: false),
            };
            if (!ids.Add(token.Id))
                throw item.Error($"has the id {token.Id} of another added token");
            if (!contents.Add(token.Content))
                throw item.Error($"has the content of another added token");
            tokens.Add(token);
        }

        return tokens;
    }

    /// <summary>Reads a vocabulary object: the tokens by id, null where an id has none.</summary>
    public static string?[] ReadVocabulary(JsonFields vocabulary, out Dictionary<string, int> ids)
    {
        JsonElement.ObjectEnumerator properties = vocabulary.Properties();
        ids = new Dictionary<string, int>(vocabulary.Element.GetPropertyCount(), StringComparer.Ordinal);
        int largest = -1;
        foreach (JsonProperty property in properties)
        {
            string name = property.Name;
            if (!JsonFields.TryId(property.Value, out int id))
                id = (vocabulary with { Element = property.Value, Name = $"the id of \"{name}\"" }).Id();
            ids.Add(name, id);
            largest = Math.Max(largest, id);
        }

        // A vocabulary has no large holes; without this check one absurd id would allocate as much.
        if (largest >= 2L * ids.Count + 65536)
            throw vocabulary.Error($"has the id {largest} with only {ids.Count} tokens");
        var tokens = new string?[largest + 1];
        foreach ((string token, int id) in ids)
        {
            if (tokens[id] is { } other)
                throw vocabulary.Error($"gives the id {id} to both \"{other}\" and \"{token}\"");
            tokens[id] = token;
        }

        return tokens;
    }

    /// <summary>Checks added tokens against a vocabulary: same content, same id; no absurd ids; no id of the model unused.</summary>
    public static void CheckIds(
        JsonFields vocabulary, string?[] tokens, Dictionary<string, int> ids, List<AddedToken> added, bool allowGaps = false)
    {
        var filled = new HashSet<int>();
        foreach (AddedToken token in added)
        {
            if (ids.TryGetValue(token.Content, out int id) && id != token.Id)
                throw vocabulary.Error($"gives \"{token.Content}\" the id {id}, but added_tokens the id {token.Id}");
            if (token.Id < tokens.Length && tokens[token.Id] is { } other && other != token.Content)
                throw vocabulary.Error($"gives the id {token.Id} to \"{other}\", but added_tokens to \"{token.Content}\"");
            filled.Add(token.Id);
        }

        // As for the vocabulary: one absurd id would allocate as much.
        if (added.Count > 0 && added.Max(t => t.Id) >= 2L * (tokens.Length + added.Count) + 65536)
            throw vocabulary.Error($"has {tokens.Length} ids, but an added token has the id {added.Max(t => t.Id)}");

        int gap = Array.FindIndex(tokens, t => t is null);
        while (gap >= 0 && filled.Contains(gap))
            gap = Array.FindIndex(tokens, gap + 1, t => t is null);
        if (gap >= 0 && !allowGaps)
            throw vocabulary.Error($"has no token for the id {gap}, though its ids go up to {tokens.Length - 1}");
    }

    private static BpeTokenizer ReadBpe(JsonFields root, JsonFields model)
    {
        RefuseOtherThanByteLevel(root, model);
        JsonFields vocabulary = model.Require("vocab");
        string?[] tokens = ReadVocabulary(vocabulary, out Dictionary<string, int> ids);
        List<AddedToken> added = ReadAddedTokens(root);
        CheckIds(vocabulary, tokens, ids, added);

        JsonFields pairs = model.Require("merges");
        var merges = new MergeList(ids, pairs.Length());
        int number = 0;
        foreach (JsonElement pair in pairs.Element.EnumerateArray())
        {
            if (!TryReadPair(pair, out string left, out string right))
                throw pairs.Item(number, pair).Error($"is {pairs.Item(number, pair).Short()}, expected two tokens");
            if (merges.Add(left, right) is { } problem)
                throw pairs.Item(number, pair).Error(problem);
            number++;
        }

        bool ignoreMerges = model.Flag("ignore_merges", absent: false);
        TextNormalizer normalizer = Components.ParseNormalizer(root.Find("normalizer"));
        // An added token that is looked for in normalised text also decodes to its normalised content.
        IEnumerable<AddedToken> decoded = added.Select(t => t.Normalized ? t with { Content = normalizer.Apply(t.Content) } : t);
        BpeVocabulary all = BpeVocabulary.Create(tokens, decoded);
        return new BpeTokenizer(root.File, all, merges.Merges, ignoreMerges, added, Components.Read(root));
    }

    private static void RefuseOtherThanByteLevel(JsonFields root, JsonFields model)
    {
        if (model.Find("dropout") is { Element: var dropout } && !(dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() == 0))
            throw model.Unsupported("dropout", "null");
        foreach (string affix in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (model.Find(affix) is { } value && value.Text().Length > 0)
                throw model.Unsupported(affix, "null; only byte-level BPE");
        }

        if (model.Flag("byte_fallback", absent: false))
            throw model.Unsupported("byte_fallback", "false; only byte-level BPE");
        string decoder = root.Find("decoder")?.Type() ?? "null";
        if (decoder != "ByteLevel")
            throw (root with { Name = "decoder" }).Unsupported(decoder, "ByteLevel");
    }

    /// <summary>A pair is an array of two strings, or in older files one string with a blank between them.</summary>
    private static bool TryReadPair(JsonElement pair, out string left, out string right)
    {
        (left, right) = ("", "");
        if (pair.ValueKind == JsonValueKind.String)
        {
            string text = pair.GetString()!;
            int blank = text.IndexOf(' ', StringComparison.Ordinal);
            if (blank < 0 || text.IndexOf(' ', blank + 1) >= 0)
                return false;
            (left, right) = (text[..blank], text[(blank + 1)..]);
            return true;
        }

        if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2
            || pair[0].ValueKind != JsonValueKind.String || pair[1].ValueKind != JsonValueKind.String)
        {
            return false;
        }

        (left, right) = (pair[0].GetString()!, pair[1].GetString()!);
        return true;
    }
}
