using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Splitting;

/// <summary>
/// The common case of every pattern: a word of ASCII letters, with one other character before it. Where the next sixteen bytes are
/// there to read, the letters among them are bits, and the length of the word a count of bits: a loop over letters would mispredict
/// its end at every word.
/// </summary>
internal static class AsciiWords
{
    private const int Width = 16;

    /// <summary>The bytes that <c>[^\r\n\p{L}\p{N}]?</c> takes before a word, without the apostrophe, which may begin a contraction.</summary>
    public static readonly bool[] Prefix = [.. Enumerable.Range(0, 256).Select(b =>
        b < 0x80 && b != '\'' && (CodePointClass.Of(b) & (CodePointClass.LineBreak | CodePointClass.Letter | CodePointClass.Number)) == 0)];

    /// <summary>The end of the word at <paramref name="start"/>, all its letters; false where there is none, or too near the end of the text.</summary>
    /// <param name="text">Valid UTF-8.</param>
    /// <param name="start">Start of a piece.</param>
    /// <param name="prefix">The bytes that may stand before the letters.</param>
    /// <param name="end">One past the word.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryEnd(ReadOnlySpan<byte> text, int start, bool[] prefix, out int end)
    {
        end = start;
        if (start > text.Length - Width)
            return false;
        Vector128<byte> bytes = Load(text, start);
        uint letters = Between(bytes | Vector128.Create((byte)0x20), 'a', 'z');
        if (!Begins(letters, prefix[bytes[0]]))
            return false;
        end = start + BitOperations.TrailingZeroCount(~(letters | 1));
        if (end == start + Width || text[end] >= 0x80)
            end = CodePointClass.RunEnd(text, end, CodePointClass.Letter);
        return true;
    }

    /// <summary>
    /// The same for words that are cut before a capital: capitals, then small letters. False also where the word goes on beyond
    /// the bytes that are looked at, or with a character that is not ASCII.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryEndByCase(ReadOnlySpan<byte> text, int start, bool[] prefix, out int end)
    {
        end = start;
        if (start > text.Length - Width)
            return false;
        Vector128<byte> bytes = Load(text, start);
        uint small = Between(bytes, 'a', 'z'), capitals = Between(bytes, 'A', 'Z');
        if (!Begins(small | capitals, prefix[bytes[0]]))
            return false;
        // The first byte counts as a capital, unless it is a small letter.
        uint rest = ~(capitals | (~small & 1));
        int length = BitOperations.TrailingZeroCount(rest);
        length += BitOperations.TrailingZeroCount(~(small >> length));
        end = start + length;
        return length < Width && text[end] < 0x80;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Load(ReadOnlySpan<byte> text, int start)
    {
        Debug.Assert(start + Width <= text.Length);
        return Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(text), (nuint)start);
    }

    /// <summary>True when the first byte is a letter, or goes before the second one, which is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Begins(uint letters, bool prefix) => ((letters | (letters >> 1 & (prefix ? 1u : 0))) & 1) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Between(Vector128<byte> bytes, char first, char last) =>
        Vector128.LessThanOrEqual(bytes - Vector128.Create((byte)first), Vector128.Create((byte)(last - first))).ExtractMostSignificantBits();
}
