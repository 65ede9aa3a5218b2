using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Craton.Tokenizers.Unicode;

/// <summary>
/// Sets of code points as bit masks over the Unicode general categories, so that the class of a character is one table look-up
/// and membership in any set one AND. White space (the White_Space property) is lifted out of the categories it is scattered over.
/// </summary>
internal static class CodePointClass
{
    public const uint Uppercase = 1u << (int)UnicodeCategory.UppercaseLetter;
    public const uint Lowercase = 1u << (int)UnicodeCategory.LowercaseLetter;
    public const uint Titlecase = 1u << (int)UnicodeCategory.TitlecaseLetter;
    public const uint OtherLetter = 1u << (int)UnicodeCategory.ModifierLetter | 1u << (int)UnicodeCategory.OtherLetter;
    public const uint Letter = Uppercase | Lowercase | Titlecase | OtherLetter;
    public const uint Mark = 0b111u << (int)UnicodeCategory.NonSpacingMark;
    public const uint Number = 0b111u << (int)UnicodeCategory.DecimalDigitNumber;
    public const uint DecimalDigit = 1u << (int)UnicodeCategory.DecimalDigitNumber;
    public const uint LetterNumber = 1u << (int)UnicodeCategory.LetterNumber;
    public const uint Connector = 1u << (int)UnicodeCategory.ConnectorPunctuation;
    public const uint Punctuation = 0b1111111u << (int)UnicodeCategory.ConnectorPunctuation;
    public const uint Symbol = 0b1111u << (int)UnicodeCategory.MathSymbol;
    public const uint LineBreak = 1u << LineBreakBit;
    public const uint WhiteSpace = 1u << BlankBit | LineBreak;
    public const uint WhiteSpaceLetterOrNumber = WhiteSpace | Letter | Number;

    private const int BlankBit = 30;
    private const int LineBreakBit = 31;

    private static readonly byte[] _bits = BuildTable();

    /// <summary>The class of the code point at <paramref name="index"/> of valid UTF-8, as one bit, and its length in bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint At(ReadOnlySpan<byte> text, int index, out int length)
    {
        byte first = text[index];
        if (first < 0x80)
        {
            length = 1;
            return 1u << _bits[first];
        }

        return AtMultiByte(text, index, out length);
    }

    /// <summary>The class of a code point as one bit.</summary>
    public static uint Of(int codePoint) =>
        1u << (codePoint < _bits.Length ? _bits[codePoint] : (int)CharUnicodeInfo.GetUnicodeCategory(codePoint));

    /// <summary>Where the run of code points of a set that starts at <paramref name="index"/> ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int RunEnd(ReadOnlySpan<byte> text, int index, uint set)
    {
        while (index < text.Length && (At(text, index, out int length) & set) != 0)
            index += length;
        return index;
    }

    /// <summary>True for the regex class <c>\w</c>: letters, marks, digits, connectors, joiners.</summary>
    public static bool IsWord(Rune rune) =>
        (Of(rune.Value) & (Letter | Mark | DecimalDigit | LetterNumber | Connector)) != 0
        // Other_Alphabetic beyond marks: circled and squared Latin letters; Join_Control.
        || rune.Value is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169)
            or (>= 0x1F170 and <= 0x1F189) or 0x200C or 0x200D;

    private static uint AtMultiByte(ReadOnlySpan<byte> text, int index, out int length)
    {
        int first = text[index];
        if (first < 0xE0)
        {
            length = 2;
            return 1u << _bits[(first & 0x1F) << 6 | text[index + 1] & 0x3F];
        }

        if (first < 0xF0)
        {
            length = 3;
            return 1u << _bits[(first & 0x0F) << 12 | (text[index + 1] & 0x3F) << 6 | text[index + 2] & 0x3F];
        }

        length = 4;
        int codePoint = (first & 0x07) << 18 | (text[index + 1] & 0x3F) << 12 | (text[index + 2] & 0x3F) << 6 | text[index + 3] & 0x3F;
        return 1u << (int)CharUnicodeInfo.GetUnicodeCategory(codePoint);
    }

    private static byte[] BuildTable()
    {
        var bits = new byte[0x10000];
        for (int c = 0; c < bits.Length; c++)
        {
            bits[c] = c is '\r' or '\n' ? (byte)LineBreakBit
                : char.IsWhiteSpace((char)c) ? (byte)BlankBit
                : (byte)CharUnicodeInfo.GetUnicodeCategory((char)c);
        }

        return bits;
    }
}
