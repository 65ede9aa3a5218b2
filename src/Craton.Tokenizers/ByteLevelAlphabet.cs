using System.Text;

namespace Craton.Tokenizers;

/// <summary>
/// The 256 characters in which byte-level vocabularies write their tokens (Radford et al. 2019): a printable Latin-1 byte is its
/// own character, the others follow from U+0100 on in byte order.
/// </summary>
internal static class ByteLevelAlphabet
{
    private static readonly char[] _symbols = BuildSymbols();
    private static readonly short[] _bytes = BuildBytes();

    /// <summary>The bytes in code point order of their characters: the order in which a trained vocabulary numbers them.</summary>
    public static byte[] BytesInSymbolOrder { get; } = [.. Enumerable.Range(0, 256).Select(b => (byte)b).OrderBy(b => _symbols[b])];

    /// <summary>Writes bytes as their characters.</summary>
    public static string ToSymbols(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (byte b in bytes)
            text.Append(_symbols[b]);
        return text.ToString();
    }

    /// <summary>Reads characters as bytes; false when one of them is not in the alphabet.</summary>
    public static bool TryToBytes(string symbols, out byte[] bytes)
    {
        bytes = new byte[symbols.Length];
        for (int i = 0; i < symbols.Length; i++)
        {
            int value = symbols[i] < _bytes.Length ? _bytes[symbols[i]] : -1;
            if (value < 0)
                return false;
            bytes[i] = (byte)value;
        }

        return true;
    }

    /// <summary>What the byte-level decoder makes of a token: its bytes, or its UTF-8 where a character is outside the alphabet.</summary>
    public static byte[] Decode(string token) => TryToBytes(token, out byte[] bytes) ? bytes : Encoding.UTF8.GetBytes(token);

    private static char[] BuildSymbols()
    {
        var symbols = new char[256];
        char next = (char)256;
        for (int b = 0; b < 256; b++)
        {
            bool printable = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            symbols[b] = printable ? (char)b : next++;
        }

        return symbols;
    }

    private static short[] BuildBytes()
    {
        var bytes = new short[_symbols.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (int b = 0; b < 256; b++)
            bytes[_symbols[b]] = (short)b;
        return bytes;
    }
}
