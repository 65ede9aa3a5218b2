using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Splitting;

/// <summary>Every number alone, everything between them whole (<c>Digits</c> with <c>individual_digits</c>).</summary>
internal readonly struct SingleDigitScanner : IScanner
{
    public static int Next(ReadOnlySpan<byte> text, int start)
    {
        int end = ScannerParts.Numbers(text, start, 1);
        return end > start ? end : CodePointClass.RunEnd(text, start, ~CodePointClass.Number);
    }
}

/// <summary>Up to three numbers together, everything between them whole: <c>\p{N}{1,3}</c>, isolated.</summary>
internal readonly struct ThreeDigitScanner : IScanner
{
    public static int Next(ReadOnlySpan<byte> text, int start)
    {
        int end = ScannerParts.Numbers(text, start, 3);
        return end > start ? end : CodePointClass.RunEnd(text, start, ~CodePointClass.Number);
    }
}
