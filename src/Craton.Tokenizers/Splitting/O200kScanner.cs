using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Splitting;

/// <summary>
/// The pattern of o200k: words are cut where case falls to rise. With U = Lu Lt Lm Lo M, W = Ll Lm Lo M and C the contractions:
/// <c>[^\r\n\p{L}\p{N}]?U*W+C?|[^\r\n\p{L}\p{N}]?U+W*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal readonly struct O200kScanner : IScanner
{
    private const uint Upper = CodePointClass.Uppercase | CodePointClass.Titlecase | CodePointClass.OtherLetter | CodePointClass.Mark;
    private const uint Lower = CodePointClass.Lowercase | CodePointClass.OtherLetter | CodePointClass.Mark;

    public static int Next(ReadOnlySpan<byte> text, int start) =>
        AsciiWords.TryEndByCase(text, start, AsciiWords.Prefix, out int end)
            ? end + ScannerParts.Contraction(text, end, ignoreCase: true)
            : NextOther(text, start);

    private static int NextOther(ReadOnlySpan<byte> text, int start)
    {
        uint kind = CodePointClass.At(text, start, out int length);
        int next = start + length;
        int end = WordEnd(text, start, kind, next);
        if (end > 0)
            return end + ScannerParts.Contraction(text, end, ignoreCase: true);
        if ((kind & CodePointClass.Number) != 0)
            return ScannerParts.Numbers(text, start, 3);
        if ((kind & CodePointClass.WhiteSpace) != 0)
        {
            bool blankBeforeOther = text[start] == (byte)' ' && next < text.Length
                && (CodePointClass.At(text, next, out _) & CodePointClass.WhiteSpaceLetterOrNumber) == 0;
            if (!blankBeforeOther)
                return ScannerParts.WhiteSpaceByLine(text, start, wholeAtEnd: false);
        }

        end = CodePointClass.RunEnd(text, next, ~CodePointClass.WhiteSpaceLetterOrNumber);
        while (end < text.Length && text[end] is (byte)'\r' or (byte)'\n' or (byte)'/')
            end++;
        return end;
    }

    /// <summary>The end of the first two alternatives without the contraction, or 0 where neither matches.</summary>
    private static int WordEnd(ReadOnlySpan<byte> text, int start, uint kind, int next)
    {
        bool prefix = (kind & (CodePointClass.LineBreak | CodePointClass.Letter | CodePointClass.Number)) == 0;
        int end = 0;
        if (prefix)
            end = LowerEnd(text, next);
        // A mark can be the prefix, but also the word itself.
        if (end == 0 && (!prefix || (kind & CodePointClass.Mark) != 0))
            end = LowerEnd(text, start);
        if (end > 0)
            return end;

        int word = prefix ? next : start;
        int upperEnd = CodePointClass.RunEnd(text, word, Upper);
        return upperEnd > word ? upperEnd : 0;
    }

    /// <summary><c>U*W+</c> with its backtracking, or 0: capitals, then the small letters; without any, the last caseless letter.</summary>
    private static int LowerEnd(ReadOnlySpan<byte> text, int start)
    {
        int index = start, lastCaselessEnd = 0;
        while (index < text.Length)
        {
            uint kind = CodePointClass.At(text, index, out int length);
            if ((kind & Upper) == 0)
                break;
            index += length;
            if ((kind & Lower) != 0)
                lastCaselessEnd = index;
        }

        int end = CodePointClass.RunEnd(text, index, Lower);
        return end > index ? end : lastCaselessEnd;
    }
}
