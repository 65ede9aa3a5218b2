using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Splitting;

/// <summary>
/// The last of the three patterns of DeepSeek; what it does not match stays together between matches:
/// <c>[!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>, where the first
/// class is the ASCII punctuation.
/// </summary>
internal readonly struct DeepSeekScanner : IScanner
{
    private const uint Word = CodePointClass.Letter | CodePointClass.Mark;
    private const uint Sign = CodePointClass.Punctuation | CodePointClass.Symbol;

    public static int Next(ReadOnlySpan<byte> text, int start)
    {
        int end = Match(text, start);
        if (end > 0)
            return end;
        for (end = start; end < text.Length && Match(text, end) == 0;)
        {
            _ = CodePointClass.At(text, end, out int length);
            end += length;
        }

        return end;
    }

    private static int Match(ReadOnlySpan<byte> text, int start)
    {
        uint kind = CodePointClass.At(text, start, out int length);
        int next = start + length;
        uint following = next < text.Length ? CodePointClass.At(text, next, out length) : 0;
        if (following != 0 && length == 1 && text[start] < 0x80 && (kind & Sign) != 0 && char.IsAsciiLetter((char)text[next]))
            return AsciiLettersEnd(text, next);
        if ((kind & Word) != 0)
            return CodePointClass.RunEnd(text, next, Word);
        if ((kind & (CodePointClass.LineBreak | Sign)) == 0 && (following & Word) != 0)
            return CodePointClass.RunEnd(text, next, Word);
        if ((kind & Sign) != 0 || (text[start] == (byte)' ' && (following & Sign) != 0))
            return CodePointClass.RunEnd(text, CodePointClass.RunEnd(text, next, Sign), CodePointClass.LineBreak);
        return (kind & CodePointClass.WhiteSpace) != 0 ? ScannerParts.WhiteSpaceByLine(text, start, wholeAtEnd: false) : 0;
    }

    private static int AsciiLettersEnd(ReadOnlySpan<byte> text, int index)
    {
        while (index < text.Length && char.IsAsciiLetter((char)text[index]))
            index++;
        return index;
    }
}

/// <summary>Runs of Chinese characters and kana, everything between them whole: <c>[一-龥\u3040-ゟ゠-ヿ]+</c>, isolated.</summary>
internal readonly struct CjkScanner : IScanner
{
    public static int Next(ReadOnlySpan<byte> text, int start)
    {
        bool cjk = IsCjk(text, start);
        int end = start;
        while (end < text.Length && IsCjk(text, end) == cjk)
        {
            _ = CodePointClass.At(text, end, out int length);
            end += length;
        }

        return end;
    }

    private static bool IsCjk(ReadOnlySpan<byte> text, int index)
    {
        if (text[index] is < 0xE3 or > 0xE9)
            return false;
        int codePoint = (text[index] & 0x0F) << 12 | (text[index + 1] & 0x3F) << 6 | text[index + 2] & 0x3F;
        return codePoint is (>= 0x4E00 and <= 0x9FA5) or (>= 0x3040 and <= 0x30FF);
    }
}
