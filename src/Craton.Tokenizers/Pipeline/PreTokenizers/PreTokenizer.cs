using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Pipeline;

/// <summary>Cuts a text into the words that a model sees one by one.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Does not cut.</summary>
    public static PreTokenizer None { get; } = new SequencePreTokenizer([]);

    /// <summary>The pieces of a text, none of them empty, in order.</summary>
    public IEnumerable<AlignedText> Split(AlignedText text) => Cut(text).Where(piece => piece.Length > 0);

    /// <summary>The pieces of a text in order; empty ones are left out later.</summary>
    protected abstract IEnumerable<AlignedText> Cut(AlignedText text);
}

/// <summary>One after the other, each within the pieces of the one before.</summary>
internal sealed class SequencePreTokenizer(IReadOnlyList<PreTokenizer> steps) : PreTokenizer
{
    protected override IEnumerable<AlignedText> Cut(AlignedText text) =>
        steps.Aggregate<PreTokenizer, IEnumerable<AlignedText>>([text], (pieces, step) => pieces.SelectMany(step.Split));
}

/// <summary>Cuts at what a pattern matches, or between its matches.</summary>
internal sealed class SplitPreTokenizer(TextPattern pattern, SplitBehavior behavior, bool invert = false) : PreTokenizer
{
    /// <summary>White space or punctuation as BERT has it.</summary>
    public static bool IsPunctuation(int c) =>
        CharProperty.IsIn(c, CodePointClass.Punctuation) || (c < 128 && CharProperty.IsIn(c, CodePointClass.Symbol));

    protected override IEnumerable<AlignedText> Cut(AlignedText text) => text.Split(pattern, behavior, invert);
}

/// <summary>The characters of each byte, after cuts by the pattern of GPT-2.</summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    private static readonly TextPattern _gpt2 =
        RegexPattern.Parse(Splitting.Patterns.RegexOf(SplitPattern.Gpt2), out _)!;

    private static readonly ByteLevelNormalizer _bytes = new();

    protected override IEnumerable<AlignedText> Cut(AlignedText text)
    {
        if (addPrefixSpace && text.Length > 0 && text.Chars[0].Code != ' ')
            text = text.Prepend([' ']);
        return (useRegex ? text.Split(_gpt2, SplitBehavior.Isolated) : [text]).Select(_bytes.Apply);
    }
}

/// <summary>When <see cref="MetaspacePreTokenizer"/> puts its mark in front.</summary>
internal enum PrependScheme
{
    /// <summary>Before every part of the text.</summary>
    Always,

    /// <summary>At the start of the text only.</summary>
    First,

    /// <summary>Nowhere.</summary>
    Never,
}

/// <summary>Writes blanks as a mark, and cuts before each.</summary>
internal sealed class MetaspacePreTokenizer(int mark, PrependScheme scheme, bool split) : PreTokenizer
{
    private static readonly LiteralPattern _blank = new([' ']);

    private readonly LiteralPattern _mark = new([mark]);

    protected override IEnumerable<AlignedText> Cut(AlignedText text)
    {
        text = text.Replace(_blank, [mark]);
        bool prepends = scheme == PrependScheme.Always || (scheme == PrependScheme.First && text.Origin == 0);
        if (prepends && text.Length > 0 && text.Chars[0].Code != mark)
            text = text.Prepend([mark]);
        return split ? text.Split(_mark, SplitBehavior.MergedWithNext) : [text];
    }
}

/// <summary>Pieces of a fixed number of characters.</summary>
internal sealed class FixedLengthPreTokenizer(int length) : PreTokenizer
{
    protected override IEnumerable<AlignedText> Cut(AlignedText text)
    {
        for (int start = 0; start < text.Length; start += length)
            yield return text.Slice(start, Math.Min(start + length, text.Length));
    }
}

/// <summary>
/// Cuts where the script changes; kana count as Chinese, blanks belong to what is before them. The scripts are those of Unicode 9,
/// with which the vocabularies were made.
/// </summary>
internal sealed class UnicodeScriptsPreTokenizer : PreTokenizer
{
    private const string Han = "Han", Kana = "Katakana", Hiragana = "Hiragana";
    private const int ProlongedSoundMark = 0x30FC;

    protected override IEnumerable<AlignedText> Cut(AlignedText text)
    {
        int start = -1;
        string? last = null;
        for (int i = 0; i < text.Length; i++)
        {
            string script = ScriptOf(text.Chars[i].Code);
            if (script == ScriptData.None)
                continue;
            if (script != last)
            {
                if (start >= 0)
                    yield return text.Slice(start, i);
                start = i;
            }

            last = script;
        }

        // As in the reference, what comes before the first script is lost.
        if (start >= 0)
            yield return text.Slice(start, text.Length);
    }

    private static string ScriptOf(int c) => c switch
    {
        ' ' => ScriptData.None,
        ProlongedSoundMark => Han,
        _ => ScriptData.OldScriptOf(c) is Kana or Hiragana ? Han : ScriptData.OldScriptOf(c),
    };
}
