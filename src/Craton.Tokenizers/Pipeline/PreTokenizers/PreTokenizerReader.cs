using System.Text;
using Craton.Tokenizers.Files;

namespace Craton.Tokenizers.Pipeline;

/// <summary>Reads the <c>pre_tokenizer</c> of a file.</summary>
internal static class PreTokenizerReader
{
    private const string Supported = "ByteLevel, Whitespace, WhitespaceSplit, Metaspace, BertPreTokenizer, Split, Punctuation, Digits,"
        + " UnicodeScripts, CharDelimiterSplit, FixedLength and a Sequence of these";

    private static readonly CharacterPattern _whiteSpace = new(CharProperty.IsWhiteSpace);
    private static readonly CharacterPattern _punctuation = new(SplitPreTokenizer.IsPunctuation);
    private static readonly CharacterPattern _number = new(c => CharProperty.IsIn(c, Unicode.CodePointClass.Number));
    private static readonly TextPattern _words = RegexPattern.Parse(@"\w+|[^\w\s]+", out _)!;

    /// <summary>Reads the component; null gives one that does not cut.</summary>
    public static PreTokenizer Read(JsonFields? component) => component is not { } json ? PreTokenizer.None : json.Type() switch
    {
        "Sequence" => new SequencePreTokenizer([.. json.Require("pretokenizers").Items().Select(step => Read(step))]),
        "ByteLevel" => new ByteLevelPreTokenizer(json.Flag("add_prefix_space", absent: true), json.Flag("use_regex", absent: true)),
        "Whitespace" => new SplitPreTokenizer(_words, SplitBehavior.Removed, invert: true),
        "WhitespaceSplit" => new SplitPreTokenizer(_whiteSpace, SplitBehavior.Removed),
        "BertPreTokenizer" => new SequencePreTokenizer(
            [new SplitPreTokenizer(_whiteSpace, SplitBehavior.Removed), new SplitPreTokenizer(_punctuation, SplitBehavior.Isolated)]),
        "Metaspace" => ReadMetaspace(json),
        "Split" => new SplitPreTokenizer(TextPattern.Read(json.Require("pattern")), Behavior(json, null), json.Flag("invert", absent: false)),
        "Punctuation" => new SplitPreTokenizer(_punctuation, Behavior(json, SplitBehavior.Isolated)),
        "Digits" => new SplitPreTokenizer(
            _number, json.Flag("individual_digits", absent: false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "CharDelimiterSplit" => new SplitPreTokenizer(new LiteralPattern([Character(json, "delimiter")]), SplitBehavior.Removed),
        "FixedLength" => new FixedLengthPreTokenizer(ReadLength(json)),
        "UnicodeScripts" => new UnicodeScriptsPreTokenizer(),
        string other => throw json.Unsupported(other, Supported),
    };

    /// <summary>When a Metaspace component, of either kind, puts its mark in front; older files say <c>add_prefix_space</c>.</summary>
    public static PrependScheme Scheme(JsonFields json)
    {
        if (json.Find("prepend_scheme") is not { } scheme)
            return json.Flag("add_prefix_space", absent: true) ? PrependScheme.Always : PrependScheme.Never;
        return scheme.Text() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            string other => throw scheme.Unsupported(other, "always, first and never"),
        };
    }

    /// <summary>A field that holds one character.</summary>
    public static int Character(JsonFields json, string field)
    {
        string text = json.Require(field).Text();
        return Rune.TryGetRuneAt(text.Length == 0 ? "\ud800" : text, 0, out Rune rune) && rune.Utf16SequenceLength == text.Length
            ? rune.Value : throw json.Require(field).Error($"is \"{text}\", expected one character");
    }

    private static MetaspacePreTokenizer ReadMetaspace(JsonFields json) =>
        new(Character(json, "replacement"), Scheme(json), json.Flag("split", absent: true));

    private static int ReadLength(JsonFields json)
    {
        int length = json.Find("length")?.Id() ?? 5;
        return length > 0 ? length : throw json.Error("has the length 0, expected at least 1");
    }

    private static SplitBehavior Behavior(JsonFields json, SplitBehavior? absent)
    {
        if (absent is { } behavior && json.Find("behavior") is null)
            return behavior;
        JsonFields name = json.Require("behavior");
        return name.Text() switch
        {
            "Isolated" => SplitBehavior.Isolated,
            "Removed" => SplitBehavior.Removed,
            "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
            "MergedWithNext" => SplitBehavior.MergedWithNext,
            "Contiguous" => SplitBehavior.Contiguous,
            string other => throw name.Unsupported(other, "Isolated, Removed, MergedWithPrevious, MergedWithNext and Contiguous"),
        };
    }
}
