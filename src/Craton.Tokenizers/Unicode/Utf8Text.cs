using System.Buffers;
using System.Text;

namespace Craton.Tokenizers.Unicode;

/// <summary>Small questions about UTF-8.</summary>
internal static class Utf8Text
{
    /// <summary>The number of bytes before the first that is not part of valid UTF-8.</summary>
    public static int ValidLength(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            return bytes.Length;
        int valid = 0;
        while (valid < bytes.Length)
        {
            int ascii = bytes[valid..].IndexOfAnyInRange((byte)0x80, (byte)0xFF);
            valid = ascii < 0 ? bytes.Length : valid + ascii;
            if (valid == bytes.Length || Rune.DecodeFromUtf8(bytes[valid..], out _, out int length) != OperationStatus.Done)
                break;
            valid += length;
        }

        return valid;
    }

    /// <summary>True when all bytes are blanks, tabs or line feeds.</summary>
    public static bool IsBlank(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept(" \n\t"u8) < 0;

    /// <summary>For each byte of valid UTF-8, and its end, the number of UTF-16 units before the character that holds it.</summary>
    public static int[] Utf16Places(ReadOnlySpan<byte> utf8)
    {
        var places = new int[utf8.Length + 1];
        int units = 0;
        for (int i = 0; i < utf8.Length;)
        {
            int length = utf8[i] < 0x80 ? 1 : utf8[i] < 0xE0 ? 2 : utf8[i] < 0xF0 ? 3 : 4;
            places.AsSpan(i, length).Fill(units);
            units += length == 4 ? 2 : 1;
            i += length;
        }

        places[^1] = units;
        return places;
    }

    /// <summary>The place some characters after another one, at most <paramref name="end"/>.</summary>
    public static int Step(ReadOnlySpan<char> text, int place, int characters, int end)
    {
        for (; characters > 0 && place < end; characters--)
            place += place + 1 < text.Length && char.IsSurrogatePair(text[place], text[place + 1]) ? 2 : 1;
        return Math.Min(place, end);
    }

    /// <summary>The place some characters before another one, at least <paramref name="start"/>.</summary>
    public static int StepBack(ReadOnlySpan<char> text, int place, int characters, int start)
    {
        for (; characters > 0 && place > start; characters--)
            place -= place > 1 && char.IsSurrogatePair(text[place - 2], text[place - 1]) ? 2 : 1;
        return Math.Max(place, start);
    }
}
