using System.Text.Json;

namespace Craton.Tokenizers.Files;

/// <summary>
/// The parts of a tokenizer file beside its vocabulary, as they stand in the file: what they say is read from here once, and they
/// are written back unchanged. An undefined element is null in the file.
/// </summary>
internal sealed record Components
{
    public static JsonElement ByteLevelDecoder { get; } = JsonElement.Parse(
        """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""");

    public JsonElement Truncation { get; init; }

    public JsonElement Padding { get; init; }

    public JsonElement Normalizer { get; init; }

    public JsonElement PreTokenizer { get; init; }

    public JsonElement PostProcessor { get; init; }

    public JsonElement Decoder { get; init; }

    /// <summary>The name of the unknown token in the model, which byte-level text never needs.</summary>
    public string? Unknown { get; init; }

    /// <summary>Takes the components out of a file.</summary>
    public static Components Read(JsonFields root) => new()
    {
        Truncation = Part(root, "truncation"),
        Padding = Part(root, "padding"),
        Normalizer = Part(root, "normalizer"),
        PreTokenizer = Part(root, "pre_tokenizer"),
        PostProcessor = Part(root, "post_processor"),
        Decoder = Part(root, "decoder"),
        Unknown = root.Require("model").Find("unk_token")?.Text(),
    };

    /// <summary>The components of a byte-level tokenizer that is made here.</summary>
    public static Components ByteLevel(SplitPattern pattern, bool addPrefixSpace, bool nfc) => new()
    {
        Normalizer = nfc ? JsonElement.Parse("""{"type":"NFC"}""") : default,
        PreTokenizer = ByteLevelSplit.ToJson(pattern, addPrefixSpace),
        Decoder = ByteLevelDecoder,
    };

    /// <summary>A component for reading; null where the file has none.</summary>
    public static JsonFields? Fields(string file, JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Undefined ? null : new JsonFields(file, element, name);

    private static JsonElement Part(JsonFields root, string field) => root.Find(field) is { } part ? part.Element.Clone() : default;
}
