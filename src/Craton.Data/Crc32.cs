namespace Craton.Data;

/// <summary>CRC-32 as in ISO/IEC 15948, annex D, and in ZIP archives.</summary>
internal static class Crc32
{
    private static readonly uint[] s_table = Table();

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes) crc = s_table[(crc ^ value) & 255] ^ crc >> 8;
        return ~crc;
    }

    private static uint[] Table()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            table[i] = i;
            for (int bit = 0; bit < 8; bit++) table[i] = (table[i] & 1) != 0 ? 0xEDB88320 ^ table[i] >> 1 : table[i] >> 1;
        }
        return table;
    }
}
