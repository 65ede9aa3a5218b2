using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tokenizers.Splitting;

namespace Craton.Tokenizers.Files;

/// <summary>The <c>pre_tokenizer</c> of a file: the splits from coarse to fine, ending in the byte level.</summary>
/// <param name="Levels">Each cuts the pieces of the one before.</param>
/// <param name="AddPrefixSpace">Put a blank before text that does not begin with one.</param>
internal sealed record ByteLevelSplit(Splitter[] Levels, bool AddPrefixSpace)
{
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
            return JsonElement.Parse(byteLevel.ToJsonString());
        var split = new JsonObject
        {
            ["type"] = "Split",
            ["pattern"] = new JsonObject { ["Regex"] = Patterns.RegexOf(pattern) },
            ["behavior"] = "Isolated",
            ["invert"] = false,
        };
        var sequence = new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(split, byteLevel) };
        return JsonElement.Parse(sequence.ToJsonString());
    }

    /// <summary>Reads the component; null where it does more than the known byte-level models do.</summary>
    public static ByteLevelSplit? Find(JsonFields? component)
    {
        if (component is not { } json)
            return null;
        JsonFields[] steps = json.Type() == "Sequence" ? [.. json.Require("pretokenizers").Items()] : [json];
        int byteLevelAt = Array.FindIndex(steps, step => step.Type() == "ByteLevel");
        if (byteLevelAt < 0)
            return null;

        List<Splitter?> levels = [.. steps[..byteLevelAt].Select(FindSplit)];
        JsonFields byteLevel = steps[byteLevelAt];
        bool prefix = byteLevel.Flag("add_prefix_space", absent: true);
        if (prefix && levels.Count > 0)
            return null;
        if (byteLevel.Flag("use_regex", absent: true))
            levels.Add(Patterns.Create(SplitPattern.Gpt2));
        levels.AddRange(steps[(byteLevelAt + 1)..].Select(FindByteSplit));
        return levels.Contains(null) ? null : new ByteLevelSplit([.. levels.OfType<Splitter>()], prefix);
    }

    private static Splitter? FindSplit(JsonFields step) => step.Type() switch
    {
        "Digits" when step.Flag("individual_digits", absent: false) => new Splitter<SingleDigitScanner>(),
        "Punctuation" when step.Find("behavior")?.Text() == "Contiguous" => new Splitter<PunctuationScanner>(),
        "Split" when RegexOf(step) is { } regex => Patterns.FindSplitter(regex.Text()),
        _ => null,
    };

    /// <summary>A split behind the byte level sees bytes as characters; only those of Falcon are known.</summary>
    private static Splitter? FindByteSplit(JsonFields step) => step.Type() switch
    {
        "Digits" when !step.Flag("individual_digits", absent: false) => new Splitter<ByteDigitsScanner>(),
        "Split" when RegexOf(step)?.Text() == "[0-9][0-9][0-9]" => new Splitter<DigitTripleScanner>(),
        _ => null,
    };

    private static JsonFields? RegexOf(JsonFields step) =>
        step.Require("behavior").Text() == "Isolated" && !step.Flag("invert", absent: false) ? step.Require("pattern").Find("Regex") : null;
}
