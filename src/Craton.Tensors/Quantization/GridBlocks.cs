using System.Buffers.Binary;
using System.Numerics;

namespace Craton.Tensors.Quantization;

/// <summary>Blocks of 256 values in groups of four or eight, each an index into a grid (<see cref="Grids"/>), with signs apart.</summary>
internal static class GridBlocks
{
    private const float Delta = 0.125f; // what the 1-bit types shift a group by

    public static void DequantizeIq2Xxs(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0);
        for (int group = 0; group < 8; group++)
        {
            ReadOnlySpan<byte> indices = block.Slice(2 + 8 * group, 4);
            uint signs = BinaryPrimitives.ReadUInt32LittleEndian(block[(6 + 8 * group)..]);
            float scale = d * (0.5f + (signs >> 28)) * 0.25f;
            for (int l = 0; l < 4; l++) Signed(Eight(Grids.Iq2Xxs, indices[l]), Signs7(signs >> (7 * l)), scale, y[(32 * group + 8 * l)..]);
        }
    }

    public static void DequantizeIq2Xs(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0);
        for (int l = 0; l < 32; l++)
        {
            uint code = BinaryPrimitives.ReadUInt16LittleEndian(block[(2 + 2 * l)..]);
            Signed(Eight(Grids.Iq2Xs, (int)(code & 511)), Signs7(code >> 9), QuarterScale(d, block[66 + l / 4], l), y[(8 * l)..]);
        }
    }

    public static void DequantizeIq2S(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0);
        ReadOnlySpan<byte> low = block.Slice(2, 32), signs = block.Slice(34, 32), high = block.Slice(66, 8), scales = block[74..];
        for (int l = 0; l < 32; l++)
        {
            int index = low[l] | ((high[l / 4] >> (l % 4 * 2)) & 3) << 8;
            Signed(Eight(Grids.Iq2S, index), signs[l], QuarterScale(d, scales[l / 4], l), y[(8 * l)..]);
        }
    }

    public static void DequantizeIq3Xxs(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0);
        ReadOnlySpan<byte> indices = block.Slice(2, 64);
        for (int group = 0; group < 8; group++)
        {
            uint signs = BinaryPrimitives.ReadUInt32LittleEndian(block[(66 + 4 * group)..]);
            float scale = d * (0.5f + (signs >> 28)) * 0.5f;
            for (int l = 0; l < 8; l++)
                Signed(Four(Grids.Iq3Xxs, indices[8 * group + l]), Signs7(signs >> (l / 2 * 7)) >> (l % 2 * 4), scale, y[(32 * group + 4 * l)..]);
        }
    }

    public static void DequantizeIq3S(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0);
        ReadOnlySpan<byte> low = block.Slice(2, 64), high = block.Slice(66, 8), signs = block.Slice(74, 32), scales = block[106..];
        for (int l = 0; l < 64; l++)
        {
            int group = l / 8, index = low[l] | ((high[group] >> (l % 8)) & 1) << 8;
            float scale = d * (1 + 2 * ((scales[group / 2] >> (group % 2 * 4)) & 15));
            Signed(Four(Grids.Iq3S, index), signs[l / 2] >> (l % 2 * 4), scale, y[(4 * l)..]);
        }
    }

    public static void DequantizeIq1S(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0);
        for (int l = 0; l < 32; l++)
        {
            int high = BinaryPrimitives.ReadUInt16LittleEndian(block[(34 + l / 4 * 2)..]);
            int index = block[2 + l] | ((high >> (l % 4 * 3)) & 7) << 8;
            Shifted(Eight(Grids.Iq1, index), (high & 0x8000) != 0, d * (2 * ((high >> 12) & 7) + 1), y[(8 * l)..]);
        }
    }

    public static void DequantizeIq1M(ReadOnlySpan<byte> block, Span<float> y)
    {
        ReadOnlySpan<byte> low = block[..32], high = block.Slice(32, 16), scales = block[48..];
        // The scale of the block lies in the upper nibbles of the four words of scales.
        int bits = 0;
        for (int word = 0; word < 4; word++) bits |= BinaryPrimitives.ReadUInt16LittleEndian(scales[(2 * word)..]) >> 12 << (4 * word);
        float d = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
        for (int l = 0; l < 32; l++)
        {
            int nibble = (high[l / 2] >> (l % 2 * 4)) & 15, word = BinaryPrimitives.ReadUInt16LittleEndian(scales[(l / 8 * 2)..]);
            Shifted(Eight(Grids.Iq1, low[l] | (nibble & 7) << 8), (nibble & 8) != 0, d * (2 * ((word >> (l / 2 % 4 * 3)) & 7) + 1), y[(8 * l)..]);
        }
    }

    private static ReadOnlySpan<sbyte> Eight(sbyte[] grid, int index) => grid.AsSpan(8 * index, 8);

    private static ReadOnlySpan<sbyte> Four(sbyte[] grid, int index) => grid.AsSpan(4 * index, 4);

    // Seven signs are stored; the eighth makes the number of minus signs even.
    private static int Signs7(uint code)
    {
        uint signs = code & 127;
        return (int)(signs | (uint)(BitOperations.PopCount(signs) & 1) << 7);
    }

    private static float QuarterScale(float d, byte scales, int l) => d * (0.5f + ((scales >> (l % 4 / 2 * 4)) & 15)) * 0.25f;

    private static void Signed(ReadOnlySpan<sbyte> grid, int signs, float scale, Span<float> y)
    {
        for (int j = 0; j < grid.Length; j++) y[j] = scale * grid[j] * ((signs >> j & 1) != 0 ? -1f : 1f);
    }

    private static void Shifted(ReadOnlySpan<sbyte> grid, bool down, float scale, Span<float> y)
    {
        for (int j = 0; j < grid.Length; j++) y[j] = scale * (grid[j] + (down ? -Delta : Delta));
    }
}
