using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Craton.Tensors.IO;

namespace Craton.Tensors.Quantization;

/// <summary>
/// Converts between single precision and the blocks of <see cref="BlockType"/>. Everything is computed in single precision in the order of the
/// format (scale times sub-scale, times the integer, then the minimum), without fused operations: the same bits on every machine.
/// </summary>
public static class Blocks
{
    /// <summary>Whether <see cref="Quantize"/> writes this type.</summary>
    public static bool CanQuantize(BlockType type) => type is BlockType.F32 or BlockType.F16 or BlockType.BF16 or BlockType.Q4_0 or BlockType.Q4_1
        or BlockType.Q5_0 or BlockType.Q5_1 or BlockType.Q8_0 or BlockType.Q4_K or BlockType.Q5_K or BlockType.Q6_K or BlockType.TQ1_0 or BlockType.TQ2_0
        or BlockType.MXFP4;

    /// <summary>Blocks to single precision.</summary>
    /// <param name="type">A type of floats or of blocks.</param>
    /// <param name="blocks">Whole blocks.</param>
    /// <param name="values">As many values as the blocks have.</param>
    public static void Dequantize(BlockType type, ReadOnlySpan<byte> blocks, Span<float> values)
    {
        Check(type, values.Length, blocks.Length);
        switch (type)
        {
            case BlockType.F32: blocks.CopyTo(MemoryMarshal.AsBytes(values)); return;
            case BlockType.F16: HalfPrecision.Widen(MemoryMarshal.Cast<byte, ushort>(blocks), values, DType.F16); return;
            case BlockType.BF16: HalfPrecision.Widen(MemoryMarshal.Cast<byte, ushort>(blocks), values, DType.BF16); return;
        }
        int size = type.BlockBytes(), count = type.BlockValues();
        for (; values.Length > 0; blocks = blocks[size..], values = values[count..]) DequantizeBlock(type, blocks[..size], values[..count]);
    }

    /// <summary>Single precision to blocks, rounded as the reference of the format does it where it says so.</summary>
    /// <param name="type">A type for which <see cref="CanQuantize"/> holds.</param>
    /// <param name="values">Finite values, whole blocks of them.</param>
    /// <param name="blocks">As many bytes as the blocks have.</param>
    public static void Quantize(BlockType type, ReadOnlySpan<float> values, Span<byte> blocks)
    {
        Check(type, values.Length, blocks.Length);
        switch (type)
        {
            case BlockType.F32: MemoryMarshal.AsBytes(values).CopyTo(blocks); return;
            case BlockType.F16: HalfPrecision.Narrow(values, MemoryMarshal.Cast<byte, ushort>(blocks), DType.F16); return;
            case BlockType.BF16: HalfPrecision.Narrow(values, MemoryMarshal.Cast<byte, ushort>(blocks), DType.BF16); return;
        }
        int size = type.BlockBytes(), count = type.BlockValues();
        for (; values.Length > 0; blocks = blocks[size..], values = values[count..]) QuantizeBlock(type, values[..count], blocks[..size]);
    }

    private static void DequantizeBlock(BlockType type, ReadOnlySpan<byte> block, Span<float> y)
    {
        switch (type)
        {
            case BlockType.Q4_0: Blocks32.DequantizeQ4_0(block, y); break;
            case BlockType.Q4_1: Blocks32.DequantizeQ4_1(block, y); break;
            case BlockType.Q5_0: Blocks32.DequantizeQ5_0(block, y); break;
            case BlockType.Q5_1: Blocks32.DequantizeQ5_1(block, y); break;
            case BlockType.Q8_0: Blocks32.DequantizeQ8_0(block, y); break;
            case BlockType.Q2_K: BlocksK.DequantizeQ2(block, y); break;
            case BlockType.Q3_K: BlocksK.DequantizeQ3(block, y); break;
            case BlockType.Q4_K: BlocksK.DequantizeQ4(block, y); break;
            case BlockType.Q5_K: BlocksK.DequantizeQ5(block, y); break;
            case BlockType.Q6_K: BlocksK.DequantizeQ6(block, y); break;
            case BlockType.IQ4_NL: TableBlocks.DequantizeIq4Nl(block, y); break;
            case BlockType.IQ4_XS: TableBlocks.DequantizeIq4Xs(block, y); break;
            case BlockType.MXFP4: TableBlocks.DequantizeMxfp4(block, y); break;
            case BlockType.NVFP4: TableBlocks.DequantizeNvfp4(block, y); break;
            case BlockType.TQ1_0: TernaryBlocks.DequantizeTq1(block, y); break;
            case BlockType.TQ2_0: TernaryBlocks.DequantizeTq2(block, y); break;
            case BlockType.IQ1_S: GridBlocks.DequantizeIq1S(block, y); break;
            case BlockType.IQ1_M: GridBlocks.DequantizeIq1M(block, y); break;
            case BlockType.IQ2_XXS: GridBlocks.DequantizeIq2Xxs(block, y); break;
            case BlockType.IQ2_XS: GridBlocks.DequantizeIq2Xs(block, y); break;
            case BlockType.IQ2_S: GridBlocks.DequantizeIq2S(block, y); break;
            case BlockType.IQ3_XXS: GridBlocks.DequantizeIq3Xxs(block, y); break;
            case BlockType.IQ3_S: GridBlocks.DequantizeIq3S(block, y); break;
            default: throw new CratonException($"[dequantize] type: expected floats or blocks of quantised values, got {type}; integers are read as they are");
        }
    }

    private static void QuantizeBlock(BlockType type, ReadOnlySpan<float> x, Span<byte> block)
    {
        switch (type)
        {
            case BlockType.Q4_0: Blocks32.QuantizeQ4_0(x, block); break;
            case BlockType.Q4_1: Blocks32.QuantizeQ4_1(x, block); break;
            case BlockType.Q5_0: Blocks32.QuantizeQ5_0(x, block); break;
            case BlockType.Q5_1: Blocks32.QuantizeQ5_1(x, block); break;
            case BlockType.Q8_0: Blocks32.QuantizeQ8_0(x, block); break;
            case BlockType.Q4_K: KQuantizer.QuantizeQ4(x, block); break;
            case BlockType.Q5_K: KQuantizer.QuantizeQ5(x, block); break;
            case BlockType.Q6_K: KQuantizer.QuantizeQ6(x, block); break;
            case BlockType.TQ1_0: TernaryBlocks.QuantizeTq1(x, block); break;
            case BlockType.TQ2_0: TernaryBlocks.QuantizeTq2(x, block); break;
            case BlockType.MXFP4: TableBlocks.QuantizeMxfp4(x, block); break;
            default: throw new CratonException($"[quantize] type: expected one that can be written, got {type}; use F16, BF16, Q8_0, Q4_0, Q4_K, Q5_K or Q6_K");
        }
    }

    private static void Check(BlockType type, int values, int bytes)
    {
        if (values % type.BlockValues() != 0 || type.ByteCount(values) != bytes)
            throw new ArgumentException($"{values} values of {type} are not whole blocks of {bytes} bytes in all.");
    }

    /// <summary>A half-precision number of a block.</summary>
    internal static float Half(ReadOnlySpan<byte> block, int at) => (float)BinaryPrimitives.ReadHalfLittleEndian(block[at..]);

    /// <summary>Stores a half-precision number, rounded to nearest even.</summary>
    internal static void PutHalf(Span<byte> block, int at, float value) => BinaryPrimitives.WriteHalfLittleEndian(block[at..], (Half)value);
}
