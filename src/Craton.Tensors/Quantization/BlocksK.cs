using System.Buffers.Binary;

namespace Craton.Tensors.Quantization;

/// <summary>Blocks of 256 values: sub-blocks of 16 or 32 with small integer scales (and minima), which two half-precision numbers scale again.</summary>
internal static class BlocksK
{
    public static void DequantizeQ2(ReadOnlySpan<byte> block, Span<float> y)
    {
        ReadOnlySpan<byte> scales = block[..16], quants = block.Slice(16, 64);
        float d = Blocks.Half(block, 80), min = Blocks.Half(block, 82);
        for (int i = 0; i < 256; i++)
        {
            byte scale = scales[i / 16];
            float dl = d * (scale & 15), ml = min * (scale >> 4);
            // Byte l of a half's 32 holds the values l, l + 32, l + 64 and l + 96.
            y[i] = dl * ((quants[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2)) & 3) - ml;
        }
    }

    public static void DequantizeQ3(ReadOnlySpan<byte> block, Span<float> y)
    {
        ReadOnlySpan<byte> high = block[..32], quants = block.Slice(32, 64), packed = block.Slice(96, 12);
        float d = Blocks.Half(block, 108);
        for (int i = 0; i < 256; i++)
        {
            int group = i / 16;
            // Sixteen 6-bit scales: the lower 4 bits in 8 bytes, the upper 2 in 4.
            int scale = ((packed[group % 8] >> (group / 8 * 4)) & 15) | ((packed[8 + group % 4] >> (group / 4 * 2)) & 3) << 4;
            float dl = d * (scale - 32);
            int q = (quants[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2)) & 3;
            y[i] = dl * (q - (((high[i % 32] >> (i / 32)) & 1) == 0 ? 4 : 0));
        }
    }

    public static void DequantizeQ4(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0), min = Blocks.Half(block, 2);
        ReadOnlySpan<byte> quants = block[16..];
        for (int group = 0; group < 8; group++)
        {
            (int scale, int least) = ScaleAndMin(block[4..], group);
            float dl = d * scale, ml = min * least;
            for (int l = 0; l < 32; l++) y[32 * group + l] = dl * Nibble(quants, group, l) - ml;
        }
    }

    public static void DequantizeQ5(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0), min = Blocks.Half(block, 2);
        ReadOnlySpan<byte> high = block.Slice(16, 32), quants = block[48..];
        for (int group = 0; group < 8; group++)
        {
            (int scale, int least) = ScaleAndMin(block[4..], group);
            float dl = d * scale, ml = min * least;
            for (int l = 0; l < 32; l++) y[32 * group + l] = dl * (Nibble(quants, group, l) + ((high[l] >> group) & 1) * 16) - ml;
        }
    }

    public static void DequantizeQ6(ReadOnlySpan<byte> block, Span<float> y)
    {
        ReadOnlySpan<byte> scales = block.Slice(192, 16);
        float d = Blocks.Half(block, 208);
        for (int i = 0; i < 256; i++) y[i] = d * (sbyte)scales[i / 16] * (Six(block, i) - 32);
    }

    /// <summary>A 6-bit value of a Q6_K block: 0 to 63.</summary>
    public static int Six(ReadOnlySpan<byte> block, int i)
    {
        // In each half of 128: byte l of 64 holds values l and l + 64, byte l of 32 the upper bits of l, l + 32, l + 64 and l + 96.
        int half = i / 128, l = i % 128;
        int low = (block[half * 64 + l % 64] >> (l / 64 * 4)) & 15;
        return low | ((block[128 + half * 32 + l % 32] >> (l / 32 * 2)) & 3) << 4;
    }

    /// <summary>Value l of a group of 32 in Q4_K and Q5_K: two groups share 32 bytes.</summary>
    public static int Nibble(ReadOnlySpan<byte> quants, int group, int l) => (quants[group / 2 * 32 + l] >> (group % 2 * 4)) & 15;

    /// <summary>The 6-bit scale and minimum of one of eight groups, from their 12 bytes.</summary>
    public static (int Scale, int Min) ScaleAndMin(ReadOnlySpan<byte> packed, int group) => group < 4
        ? (packed[group] & 63, packed[group + 4] & 63)
        : ((packed[group + 4] & 15) | (packed[group - 4] >> 6) << 4, packed[group + 4] >> 4 | (packed[group] >> 6) << 4);

    /// <summary>The inverse of <see cref="ScaleAndMin"/>.</summary>
    public static void PutScaleAndMin(Span<byte> packed, int group, int scale, int min)
    {
        if (group < 4)
        {
            packed[group] |= (byte)scale;
            packed[group + 4] |= (byte)min;
        }
        else
        {
            packed[group + 4] |= (byte)((scale & 15) | (min & 15) << 4);
            packed[group - 4] |= (byte)(scale >> 4 << 6);
            packed[group] |= (byte)(min >> 4 << 6);
        }
    }
}
