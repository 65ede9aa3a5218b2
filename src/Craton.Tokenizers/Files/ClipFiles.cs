using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Craton.Tokenizers.Files;

/// <summary>
/// The two files of CLIP, as pipelines that make images hold them: a JSON object of token to id, and a list of merges. They are read as the
/// <c>tokenizer.json</c> that stands for them in newer models.
/// </summary>
internal static class ClipFiles
{
    private const string Start = "<|startoftext|>", End = Tokenizer.BetweenTexts;
    private const long LargestFile = 64 << 20;

    // Contractions, words, single digits, and runs of anything else but spaces.
    private const string Words = @"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

    /// <summary>Reads both files; null where the vocabulary is another one, without the token that begins texts.</summary>
    public static Tokenizer? TryLoad(string vocabularyPath, string mergesPath)
    {
        if (Vocabulary(vocabularyPath) is not { } vocabulary)
            return null;
        var document = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(Added(Start), Added(End)),
            ["normalizer"] = JsonNode.Parse("""{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Lowercase"}]}"""),
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = Words }, ["behavior"] = "Removed", ["invert"] = true },
                    JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}""")),
            },
            ["post_processor"] = new JsonObject
            {
                ["type"] = "RobertaProcessing",
                ["sep"] = new JsonArray(End, Id(End)),
                ["cls"] = new JsonArray(Start, Id(Start)),
                ["trim_offsets"] = false,
                ["add_prefix_space"] = false,
            },
            ["decoder"] = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}"""),
        };
        document["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["unk_token"] = End,
            ["end_of_word_suffix"] = "</w>",
            ["merges"] = new JsonArray([.. File.ReadLines(mergesPath).Where(line => line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal)).Select(line => JsonValue.Create(line))]),
            ["vocab"] = vocabulary,
        };
        return TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(document.ToJsonString()), vocabularyPath);

        JsonObject Added(string token) => new() { ["id"] = Id(token), ["content"] = token, ["special"] = true, ["normalized"] = false };

        JsonNode Id(string token) => vocabulary[token]?.DeepClone()
            ?? throw new TokenizerFileException(vocabularyPath, $"has no {token}; expected the vocabulary of a CLIP model.");
    }

    // Null where it is another one, or damaged, which others say better.
    private static JsonObject? Vocabulary(string path)
    {
        if (new FileInfo(path).Length > LargestFile)
            throw new TokenizerFileException(path, $"is longer than {LargestFile} bytes.");
        try
        {
            var options = new JsonDocumentOptions { AllowDuplicateProperties = false };
            return JsonNode.Parse(File.ReadAllBytes(path), documentOptions: options) is JsonObject vocabulary && vocabulary.ContainsKey(Start) ? vocabulary : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
