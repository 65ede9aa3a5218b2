using System.Runtime.CompilerServices;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Splitting;

/// <summary>
/// The pattern of cl100k as Hugging Face files (Llama 3) spell it:
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal readonly struct Cl100kScanner : IScanner
{
    public static int Next(ReadOnlySpan<byte> text, int start) => Next(text, start, mostNumbers: 3, wholeAtEnd: false);

    /// <summary>The family: how many numbers a piece holds, and whether white space at the very end of the text stays whole.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Next(ReadOnlySpan<byte> text, int start, int mostNumbers, bool wholeAtEnd) =>
        AsciiWords.TryEnd(text, start, AsciiWords.Prefix, out int end) ? end : NextOther(text, start, mostNumbers, wholeAtEnd);

    private static int NextOther(ReadOnlySpan<byte> text, int start, int mostNumbers, bool wholeAtEnd)
    {
        uint kind = CodePointClass.At(text, start, out int length);
        int next = start + length;
        if ((kind & CodePointClass.Letter) != 0)
            return CodePointClass.RunEnd(text, next, CodePointClass.Letter);
        if ((kind & CodePointClass.Number) != 0)
            return ScannerParts.Numbers(text, start, mostNumbers);

        int contraction = ScannerParts.Contraction(text, start, ignoreCase: true);
        if (contraction > 0)
            return start + contraction;

        uint following = next < text.Length ? CodePointClass.At(text, next, out length) : 0;
        if (kind != CodePointClass.LineBreak && (following & CodePointClass.Letter) != 0)
            return CodePointClass.RunEnd(text, next + length, CodePointClass.Letter);
        if ((kind & CodePointClass.WhiteSpace) != 0)
        {
            bool blankBeforeOther = text[start] == (byte)' ' && following != 0
                && (following & CodePointClass.WhiteSpaceLetterOrNumber) == 0;
            if (!blankBeforeOther)
                return ScannerParts.WhiteSpaceByLine(text, start, wholeAtEnd);
        }

        int end = CodePointClass.RunEnd(text, next, ~CodePointClass.WhiteSpaceLetterOrNumber);
        return CodePointClass.RunEnd(text, end, CodePointClass.LineBreak);
    }
}

/// <summary>
/// The pattern of cl100k as tiktoken has it: as <see cref="Cl100kScanner"/>, with <c>\s++$</c> before the line-break alternative.
/// </summary>
internal readonly struct TiktokenCl100kScanner : IScanner
{
    public static int Next(ReadOnlySpan<byte> text, int start) => Cl100kScanner.Next(text, start, mostNumbers: 3, wholeAtEnd: true);
}

/// <summary>The Qwen 2 pattern: as <see cref="Cl100kScanner"/>, every number alone.</summary>
internal readonly struct Qwen2Scanner : IScanner
{
    public static int Next(ReadOnlySpan<byte> text, int start) => Cl100kScanner.Next(text, start, mostNumbers: 1, wholeAtEnd: false);
}
