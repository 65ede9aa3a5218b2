using System.Buffers.Binary;

namespace Craton.Tensors.Quantization;

/// <summary>Blocks whose 4-bit codes choose from a table of 16 steps.</summary>
internal static class TableBlocks
{
    private static ReadOnlySpan<sbyte> Uneven => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    // The 4-bit floats (1 sign, 2 exponent, 1 fraction) times two.
    private static ReadOnlySpan<sbyte> Floats => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    public static void DequantizeIq4Nl(ReadOnlySpan<byte> block, Span<float> y) => Expand(block[2..], Uneven, Blocks.Half(block, 0), y);

    public static void DequantizeIq4Xs(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0);
        int high = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (int group = 0; group < 8; group++)
        {
            int scale = ((block[4 + group / 2] >> (group % 2 * 4)) & 15) | ((high >> (2 * group)) & 3) << 4;
            Expand(block.Slice(8 + 16 * group, 16), Uneven, d * (scale - 32), y.Slice(32 * group, 32));
        }
    }

    public static void DequantizeMxfp4(ReadOnlySpan<byte> block, Span<float> y) => Expand(block[1..], Floats, HalfPowerOf2(block[0]), y);

    public static void DequantizeNvfp4(ReadOnlySpan<byte> block, Span<float> y)
    {
        for (int group = 0; group < 4; group++) Expand(block.Slice(4 + 8 * group, 8), Floats, HalfOfFloat8(block[group]), y.Slice(16 * group, 16));
    }

    public static void QuantizeMxfp4(ReadOnlySpan<float> x, Span<byte> block)
    {
        float most = Blocks32.Magnitude(x);
        block[0] = most == 0 ? (byte)0 : (byte)(MathF.ILogB(most) - 2 + 127);
        float d = HalfPowerOf2(block[0]);
        for (int j = 0; j < 16; j++) block[1 + j] = (byte)(Nearest(x[j], d) | Nearest(x[j + 16], d) << 4);
    }

    private static int Nearest(float value, float d)
    {
        int best = 0;
        for (int i = 1; i < 16; i++)
            if (MathF.Abs(Floats[i] * d - value) < MathF.Abs(Floats[best] * d - value)) best = i;
        return best;
    }

    // The lower nibbles are the first half of the values.
    private static void Expand(ReadOnlySpan<byte> codes, ReadOnlySpan<sbyte> table, float d, Span<float> y)
    {
        for (int j = 0; j < codes.Length; j++)
        {
            y[j] = d * table[codes[j] & 15];
            y[j + codes.Length] = d * table[codes[j] >> 4];
        }
    }

    // 2^(e − 128), a subnormal for e of 0 and 1.
    private static float HalfPowerOf2(byte e) => BitConverter.UInt32BitsToSingle(e < 2 ? 0x0020_0000u << e : (uint)(e - 1) << 23);

    // Half of an unsigned float of 4 exponent and 3 fraction bits; its not-a-number counts as zero.
    private static float HalfOfFloat8(byte bits)
    {
        int exponent = bits >> 3 & 15, fraction = bits & 7;
        if ((bits & 0x7F) == 0x7F) return 0;
        return exponent == 0 ? fraction * (1f / 1024) : BitConverter.UInt32BitsToSingle((uint)(exponent + 127 - 8) << 23 | (uint)fraction << 20);
    }
}
