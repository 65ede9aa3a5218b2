namespace Craton.Tokenizers.Files;

/// <summary>The <c>post_processor</c> of a file.</summary>
internal sealed record PostProcessor
{
    private const string Supported = "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing and a Sequence of these";

    /// <summary>The ids that a model expects in front of a single text.</summary>
    public int[] Prefix { get; private init; } = [];

    /// <summary>The ids that a model expects behind a single text.</summary>
    public int[] Suffix { get; private init; } = [];

    /// <summary>Leave blanks at the edges of tokens out of their offsets.</summary>
    public bool TrimOffsets { get; private init; }

    /// <summary>The first blank of a text was added and has no place in it.</summary>
    public bool TrimKeepsFirstBlank { get; private init; }

    /// <summary>Reads the component; null gives one that changes nothing.</summary>
    public static PostProcessor Parse(JsonFields? component)
    {
        var none = new PostProcessor();
        if (component is not { } json)
            return none;
        switch (json.Type())
        {
            case "ByteLevel":
                return none.WithTrim(json);
            case "RobertaProcessing":
                return (none with { Prefix = [PairedId(json, "cls")], Suffix = [PairedId(json, "sep")] }).WithTrim(json);
            case "BertProcessing":
                return none with { Prefix = [PairedId(json, "cls")], Suffix = [PairedId(json, "sep")] };
            case "TemplateProcessing":
                return ParseTemplate(json);
            case "Sequence":
                return json.Require("processors").Items().Select(p => Parse(p)).Aggregate(none, Then);
            default:
                throw json.Unsupported(json.Type(), Supported);
        }
    }

    private static PostProcessor Then(PostProcessor first, PostProcessor second) => new()
    {
        Prefix = [.. second.Prefix, .. first.Prefix],
        Suffix = [.. first.Suffix, .. second.Suffix],
        TrimOffsets = first.TrimOffsets || second.TrimOffsets,
        TrimKeepsFirstBlank = second.TrimOffsets ? second.TrimKeepsFirstBlank : first.TrimKeepsFirstBlank,
    };

    private static PostProcessor ParseTemplate(JsonFields json)
    {
        JsonFields specials = json.Require("special_tokens");
        var prefix = new List<int>();
        var suffix = new List<int>();
        bool seen = false;
        foreach (JsonFields piece in json.Require("single").Items())
        {
            if (piece.Find("SpecialToken") is { } special)
            {
                IEnumerable<JsonFields> ids = specials.Require(special.Require("id").Text()).Require("ids").Items();
                (seen ? suffix : prefix).AddRange(ids.Select(i => i.Id()));
            }
            else if (piece.Find("Sequence") is { } sequence && !seen && sequence.Require("id").Text() == "A")
            {
                seen = true;
            }
            else
            {
                throw piece.Error($"is {piece.Short()}, expected SpecialToken, or Sequence A once");
            }
        }

        return seen
            ? new PostProcessor { Prefix = [.. prefix], Suffix = [.. suffix] }
            : throw json.Error("has no Sequence A in \"single\"");
    }

    private static int PairedId(JsonFields json, string field)
    {
        JsonFields[] pair = [.. json.Require(field).Items()];
        return pair.Length == 2 ? pair[1].Id() : throw json.Require(field).Error("is not a pair of token and id");
    }

    private PostProcessor WithTrim(JsonFields json) => this with
    {
        TrimOffsets = json.Flag("trim_offsets", absent: true),
        TrimKeepsFirstBlank = json.Flag("add_prefix_space", absent: true),
    };
}
