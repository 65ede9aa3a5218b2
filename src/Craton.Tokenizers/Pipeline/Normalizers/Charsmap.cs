using System.Buffers.Binary;
using System.Text;

namespace Craton.Tokenizers.Pipeline;

/// <summary>
/// The replacements that SentencePiece compiles into its models: a double-array trie (Aoe 1989, in the layout of Darts) over UTF-8
/// whose values are places in a list of strings, each with a zero byte behind it.
/// </summary>
internal sealed class Charsmap
{
    /// <summary>The most characters that one character or match becomes.</summary>
    public const int LongestReplacement = 1000;

    private readonly uint[] _units;
    private readonly byte[] _strings;

    private Charsmap(uint[] units, byte[] strings) => (_units, _strings) = (units, strings);

    /// <summary>Reads the compiled form: the size of the trie in bytes, the trie, the strings. Null and what is wrong where it is damaged.</summary>
    public static Charsmap? Parse(ReadOnlySpan<byte> bytes, out string? problem)
    {
        uint size = bytes.Length > 4 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;
        if (size == 0 || size % 4 != 0 || size > bytes.Length - 4)
        {
            problem = $"{bytes.Length} bytes hold no trie of {size} bytes";
            return null;
        }

        var units = new uint[size / 4];
        for (int i = 0; i < units.Length; i++)
            units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + 4 * i)..]);
        byte[] strings = bytes[(int)(4 + size)..].ToArray();
        problem = System.Text.Unicode.Utf8.IsValid(strings) ? null : "its strings are no valid UTF-8";
        return problem is null ? new Charsmap(units, strings) : null;
    }

    /// <summary>The replacement of the first key that is a prefix of a text, or null.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="longest">Take the longest key, else the shortest.</param>
    /// <param name="length">Receives the length of the key.</param>
    public string? Find(ReadOnlySpan<byte> text, bool longest, out int length)
    {
        int value = -1;
        length = 0;
        uint node = Offset(_units[0]);
        for (int i = 0; i < text.Length && text[i] != 0; i++)
        {
            node ^= text[i];
            if (node >= _units.Length || (_units[node] & 0x800000FF) != text[i])
                break;
            uint unit = _units[node];
            node ^= Offset(unit);
            if (node >= _units.Length)
                break;
            if ((unit >> 8 & 1) == 0)
                continue;
            (value, length) = ((int)(_units[node] & 0x7FFFFFFF), i + 1);
            if (!longest)
                break;
        }

        return value >= 0 && value < _strings.Length ? StringAt(value) : null;
    }

    private string StringAt(int start)
    {
        ReadOnlySpan<byte> rest = _strings.AsSpan(start, Math.Min(_strings.Length - start, LongestReplacement));
        int length = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(length < 0 ? rest : rest[..length]);
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 1u << 9) >> 6);
}
