using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Craton.Tensors.IO;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

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
        // Along the stride of 1, if there is one; most matrices of floats end this with their first elements.
        (int outer, int inner, StridedMatrix<float> rows) = source.ColumnStride <= source.RowStride ? (k, n, source) : (n, k, source.Transposed);
        var job = new FittingJob(rows, outer, inner, Math.Clamp(outer, 1, MostTasks));
        if (job.Fitting(0, Math.Min(1, outer)) == 0) return DType.F32;
        WorkerPool.Run(ref job, job.Tasks);
        int fitting = Brain | Half;
        for (int task = 0; task < job.Tasks; task++) fitting &= job.Found[task];
        return (fitting & Brain) != 0 ? DType.BF16 : fitting != 0 ? DType.F16 : DType.F32;
    }

    private const int Brain = 1, Half = 2, MostTasks = 64;

    /// <summary>Which types hold an equal share of the rows: <see cref="Brain"/> and <see cref="Half"/>.</summary>
    private readonly struct FittingJob(StridedMatrix<float> rows, int outer, int inner, int tasks) : IJob
    {
        private readonly StridedMatrix<float> _rows = rows;

        public int Tasks => tasks;

        public int[] Found { get; } = new int[tasks];

        public void Run(int task, int worker) => Found[task] = Fitting((int)((long)outer * task / tasks), (int)((long)outer * (task + 1) / tasks));

        public int Fitting(int first, int end)
        {
            int fitting = Brain | Half;
            for (int i = first; i < end; i++)
                for (int j = 0; j < inner; j++)
                {
                    uint bits = *(uint*)_rows.At(0, i, j);
                    if ((bits & 0xFFFF) != 0) fitting &= ~Brain;
                    if ((fitting & Half) != 0 && !IsHalf(bits)) fitting &= ~Half;
                    if (fitting == 0) return 0;
                }
            return fitting;
        }
    }

    // Normal in F16 and without digits that it cuts off; zeros and small ones by trying; no infinity.
    private static bool IsHalf(uint bits)
    {
        if ((bits & 0x1FFF) != 0) return false;
        uint exponent = (bits >> 23) & 0xFF;
        if (exponent is > 127 - 15 and < 127 + 16) return true;
        if (exponent == 255) return false;
        ushort half = 0;
        float value = BitConverter.UInt32BitsToSingle(bits), back = 0;
        HalfPrecision.Narrow(new ReadOnlySpan<float>(in value), new Span<ushort>(ref half), DType.F16);
        HalfPrecision.Widen(new ReadOnlySpan<ushort>(in half), new Span<float>(ref back), DType.F16);
        return BitConverter.SingleToUInt32Bits(back) == bits;
    }

    /// <summary>to[step · width + i] = from[step · <see cref="PackedMatrix.PanelColumns"/> + i] for some steps.</summary>
    /// <param name="from">The first value.</param>
    /// <param name="width">Columns to take of each step: a multiple of the lanes of V, at most <see cref="PackedMatrix.PanelColumns"/>.</param>
    /// <param name="steps">Number of steps.</param>
    /// <param name="to">Their place.</param>
    /// <param name="type">BF16 or F16.</param>
    public static void Widen<V>(ushort* from, int width, int steps, float* to, DType type) where V : struct, IVec<V>
    {
        if (type == DType.BF16) Widen<V, BrainFloat>(from, width, steps, to);
        else Widen<V, HalfFloat>(from, width, steps, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<V, THalf>(ushort* from, int width, int steps, float* to) where V : struct, IVec<V> where THalf : struct, ITileElements
    {
        for (int k = 0; k < steps; k++, from += PackedMatrix.PanelColumns, to += width)
            for (int i = 0; i < width; i += V.Lanes) V.Store(to, i, THalf.Load<V>((byte*)(from + i)));
    }
}

/// <summary>BF16: the upper half of F32.</summary>
internal readonly unsafe struct BrainFloat : ITileElements
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V>(byte* from) where V : struct, IVec<V> => V.ShiftLeftBits(Wide<V>(from), 16);

    /// <summary>Numbers of 16 bits in lanes of 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Wide<V>(byte* from) where V : struct, IVec<V>
    {
        if (typeof(V) == typeof(Vec512)) return Unsafe.BitCast<Vector512<uint>, V>(Vector512.WidenLower(Vector256.Load((ushort*)from).ToVector512Unsafe()));
        if (typeof(V) == typeof(Vec256)) return Unsafe.BitCast<Vector256<uint>, V>(Vector256.WidenLower(Vector128.Load((ushort*)from).ToVector256Unsafe()));
        if (typeof(V) == typeof(Vec128)) return Unsafe.BitCast<Vector128<uint>, V>(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)from).AsUInt16()));
        return V.BroadcastBits(*(ushort*)from);
    }
}

/// <summary>F16: 1 sign, 5 exponent, 10 fraction become 1, 8, 23.</summary>
internal readonly unsafe struct HalfFloat : ITileElements
{
    public static int Size => sizeof(ushort);

    // The exponent grows by 127 − 15; what has none gets one more, whose worth of 2⁻¹⁴ is taken off again. Infinities and NaN are not among weights of
    // this type (HalfPanels.TypeFor).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V>(byte* from) where V : struct, IVec<V>
    {
        const int Growth = (127 - 15) << 23, One = 1 << 23;
        V bits = V.ShiftLeftBits(BrainFloat.Wide<V>(from), 16), magnitude = V.ShiftRightBits(bits & V.BroadcastBits(int.MaxValue), 3);
        V small = V.AddBits(magnitude, V.BroadcastBits(Growth + One)) - V.BroadcastBits(Growth + One), normal = V.AddBits(magnitude, V.BroadcastBits(Growth));
        return V.Select(magnitude < V.BroadcastBits(One), small, normal) | (bits & V.BroadcastBits(int.MinValue));
    }
}

/// <summary>F16 with infinities and NaN.</summary>
internal readonly unsafe struct AnyHalfFloat : ITileElements
{
    public static int Size => sizeof(ushort);

    // Read as the upper bits of F32 a number is 2¹¹² too small, without loss; what has the greatest exponent of F16 gets that of F32.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V>(byte* from) where V : struct, IVec<V>
    {
        const int Growth = (127 + 127 - 15) << 23, Infinite = (31 + 127 - 15) << 23, Greatest = 255 << 23;
        V small = V.ShiftRightBits(V.ShiftLeftBits(BrainFloat.Wide<V>(from), 16), 3) & V.BroadcastBits(unchecked((int)0x8FFF_E000));
        V finite = small * V.BroadcastBits(Growth);
        return finite | (V.BroadcastBits(Greatest) & (V.Abs(finite) >= V.BroadcastBits(Infinite)));
    }
}
