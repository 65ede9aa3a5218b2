using Craton.Tensors.Quantization;

namespace Craton.Tensors.Kernels;

/// <summary>
/// How 16 rows of blocks are laid out for the kernels: scales first, then the bytes of all rows as [group of 4 k][16 rows][4 k]. As many bytes as
/// in the file; Q4_K and Q5_K have their packed scales spread to a byte each. Blocks of 8 bits are stored with 128 added, unless the products take
/// signed ones (<see cref="DotWhole256"/>).
/// </summary>
internal static class PanelLayout
{
    /// <summary>Rows of a panel.</summary>
    public const int Rows = 16;

    public const int Q8_0Bytes = 32 + 512, Q4_0Bytes = 32 + 256, Q4_KBytes = 64 + 8 * (32 + 256), Q5_KBytes = 64 + 8 * (32 + 256 + 64), Q6_KBytes = 32 + 8 * (32 + 256 + 128);

    /// <summary>Whether there are kernels for this type.</summary>
    public static bool Has(BlockType type) => type is BlockType.Q8_0 or BlockType.Q4_0 or BlockType.Q4_K or BlockType.Q5_K or BlockType.Q6_K;

    /// <summary>Bytes of one block of all 16 rows.</summary>
    public static int BlockBytes(BlockType type) => type switch
    {
        BlockType.Q8_0 => Q8_0Bytes,
        BlockType.Q4_0 => Q4_0Bytes,
        BlockType.Q4_K => Q4_KBytes,
        BlockType.Q5_K => Q5_KBytes,
        BlockType.Q6_K => Q6_KBytes,
        _ => throw new NotSupportedException($"no panels of {type}"),
    };

    // What 128 added, or taken off, changes in four bytes.
    private static uint Sign => DotWhole256.StoresSigned ? 0 : 0x8080_8080;

    /// <summary>Puts one block of one row into its place in a panel's block, which was zero there.</summary>
    public static void Pack(BlockType type, ReadOnlySpan<byte> block, int row, Span<byte> panel)
    {
        switch (type)
        {
            case BlockType.Q8_0:
                block[..2].CopyTo(panel[(2 * row)..]);
                for (int k = 0; k < 32; k += 4) BitConverter.TryWriteBytes(panel[(32 + Place(k, row))..], BitConverter.ToUInt32(block[(2 + k)..]) ^ Sign);
                break;
            case BlockType.Q4_0:
                block[..2].CopyTo(panel[(2 * row)..]);
                for (int k = 0; k < 16; k += 4) block.Slice(2 + k, 4).CopyTo(panel[(32 + Place(k, row))..]);
                break;
            case BlockType.Q4_K: PackWithMinima(block, block[16..], default, row, panel, 32 + 256); break;
            case BlockType.Q5_K: PackWithMinima(block, block[48..], block.Slice(16, 32), row, panel, 32 + 256 + 64); break;
            default: PackQ6(block, row, panel); break;
        }
    }

    /// <summary>The inverse of <see cref="Pack"/>: the block of one row.</summary>
    public static void Unpack(BlockType type, ReadOnlySpan<byte> panel, int row, Span<byte> block)
    {
        block.Clear();
        switch (type)
        {
            case BlockType.Q8_0:
                panel.Slice(2 * row, 2).CopyTo(block);
                for (int k = 0; k < 32; k++) block[2 + k] = (byte)(panel[32 + Place(k, row)] ^ Sign);
                break;
            case BlockType.Q4_0:
                panel.Slice(2 * row, 2).CopyTo(block);
                for (int k = 0; k < 16; k++) block[2 + k] = panel[32 + Place(k, row)];
                break;
            case BlockType.Q4_K: UnpackWithMinima(block, block[16..], default, row, panel, 32 + 256); break;
            case BlockType.Q5_K: UnpackWithMinima(block, block[48..], block.Slice(16, 32), row, panel, 32 + 256 + 64); break;
            default: UnpackQ6(block, row, panel); break;
        }
    }

    private static int Place(int k, int row) => k / 4 * 64 + row * 4 + k % 4;

    private static void PackWithMinima(ReadOnlySpan<byte> block, ReadOnlySpan<byte> quants, ReadOnlySpan<byte> fifth, int row, Span<byte> panel, int stride)
    {
        block[..2].CopyTo(panel[(2 * row)..]);
        block.Slice(2, 2).CopyTo(panel[(32 + 2 * row)..]);
        for (int group = 0; group < 8; group++)
        {
            Span<byte> part = panel.Slice(64 + group * stride, stride);
            (int scale, int min) = BlocksK.ScaleAndMin(block[4..], group);
            (part[row], part[16 + row]) = ((byte)scale, (byte)min);
            for (int k = 0; k < 16; k++)
                part[32 + Place(k, row)] = (byte)(BlocksK.Nibble(quants, group, k) | BlocksK.Nibble(quants, group, k + 16) << 4);
            for (int k = 0; k < 32 && fifth.Length > 0; k++)
                part[32 + 256 + 4 * row + k % 4] |= (byte)(((fifth[k] >> group) & 1) << (k / 4));
        }
    }

    private static void UnpackWithMinima(Span<byte> block, Span<byte> quants, Span<byte> fifth, int row, ReadOnlySpan<byte> panel, int stride)
    {
        panel.Slice(2 * row, 2).CopyTo(block);
        panel.Slice(32 + 2 * row, 2).CopyTo(block[2..]);
        for (int group = 0; group < 8; group++)
        {
            ReadOnlySpan<byte> part = panel.Slice(64 + group * stride, stride);
            BlocksK.PutScaleAndMin(block[4..], group, part[row], part[16 + row]);
            for (int k = 0; k < 32; k++)
            {
                int q = (part[32 + Place(k % 16, row)] >> (k / 16 * 4)) & 15;
                quants[group / 2 * 32 + k] |= (byte)(q << (group % 2 * 4));
                if (fifth.Length > 0) fifth[k] |= (byte)(((part[32 + 256 + 4 * row + k % 4] >> (k / 4)) & 1) << group);
            }
        }
    }

    private static void PackQ6(ReadOnlySpan<byte> block, int row, Span<byte> panel)
    {
        block.Slice(208, 2).CopyTo(panel[(2 * row)..]);
        for (int group = 0; group < 8; group++)
        {
            Span<byte> part = panel.Slice(32 + group * (32 + 256 + 128), 32 + 256 + 128);
            (part[row], part[16 + row]) = (block[192 + 2 * group], block[192 + 2 * group + 1]);
            for (int k = 0; k < 32; k++)
            {
                int q = BlocksK.Six(block, 32 * group + k);
                part[32 + Place(k % 16, row)] |= (byte)((q & 15) << (k / 16 * 4));
                part[32 + 256 + k / 16 * 64 + 4 * row + k % 4] |= (byte)(q >> 4 << (k % 16 / 4 * 2));
            }
        }
    }

    private static void UnpackQ6(Span<byte> block, int row, ReadOnlySpan<byte> panel)
    {
        panel.Slice(2 * row, 2).CopyTo(block[208..]);
        for (int group = 0; group < 8; group++)
        {
            ReadOnlySpan<byte> part = panel.Slice(32 + group * (32 + 256 + 128), 32 + 256 + 128);
            (block[192 + 2 * group], block[192 + 2 * group + 1]) = (part[row], part[16 + row]);
            for (int k = 0; k < 32; k++)
            {
                int low = (part[32 + Place(k % 16, row)] >> (k / 16 * 4)) & 15, high = (part[32 + 256 + k / 16 * 64 + 4 * row + k % 4] >> (k % 16 / 4 * 2)) & 3;
                KQuantizer.PutSix(block, 32 * group + k, low | high << 4);
            }
        }
    }
}
