using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Craton.Tensors.IO;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Panels of values in 16 bits.</summary>
internal static unsafe class HalfPanels
{
    /// <summary>The narrowest type that holds every element of a matrix exactly: BF16, F16 or F32.</summary>
    /// <param name="source">Element (k, n), any strides.</param>
    /// <param name="k">Rows.</param>
    /// <param name="n">Columns.</param>
    public static DType TypeFor(StridedMatrix<float> source, int k, int n)
    {
        bool isBrain = true, isHalf = true;
        // Along the stride of 1, if there is one; most matrices of floats end this with their first elements.
        (int outer, int inner, StridedMatrix<float> rows) = source.ColumnStride <= source.RowStride ? (k, n, source) : (n, k, source.Transposed);
        for (int i = 0; i < outer; i++)
            for (int j = 0; j < inner; j++)
            {
                uint bits = *(uint*)rows.At(0, i, j);
                isBrain = isBrain && (bits & 0xFFFF) == 0;
                isHalf = isHalf && IsHalf(bits);
                if (!isBrain && !isHalf) return DType.F32;
            }
        return isBrain ? DType.BF16 : DType.F16;
    }

    // Normal in F16 and without digits that it cuts off; the rest by trying.
    private static bool IsHalf(uint bits)
    {
        if ((bits & 0x1FFF) != 0) return false;
        uint exponent = (bits >> 23) & 0xFF;
        if (exponent is > 127 - 15 and < 127 + 16) return true;
        ushort half = 0;
        float value = BitConverter.UInt32BitsToSingle(bits), back = 0;
        HalfPrecision.Narrow(new ReadOnlySpan<float>(in value), new Span<ushort>(ref half), DType.F16);
        HalfPrecision.Widen(new ReadOnlySpan<ushort>(in half), new Span<float>(ref back), DType.F16);
        return BitConverter.SingleToUInt32Bits(back) == bits;
    }

    /// <summary>to[step · width + i] = from[step · <see cref="PackedMatrix.PanelColumns"/> + i] for some steps.</summary>
    /// <param name="from">The first value.</param>
    /// <param name="width">Columns to take of each step: a multiple of 4.</param>
    /// <param name="steps">Number of steps.</param>
    /// <param name="to">Their place.</param>
    /// <param name="type">BF16 or F16.</param>
    public static void Widen(ushort* from, int width, int steps, float* to, DType type)
    {
        if (width == PackedMatrix.PanelColumns) Widen(from, steps * width, to, type);
        else
            for (int k = 0; k < steps; k++, from += PackedMatrix.PanelColumns, to += width) Widen(from, width, to, type);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(ushort* from, int count, float* to, DType type)
    {
        int i = 0;
        if (type == DType.BF16)
            for (; i <= count - 16; i += 16)
            {
                (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load(from + i));
                Vector256.Store(low << 16, (uint*)to + i);
                Vector256.Store(high << 16, (uint*)to + i + 8);
            }
        else
            for (; i <= count - 16; i += 16)
            {
                (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load(from + i));
                Vector256.Store(OfHalf(low), (uint*)to + i);
                Vector256.Store(OfHalf(high), (uint*)to + i + 8);
            }
        if (i < count) HalfPrecision.Widen(new ReadOnlySpan<ushort>(from + i, count - i), new Span<float>(to + i, count - i), type);
    }

    // 1 sign, 5 exponent, 10 fraction become 1, 8, 23. The exponent grows by 127 − 15; of infinities and NaN by as much again; what has none gets
    // one more, whose worth of 2⁻¹⁴ is taken off again.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> OfHalf(Vector256<uint> half)
    {
        const uint Exponent = 0x1F << 23, Growth = (127 - 15) << 23, One = 1 << 23;
        Vector256<uint> bits = (half & Vector256.Create(0x7FFFu)) << 13, exponent = bits & Vector256.Create(Exponent);
        Vector256<uint> normal = bits + Vector256.Create(Growth) + (Vector256.Equals(exponent, Vector256.Create(Exponent)) & Vector256.Create(Growth));
        Vector256<uint> small = ((bits + Vector256.Create(Growth + One)).AsSingle() - Vector256.Create(Growth + One).AsSingle()).AsUInt32();
        return Vector256.ConditionalSelect(Vector256.Equals(exponent, Vector256<uint>.Zero), small, normal) | ((half & Vector256.Create(0x8000u)) << 16);
    }
}
