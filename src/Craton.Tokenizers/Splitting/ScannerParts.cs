using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Splitting;

/// <summary>The alternatives that several split patterns have in common.</summary>
internal static class ScannerParts
{
    /// <summary>
    /// Length of an English contraction (<c>'s 't 'd 'm 're 've 'll</c>) at <paramref name="start"/>, or 0. Without regard to case,
    /// <c>'s</c> also takes U+017F (long s), the only other character that folds to one of these letters.
    /// </summary>
    public static int Contraction(ReadOnlySpan<byte> text, int start, bool ignoreCase)
    {
        if (start + 1 >= text.Length || text[start] != (byte)'\'')
            return 0;
        int fold = ignoreCase ? 0x20 : 0;
        int first = text[start + 1] | fold;
        if (first is 's' or 't' or 'd' or 'm')
            return 2;
        if (ignoreCase && text[start + 1] == 0xC5 && start + 2 < text.Length && text[start + 2] == 0xBF)
            return 3;
        if (start + 2 >= text.Length)
            return 0;
        int second = text[start + 2] | fold;
        return (first is 'r' or 'v' && second == 'e') || (first == 'l' && second == 'l') ? 3 : 0;
    }

    /// <summary><c>\s+(?!\S)|\s+</c>: a run of white space leaves its last character to what follows, unless it is alone.</summary>
    public static int WhiteSpace(ReadOnlySpan<byte> text, int start)
    {
        int end = start, last = start;
        while (end < text.Length && (CodePointClass.At(text, end, out int length) & CodePointClass.WhiteSpace) != 0)
        {
            last = end;
            end += length;
        }

        return end == text.Length || last == start ? end : last;
    }

    /// <summary>
    /// <c>\s*[\r\n]+|\s+(?!\S)|\s+</c>: a run of white space is cut after its last line break. With
    /// <paramref name="wholeAtEnd"/> (<c>\s++$</c> in front) a run that ends the text stays whole.
    /// </summary>
    public static int WhiteSpaceByLine(ReadOnlySpan<byte> text, int start, bool wholeAtEnd)
    {
        int end = start, last = start, afterBreak = -1;
        while (end < text.Length)
        {
            uint kind = CodePointClass.At(text, end, out int length);
            if ((kind & CodePointClass.WhiteSpace) == 0)
                break;
            last = end;
            end += length;
            if (kind == CodePointClass.LineBreak)
                afterBreak = end;
        }

        if (wholeAtEnd && end == text.Length)
            return end;
        if (afterBreak >= 0)
            return afterBreak;
        return end == text.Length || last == start ? end : last;
    }

    /// <summary>At most <paramref name="most"/> numbers from <paramref name="start"/> on: <c>\p{N}{1,most}</c>.</summary>
    public static int Numbers(ReadOnlySpan<byte> text, int start, int most)
    {
        for (int i = 0; i < most && start < text.Length; i++)
        {
            if ((CodePointClass.At(text, start, out int length) & CodePointClass.Number) == 0)
                break;
            start += length;
        }

        return start;
    }
}
