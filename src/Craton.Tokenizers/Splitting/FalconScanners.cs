using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Splitting;

/// <summary>Runs of punctuation (ASCII signs count) and runs of everything else: <c>Punctuation</c>, contiguous.</summary>
internal readonly struct PunctuationScanner : IScanner
{
    public static int Next(ReadOnlySpan<byte> text, int start)
    {
        bool first = IsPunctuation(text, start, out int length);
        int end = start + length;
        while (end < text.Length && IsPunctuation(text, end, out length) == first)
            end += length;
        return end;
    }

    private static bool IsPunctuation(ReadOnlySpan<byte> text, int index, out int length)
    {
        uint kind = CodePointClass.At(text, index, out length);
        uint set = length == 1 ? CodePointClass.Punctuation | CodePointClass.Symbol : CodePointClass.Punctuation;
        return (kind & set) != 0;
    }
}

/// <summary>
/// Runs of digits and of everything else <em>behind</em> the byte level (<c>Digits</c>, not individual): there every byte is a
/// character of its own, and besides the ten digits six bytes are spelt with ² ³ ¹ ¼ ½ ¾, which are numbers too.
/// </summary>
internal readonly struct ByteDigitsScanner : IScanner
{
    public static int Next(ReadOnlySpan<byte> text, int start)
    {
        bool first = IsNumber(text[start]);
        int end = start + 1;
        while (end < text.Length && IsNumber(text[end]) == first)
            end++;
        return end;
    }

    private static bool IsNumber(byte value) => value is (>= (byte)'0' and <= (byte)'9') or 0xB2 or 0xB3 or 0xB9 or 0xBC or 0xBD or 0xBE;
}

/// <summary>Three ASCII digits together, everything between such groups whole: <c>[0-9][0-9][0-9]</c>, isolated.</summary>
internal readonly struct DigitTripleScanner : IScanner
{
    public static int Next(ReadOnlySpan<byte> text, int start)
    {
        if (IsTriple(text, start))
            return start + 3;
        int end = start + 1;
        while (end < text.Length && !IsTriple(text, end))
            end++;
        return end;
    }

    private static bool IsTriple(ReadOnlySpan<byte> text, int index) =>
        index + 3 <= text.Length && text.Slice(index, 3).IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;
}
