using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Splitting;

/// <summary>
/// The GPT-2 pattern: <c>'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal readonly struct Gpt2Scanner : IScanner
{
    // What may stand before the letters of a word: a blank.
    private static readonly bool[] _blank = [.. Enumerable.Range(0, 256).Select(b => b == ' ')];

    public static int Next(ReadOnlySpan<byte> text, int start) =>
        AsciiWords.TryEnd(text, start, _blank, out int end) ? end : NextOther(text, start);

    private static int NextOther(ReadOnlySpan<byte> text, int start)
    {
        int contraction = ScannerParts.Contraction(text, start, ignoreCase: false);
        if (contraction > 0)
            return start + contraction;

        uint kind = CodePointClass.At(text, start, out int length);
        int next = start + length;
        if (text[start] == (byte)' ' && next < text.Length)
        {
            kind = CodePointClass.At(text, next, out length);
            next += length;
        }

        if ((kind & CodePointClass.WhiteSpace) != 0)
            return ScannerParts.WhiteSpace(text, start);
        if ((kind & CodePointClass.Letter) != 0)
            return CodePointClass.RunEnd(text, next, CodePointClass.Letter);
        if ((kind & CodePointClass.Number) != 0)
            return CodePointClass.RunEnd(text, next, CodePointClass.Number);
        return CodePointClass.RunEnd(text, next, ~CodePointClass.WhiteSpaceLetterOrNumber);
    }
}
