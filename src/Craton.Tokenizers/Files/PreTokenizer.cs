using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tokenizers.Splitting;

namespace Craton.Tokenizers.Files;

/// <summary>The <c>pre_tokenizer</c> of a file: the splits from coarse to fine, ending in the byte level.</summary>
/// <param name="Levels">Each cuts the pieces of the one before.</param>
/// <param name="AddPrefixSpace">Put a blank before text that does not begin with one.</param>
internal sealed record PreTokenizer(Splitter[] Levels, bool AddPrefixSpace)
{
    private const string Supported =
        "ByteLevel, or a Sequence of Split (a known pattern), Digits, Punctuation and ByteLevel as in known models";

    /// <summary>The component for a pattern, as it is written into files.</summary>
    public static JsonElement ToJson(SplitPattern pattern, bool addPrefixSpace)
    {
        bool builtIn = pattern is SplitPattern.Gpt2 or SplitPattern.None;
        if (!builtIn && addPrefixSpace)
        {
            throw new TokenizerException(
                $"A prefix space goes with the patterns Gpt2 and None only, got {pattern}; turn AddPrefixSpace off.");
        }

        var byteLevel = new JsonObject
        {
            ["type"] = "ByteLevel",
            ["add_prefix_space"] = addPrefixSpace,
            ["trim_offsets"] = true,
            ["use_regex"] = pattern == SplitPattern.Gpt2,
        };
        if (builtIn)
            return JsonSerializer.SerializeToElement(byteLevel);
        var split = new JsonObject
        {
            ["type"] = "Split",
            ["pattern"] = new JsonObject { ["Regex"] = Patterns.RegexOf(pattern) },
            ["behavior"] = "Isolated",
            ["invert"] = false,
        };
        var sequence = new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(split, byteLevel) };
        return JsonSerializer.SerializeToElement(sequence);
    }

    /// <summary>Reads the component.</summary>
    public static PreTokenizer Parse(JsonFields json)
    {
        JsonFields[] steps = json.Type() == "Sequence" ? [.. json.Require("pretokenizers").Items()] : [json];
        int byteLevelAt = Array.FindIndex(steps, step => step.Type() == "ByteLevel");
        if (byteLevelAt < 0)
            throw json.Unsupported(steps.Length == 0 ? "an empty Sequence" : steps[^1].Type() + " without ByteLevel", Supported);

        var levels = new List<Splitter>();
        foreach (JsonFields step in steps[..byteLevelAt])
            levels.Add(ParseSplit(step));
        JsonFields byteLevel = steps[byteLevelAt];
        bool prefix = byteLevel.Flag("add_prefix_space", absent: true);
        if (prefix && levels.Count > 0)
            throw byteLevel.Unsupported("add_prefix_space after a split", Supported);
        if (byteLevel.Flag("use_regex", absent: true))
            levels.Add(Patterns.Create(SplitPattern.Gpt2));
        foreach (JsonFields step in steps[(byteLevelAt + 1)..])
            levels.Add(ParseByteSplit(step));
        return new PreTokenizer([.. levels], prefix);
    }

    private static Splitter ParseSplit(JsonFields step)
    {
        switch (step.Type())
        {
            case "Digits" when step.Flag("individual_digits", absent: false):
                return new Splitter<SingleDigitScanner>();
            case "Punctuation" when step.Find("behavior")?.Text() == "Contiguous":
                return new Splitter<PunctuationScanner>();
            case "Split" when RegexOf(step) is { } regex:
                return Patterns.FindSplitter(regex.Text())
                    ?? throw regex.Unsupported(
                        "the pattern " + regex.Short(), "the patterns of GPT-2, cl100k, Llama 3, Qwen 2, o200k, DeepSeek and Falcon");
            default:
                throw step.Unsupported(step.Short(), Supported);
        }
    }

    /// <summary>A split behind the byte level sees bytes as characters; only those of Falcon are known.</summary>
    private static Splitter ParseByteSplit(JsonFields step) => step.Type() switch
    {
        "Digits" when !step.Flag("individual_digits", absent: false) => new Splitter<ByteDigitsScanner>(),
        "Split" when RegexOf(step)?.Text() == "[0-9][0-9][0-9]" => new Splitter<DigitTripleScanner>(),
        _ => throw step.Unsupported(step.Short() + " behind ByteLevel", Supported),
    };

    private static JsonFields? RegexOf(JsonFields step) =>
        step.Require("behavior").Text() == "Isolated" && !step.Flag("invert", absent: false) ? step.Require("pattern").Find("Regex") : null;
}
