using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>How often a tile reads an element of A, known to the compiler.</summary>
internal interface ITileReads
{
    /// <summary>Once for both vectors of its row; otherwise every other row has it once for each.</summary>
    static abstract bool Once { get; }
}

internal readonly struct ReadOnce : ITileReads { public static bool Once => true; }
internal readonly struct ReadTwice : ITileReads { public static bool Once => false; }

/// <summary>
/// The tiles of <see cref="GemmTiles{V}"/> for registers of 512 bits, three rows and more. A multiply-add of AVX-512 broadcasts an element from
/// memory itself: one instruction where others need two. That is worth a fifth of the speed wherever two threads share an Intel processor's
/// decoders. But each reads the element anew, and processors that multiply and add twice a cycle read no more than twice a cycle: so every
/// other row has its element broadcast into a register, once for both its vectors; and on AMD's processors, whose decoders are wide, every row.
/// </summary>
internal static unsafe class GemmTiles512
{
    private const int Lanes = 16;

    /// <summary>The processor is AMD's.</summary>
    public static readonly bool ReadsOnce = X86Base.IsSupported && X86Base.CpuId(0, 0) is (_, 0x68747541, 0x444D4163, 0x69746E65); // AuthenticAMD

    /// <summary>See <see cref="GemmTiles{V}.Run"/>.</summary>
    /// <param name="k">Steps, at least 1.</param>
    /// <param name="a">Packed panel [k][rows].</param>
    /// <param name="b">Panel of B.</param>
    /// <param name="bStep">Distance of steps in B, in bytes.</param>
    /// <param name="from">Start values.</param>
    /// <param name="fromStride">Distance of their rows.</param>
    /// <param name="to">Results.</param>
    /// <param name="toStride">Distance of their rows.</param>
    /// <param name="fetch">What is brought near meanwhile.</param>
    /// <param name="packed">Place of a copy of the panel, its steps side by side, or null.</param>
    /// <param name="nothing">0. The compiler does not know, and so reads an element twice, each time as a part of a multiply-add.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ManyRows<TRows, TB, TReads>(nint k, float* a, byte* b, nint bStep, float* from, nint fromStride, float* to, nint toStride, in TileFetch fetch, float* packed, nint nothing = 0)
        where TRows : struct, ITileRows
        where TB : struct, ITileElements
        where TReads : struct, ITileReads
    {
        Vector512<float> c00 = default, c01 = default;
        Vector512<float> c10 = default, c11 = default;
        Vector512<float> c20 = default, c21 = default;
        Vector512<float> c30 = default, c31 = default;
        Vector512<float> c40 = default, c41 = default;
        Vector512<float> c50 = default, c51 = default;
        Vector512<float> c60 = default, c61 = default;
        Vector512<float> c70 = default, c71 = default;
        Vector512<float> c80 = default, c81 = default;
        Vector512<float> c90 = default, c91 = default;
        Vector512<float> c100 = default, c101 = default;
        Vector512<float> c110 = default, c111 = default;
        { c00 = Vector512.Load(from); c01 = Vector512.Load(from + Lanes); }
        { c10 = Vector512.Load(from + fromStride); c11 = Vector512.Load(from + fromStride + Lanes); }
        { c20 = Vector512.Load(from + (2 * fromStride)); c21 = Vector512.Load(from + (2 * fromStride) + Lanes); }
        if (TRows.Count > 3) { c30 = Vector512.Load(from + (3 * fromStride)); c31 = Vector512.Load(from + (3 * fromStride) + Lanes); }
        if (TRows.Count > 4) { c40 = Vector512.Load(from + (4 * fromStride)); c41 = Vector512.Load(from + (4 * fromStride) + Lanes); }
        if (TRows.Count > 5) { c50 = Vector512.Load(from + (5 * fromStride)); c51 = Vector512.Load(from + (5 * fromStride) + Lanes); }
        if (TRows.Count > 6) { c60 = Vector512.Load(from + (6 * fromStride)); c61 = Vector512.Load(from + (6 * fromStride) + Lanes); }
        if (TRows.Count > 7) { c70 = Vector512.Load(from + (7 * fromStride)); c71 = Vector512.Load(from + (7 * fromStride) + Lanes); }
        if (TRows.Count > 8) { c80 = Vector512.Load(from + (8 * fromStride)); c81 = Vector512.Load(from + (8 * fromStride) + Lanes); }
        if (TRows.Count > 9) { c90 = Vector512.Load(from + (9 * fromStride)); c91 = Vector512.Load(from + (9 * fromStride) + Lanes); }
        if (TRows.Count > 10) { c100 = Vector512.Load(from + (10 * fromStride)); c101 = Vector512.Load(from + (10 * fromStride) + Lanes); }
        if (TRows.Count > 11) { c110 = Vector512.Load(from + (11 * fromStride)); c111 = Vector512.Load(from + (11 * fromStride) + Lanes); }
        float* again = a + nothing, fetchC = fetch.C.First, fetchB = fetch.B.First;
        nint fetches = fetch.Count, strideC = fetch.C.Stride, strideB = fetch.B.Stride;
        for (; k > 1; k -= 2)
        {
            if (fetches > 0)
            {
                Sse.Prefetch1(fetchC);
                Sse.Prefetch1(fetchC + Lanes);
                Sse.Prefetch1(fetchB);
                Sse.Prefetch1(fetchB + Lanes);
                fetchC += strideC;
                fetchB += strideB;
                fetches--;
            }
            Vector512<float> b0 = Load<TB>(b), b1 = Load<TB>(b + (Lanes * TB.Size)), x;
            { x = Vector512.Create(a[0]); c00 = Vector512.FusedMultiplyAdd(x, b0, c00); c01 = Vector512.FusedMultiplyAdd(x, b1, c01); }
            { x = Vector512.Create(a[1]); c10 = Vector512.FusedMultiplyAdd(x, b0, c10); c11 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[1]), b1, c11); }
            { x = Vector512.Create(a[2]); c20 = Vector512.FusedMultiplyAdd(x, b0, c20); c21 = Vector512.FusedMultiplyAdd(x, b1, c21); }
            if (TRows.Count > 3) { x = Vector512.Create(a[3]); c30 = Vector512.FusedMultiplyAdd(x, b0, c30); c31 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[3]), b1, c31); }
            if (TRows.Count > 4) { x = Vector512.Create(a[4]); c40 = Vector512.FusedMultiplyAdd(x, b0, c40); c41 = Vector512.FusedMultiplyAdd(x, b1, c41); }
            if (TRows.Count > 5) { x = Vector512.Create(a[5]); c50 = Vector512.FusedMultiplyAdd(x, b0, c50); c51 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[5]), b1, c51); }
            if (TRows.Count > 6) { x = Vector512.Create(a[6]); c60 = Vector512.FusedMultiplyAdd(x, b0, c60); c61 = Vector512.FusedMultiplyAdd(x, b1, c61); }
            if (TRows.Count > 7) { x = Vector512.Create(a[7]); c70 = Vector512.FusedMultiplyAdd(x, b0, c70); c71 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[7]), b1, c71); }
            if (TRows.Count > 8) { x = Vector512.Create(a[8]); c80 = Vector512.FusedMultiplyAdd(x, b0, c80); c81 = Vector512.FusedMultiplyAdd(x, b1, c81); }
            if (TRows.Count > 9) { x = Vector512.Create(a[9]); c90 = Vector512.FusedMultiplyAdd(x, b0, c90); c91 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[9]), b1, c91); }
            if (TRows.Count > 10) { x = Vector512.Create(a[10]); c100 = Vector512.FusedMultiplyAdd(x, b0, c100); c101 = Vector512.FusedMultiplyAdd(x, b1, c101); }
            if (TRows.Count > 11) { x = Vector512.Create(a[11]); c110 = Vector512.FusedMultiplyAdd(x, b0, c110); c111 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[11]), b1, c111); }
            if (packed != null)
            {
                b0.Store(packed);
                b1.Store(packed + Lanes);
            }
            b0 = Load<TB>(b + bStep);
            b1 = Load<TB>(b + bStep + (Lanes * TB.Size));
            if (packed != null)
            {
                b0.Store(packed + (2 * Lanes));
                b1.Store(packed + (3 * Lanes));
                packed += 4 * Lanes;
            }
            { x = Vector512.Create(a[TRows.Count]); c00 = Vector512.FusedMultiplyAdd(x, b0, c00); c01 = Vector512.FusedMultiplyAdd(x, b1, c01); }
            { x = Vector512.Create(a[TRows.Count + 1]); c10 = Vector512.FusedMultiplyAdd(x, b0, c10); c11 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[TRows.Count + 1]), b1, c11); }
            { x = Vector512.Create(a[TRows.Count + 2]); c20 = Vector512.FusedMultiplyAdd(x, b0, c20); c21 = Vector512.FusedMultiplyAdd(x, b1, c21); }
            if (TRows.Count > 3) { x = Vector512.Create(a[TRows.Count + 3]); c30 = Vector512.FusedMultiplyAdd(x, b0, c30); c31 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[TRows.Count + 3]), b1, c31); }
            if (TRows.Count > 4) { x = Vector512.Create(a[TRows.Count + 4]); c40 = Vector512.FusedMultiplyAdd(x, b0, c40); c41 = Vector512.FusedMultiplyAdd(x, b1, c41); }
            if (TRows.Count > 5) { x = Vector512.Create(a[TRows.Count + 5]); c50 = Vector512.FusedMultiplyAdd(x, b0, c50); c51 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[TRows.Count + 5]), b1, c51); }
            if (TRows.Count > 6) { x = Vector512.Create(a[TRows.Count + 6]); c60 = Vector512.FusedMultiplyAdd(x, b0, c60); c61 = Vector512.FusedMultiplyAdd(x, b1, c61); }
            if (TRows.Count > 7) { x = Vector512.Create(a[TRows.Count + 7]); c70 = Vector512.FusedMultiplyAdd(x, b0, c70); c71 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[TRows.Count + 7]), b1, c71); }
            if (TRows.Count > 8) { x = Vector512.Create(a[TRows.Count + 8]); c80 = Vector512.FusedMultiplyAdd(x, b0, c80); c81 = Vector512.FusedMultiplyAdd(x, b1, c81); }
            if (TRows.Count > 9) { x = Vector512.Create(a[TRows.Count + 9]); c90 = Vector512.FusedMultiplyAdd(x, b0, c90); c91 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[TRows.Count + 9]), b1, c91); }
            if (TRows.Count > 10) { x = Vector512.Create(a[TRows.Count + 10]); c100 = Vector512.FusedMultiplyAdd(x, b0, c100); c101 = Vector512.FusedMultiplyAdd(x, b1, c101); }
            if (TRows.Count > 11) { x = Vector512.Create(a[TRows.Count + 11]); c110 = Vector512.FusedMultiplyAdd(x, b0, c110); c111 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[TRows.Count + 11]), b1, c111); }
            a += 2 * TRows.Count;
            again += 2 * TRows.Count;
            b += 2 * bStep;
        }
        if (k > 0)
        {
            Vector512<float> b0 = Load<TB>(b), b1 = Load<TB>(b + (Lanes * TB.Size)), x;
            if (packed != null)
            {
                b0.Store(packed);
                b1.Store(packed + Lanes);
            }
            { x = Vector512.Create(a[0]); c00 = Vector512.FusedMultiplyAdd(x, b0, c00); c01 = Vector512.FusedMultiplyAdd(x, b1, c01); }
            { x = Vector512.Create(a[1]); c10 = Vector512.FusedMultiplyAdd(x, b0, c10); c11 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[1]), b1, c11); }
            { x = Vector512.Create(a[2]); c20 = Vector512.FusedMultiplyAdd(x, b0, c20); c21 = Vector512.FusedMultiplyAdd(x, b1, c21); }
            if (TRows.Count > 3) { x = Vector512.Create(a[3]); c30 = Vector512.FusedMultiplyAdd(x, b0, c30); c31 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[3]), b1, c31); }
            if (TRows.Count > 4) { x = Vector512.Create(a[4]); c40 = Vector512.FusedMultiplyAdd(x, b0, c40); c41 = Vector512.FusedMultiplyAdd(x, b1, c41); }
            if (TRows.Count > 5) { x = Vector512.Create(a[5]); c50 = Vector512.FusedMultiplyAdd(x, b0, c50); c51 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[5]), b1, c51); }
            if (TRows.Count > 6) { x = Vector512.Create(a[6]); c60 = Vector512.FusedMultiplyAdd(x, b0, c60); c61 = Vector512.FusedMultiplyAdd(x, b1, c61); }
            if (TRows.Count > 7) { x = Vector512.Create(a[7]); c70 = Vector512.FusedMultiplyAdd(x, b0, c70); c71 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[7]), b1, c71); }
            if (TRows.Count > 8) { x = Vector512.Create(a[8]); c80 = Vector512.FusedMultiplyAdd(x, b0, c80); c81 = Vector512.FusedMultiplyAdd(x, b1, c81); }
            if (TRows.Count > 9) { x = Vector512.Create(a[9]); c90 = Vector512.FusedMultiplyAdd(x, b0, c90); c91 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[9]), b1, c91); }
            if (TRows.Count > 10) { x = Vector512.Create(a[10]); c100 = Vector512.FusedMultiplyAdd(x, b0, c100); c101 = Vector512.FusedMultiplyAdd(x, b1, c101); }
            if (TRows.Count > 11) { x = Vector512.Create(a[11]); c110 = Vector512.FusedMultiplyAdd(x, b0, c110); c111 = Vector512.FusedMultiplyAdd(TReads.Once ? x : Vector512.Create(again[11]), b1, c111); }
        }
        { c00.Store(to); c01.Store(to + Lanes); }
        { c10.Store(to + toStride); c11.Store(to + toStride + Lanes); }
        { c20.Store(to + (2 * toStride)); c21.Store(to + (2 * toStride) + Lanes); }
        if (TRows.Count > 3) { c30.Store(to + (3 * toStride)); c31.Store(to + (3 * toStride) + Lanes); }
        if (TRows.Count > 4) { c40.Store(to + (4 * toStride)); c41.Store(to + (4 * toStride) + Lanes); }
        if (TRows.Count > 5) { c50.Store(to + (5 * toStride)); c51.Store(to + (5 * toStride) + Lanes); }
        if (TRows.Count > 6) { c60.Store(to + (6 * toStride)); c61.Store(to + (6 * toStride) + Lanes); }
        if (TRows.Count > 7) { c70.Store(to + (7 * toStride)); c71.Store(to + (7 * toStride) + Lanes); }
        if (TRows.Count > 8) { c80.Store(to + (8 * toStride)); c81.Store(to + (8 * toStride) + Lanes); }
        if (TRows.Count > 9) { c90.Store(to + (9 * toStride)); c91.Store(to + (9 * toStride) + Lanes); }
        if (TRows.Count > 10) { c100.Store(to + (10 * toStride)); c101.Store(to + (10 * toStride) + Lanes); }
        if (TRows.Count > 11) { c110.Store(to + (11 * toStride)); c111.Store(to + (11 * toStride) + Lanes); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load<TB>(byte* from) where TB : struct, ITileElements => Unsafe.BitCast<Vec512, Vector512<float>>(TB.Load<Vec512>(from));
}
