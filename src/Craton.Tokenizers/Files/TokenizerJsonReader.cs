using System.Text.Json;
using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers.Files;

/// <summary>
/// Reads <c>tokenizer.json</c>: as <see cref="BpeTokenizer"/> or <see cref="CharTokenizer"/> where these do what it says, else as
/// <see cref="PipelineTokenizer"/>. Anything damaged, inconsistent or unknown is refused before a tokenizer exists.
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
            return (model.Find("type")?.Text() ?? Guess(model)) switch
            {
                "BPE" => BpeReader.Read(root, model),
                "WordLevel" when CharTokenizer.Find(root, model) is { } characters => characters,
                "WordLevel" => ReadWords(root, model, (tokens, unknown) => new WordLevelModel(tokens, unknown)),
                "WordPiece" => ReadWords(root, model, (tokens, unknown) => new WordPieceModel(
                    tokens,
                    unknown,
                    model.Find("continuing_subword_prefix")?.Text() ?? "##",
                    model.Find("max_input_chars_per_word")?.Id() ?? 100)),
                "Unigram" => ReadUnigram(root, model),
                string other => throw model.Unsupported($"the type {other}", "BPE, WordPiece, Unigram and WordLevel"),
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

    /// <summary>The type of a model in files from before it was written down.</summary>
    private static string Guess(JsonFields model) =>
        model.Find("merges") is not null ? "BPE"
        : model.Find("continuing_subword_prefix") is not null ? "WordPiece"
        : model.Require("vocab").Element.ValueKind == JsonValueKind.Array ? "Unigram" : "WordLevel";

    private static PipelineTokenizer ReadWords(JsonFields root, JsonFields model, Func<string?[], string, TokenModel> create)
    {
        JsonFields vocabulary = model.Require("vocab");
        string?[] tokens = ReadVocabulary(vocabulary, out Dictionary<string, int> ids);
        List<AddedToken> added = ReadAddedTokens(root);
        CheckIds(vocabulary, tokens, ids, added, allowGaps: true);
        return new PipelineTokenizer(root.File, create(tokens, model.Require("unk_token").Text()), added, Components.Read(root));
    }

    private static PipelineTokenizer ReadUnigram(JsonFields root, JsonFields model)
    {
        JsonFields vocabulary = model.Require("vocab");
        var (tokens, scores) = (new List<string>(vocabulary.Length()), new List<double>(vocabulary.Length()));
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (JsonElement pair in vocabulary.Element.EnumerateArray())
        {
            if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2 || pair[0].ValueKind != JsonValueKind.String
                || pair[1].ValueKind != JsonValueKind.Number || !double.IsFinite(pair[1].GetDouble()))
            {
                throw vocabulary.Item(tokens.Count, pair).Error($"is {vocabulary.Item(tokens.Count, pair).Short()}, expected a token and its score");
            }

            ids.TryAdd(pair[0].GetString()!, tokens.Count);
            tokens.Add(pair[0].GetString()!);
            scores.Add(pair[1].GetDouble());
        }

        int? unknown = model.Find("unk_id")?.Id();
        if (unknown >= tokens.Count)
            throw model.Error($"has the unk_id {unknown}, but {tokens.Count} tokens");
        List<AddedToken> added = ReadAddedTokens(root);
        CheckIds(vocabulary, [.. tokens], ids, added);
        var unigram = new UnigramModel([.. tokens], [.. scores], unknown, model.Flag("byte_fallback", absent: false));
        return new PipelineTokenizer(root.File, unigram, added, Components.Read(root));
    }
}
