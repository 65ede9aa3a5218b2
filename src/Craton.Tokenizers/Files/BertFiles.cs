using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers.Files;

/// <summary>The files of BERT from before tokenizer.json: <c>vocab.txt</c> with one token a line, and settings beside it.</summary>
internal static class BertFiles
{
    public const string VocabularyName = "vocab.txt";

    private const long LargestFile = 64 << 20;
    private const int LongestWord = 100;

    private static readonly string[] _special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    /// <summary>Reads the files of a directory; without settings text is made small, as in the uncased models.</summary>
    public static PipelineTokenizer Load(string directory)
    {
        string path = Path.Combine(directory, VocabularyName);
        if (new FileInfo(path).Length > LargestFile)
            throw new TokenizerFileException(path, $"is longer than {LargestFile} bytes.");
        string[] tokens = [.. File.ReadAllText(path).TrimEnd('\n').Split('\n').Select(line => line.TrimEnd('\r'))];
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (!ids.TryAdd(tokens[id], id))
                throw new TokenizerFileException(path, $"line {id + 1} repeats \"{tokens[id]}\" of line {ids[tokens[id]] + 1}.");
        }

        if (_special[1..4].FirstOrDefault(t => !ids.ContainsKey(t)) is { } missing)
            throw new TokenizerFileException(path, $"has no {missing}; expected the vocabulary of a BERT model.");
        (bool lowercase, JsonNode? stripAccents, bool ideographs) = ReadSettings(Path.Combine(directory, TokenizerDirectory.ConfigFile));
        var components = new Components
        {
            Normalizer = JsonElement.Parse(new JsonObject
            {
                ["type"] = "BertNormalizer",
                ["clean_text"] = true,
                ["handle_chinese_chars"] = ideographs,
                ["strip_accents"] = stripAccents,
                ["lowercase"] = lowercase,
            }.ToJsonString()),
            PreTokenizer = JsonElement.Parse("""{"type":"BertPreTokenizer"}"""),
            PostProcessor = JsonElement.Parse(new JsonObject
            {
                ["type"] = "BertProcessing",
                ["sep"] = new JsonArray("[SEP]", ids["[SEP]"]),
                ["cls"] = new JsonArray("[CLS]", ids["[CLS]"]),
            }.ToJsonString()),
            Decoder = JsonElement.Parse("""{"type":"WordPiece","prefix":"##","cleanup":true}"""),
            Unknown = "[UNK]",
        };
        AddedToken[] added = [.. _special.Where(ids.ContainsKey).Select(t => new AddedToken(ids[t], t) { Special = true })];
        return new PipelineTokenizer(path, new WordPieceModel(tokens, "[UNK]", "##", LongestWord), added, components);
    }

    private static (bool Lowercase, JsonNode? StripAccents, bool Ideographs) ReadSettings(string path)
    {
        if (!File.Exists(path))
            return (true, null, true);
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = new JsonFields(path, document.RootElement, JsonFields.Root);
            JsonNode? strip = root.Find("strip_accents") is null ? null : root.Flag("strip_accents", absent: false);
            return (root.Flag("do_lower_case", absent: true), strip, root.Flag("tokenize_chinese_chars", absent: true));
        }
        catch (JsonException e)
        {
            throw new TokenizerFileException(path, $"is no valid JSON ({e.Message.TrimEnd('.')}).", e);
        }
    }
}
