using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Number of rows of a tile, known to the compiler: each count gets its own machine code, without the rows it does not have.</summary>
internal interface ITileRows
{
    static abstract int Count { get; }
}

internal readonly struct Rows1 : ITileRows { public static int Count => 1; }
internal readonly struct Rows2 : ITileRows { public static int Count => 2; }
internal readonly struct Rows3 : ITileRows { public static int Count => 3; }
internal readonly struct Rows4 : ITileRows { public static int Count => 4; }
internal readonly struct Rows5 : ITileRows { public static int Count => 5; }
internal readonly struct Rows6 : ITileRows { public static int Count => 6; }
internal readonly struct Rows7 : ITileRows { public static int Count => 7; }
internal readonly struct Rows8 : ITileRows { public static int Count => 8; }
internal readonly struct Rows9 : ITileRows { public static int Count => 9; }
internal readonly struct Rows10 : ITileRows { public static int Count => 10; }
internal readonly struct Rows11 : ITileRows { public static int Count => 11; }
internal readonly struct Rows12 : ITileRows { public static int Count => 12; }

/// <summary>Elements of B, known to the compiler.</summary>
internal unsafe interface ITileElements
{
    /// <summary>Bytes of one.</summary>
    static abstract int Size { get; }

    /// <summary>As many as V has lanes, as numbers of 32 bits.</summary>
    static abstract V Load<V>(byte* from) where V : struct, IVec<V>;
}

/// <summary>F32.</summary>
internal readonly unsafe struct Singles : ITileElements
{
    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V>(byte* from) where V : struct, IVec<V> => V.Load(from);
}

/// <summary>Whether a tile copies the panel of B that it reads, known to the compiler.</summary>
internal interface ITilePanel
{
    static abstract bool Copies { get; }
}

internal readonly struct LeftInPlace : ITilePanel { public static bool Copies => false; }
internal readonly struct CopiedAside : ITilePanel { public static bool Copies => true; }

/// <summary>
/// The innermost loops: a tile of C stays in registers while k runs. Column vectors of B lie across the lanes, elements of A are
/// broadcast, so every lane is one output's own chain of fused multiply-adds in the order of k, whatever the tile.
/// </summary>
internal static unsafe class GemmTiles<V>
    where V : struct, IVec<V>
{
    /// <summary>Rows of the largest tile. With two vectors a row, the sums, two vectors of B and a broadcast fill the registers: 32 on
    /// AVX-512 and ARM, 16 on AVX2.</summary>
    public static int MostRows => V.Lanes == 16 || AdvSimd.IsSupported ? 12 : 6;

    /// <summary>Lines of the cache across a tile of three rows and more.</summary>
    public static int LinesAcross => Math.Max(1, 2 * V.Lanes / FetchLines.Line);

    /// <summary>Vectors across a tile: more for very few rows, so that enough independent chains hide the latency of an addition.</summary>
    public static int VectorsAcross(int rows) => rows switch { 1 => 8, 2 => 4, _ => 2 };

    /// <summary>to = from + A·B over <paramref name="k"/> steps for a tile of <paramref name="rows"/> rows and
    /// <see cref="VectorsAcross"/> vectors.</summary>
    /// <param name="rows">Rows of the tile, 1 .. <see cref="MostRows"/>.</param>
    /// <param name="k">Steps, at least 1.</param>
    /// <param name="a">Packed panel [k][rows].</param>
    /// <param name="b">Panel of B: step k begins at <c>b + k·bStep</c>.</param>
    /// <param name="bStep">Distance of steps in B.</param>
    /// <param name="bPanel">Distance of panels of <see cref="PackedMatrix.PanelColumns"/> columns in B, where a tile has more columns than that.</param>
    /// <param name="from">Start values, rows <paramref name="fromStride"/> apart (0: one row of them for all).</param>
    /// <param name="fromStride">Distance of rows of start values.</param>
    /// <param name="to">Results, rows <paramref name="toStride"/> apart. May be the place of the start values.</param>
    /// <param name="toStride">Distance of rows of results.</param>
    /// <param name="fetch">What is brought near meanwhile, where tiles are large enough for it.</param>
    /// <param name="packed">Where the panel is copied to meanwhile, its steps side by side, or null; of three rows and more.</param>
    public static void Run(int rows, nint k, float* a, float* b, nint bStep, nint bPanel, float* from, nint fromStride, float* to, nint toStride, in TileFetch fetch = default, float* packed = null) =>
        Run<Singles>(rows, k, a, b, bStep, bPanel, from, fromStride, to, toStride, fetch, packed);

    /// <summary>The same for a B of any elements; distances in B count elements.</summary>
    public static void Run<TB>(
        int rows, nint k, float* a, void* panel, nint bStep, nint bPanel, float* from, nint fromStride, float* to, nint toStride, in TileFetch fetch = default, float* packed = null)
        where TB : struct, ITileElements
    {
        byte* b = (byte*)panel;
        bStep *= TB.Size;
        bPanel *= TB.Size;
        switch (rows)
        {
            case 1: OneRow<TB>(k, a, b, bStep, bPanel, from, to); break;
            case 2: TwoRows<TB>(k, a, b, bStep, bPanel, from, fromStride, to, toStride); break;
            case 3: ManyRows<Rows3, TB>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed); break;
            case 4: ManyRows<Rows4, TB>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed); break;
            case 5: ManyRows<Rows5, TB>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed); break;
            case 6: ManyRows<Rows6, TB>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed); break;
            case 7: ManyRows<Rows7, TB>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed); break;
            case 8: ManyRows<Rows8, TB>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed); break;
            case 9: ManyRows<Rows9, TB>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed); break;
            case 10: ManyRows<Rows10, TB>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed); break;
            case 11: ManyRows<Rows11, TB>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed); break;
            case 12: ManyRows<Rows12, TB>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed); break;
            default: throw new ArgumentOutOfRangeException(nameof(rows));
        }
    }

    /// <summary>Where the i-th pair of vectors of a tile lies in B, in bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Pair<TB>(int i, nint bPanel) where TB : struct, ITileElements
    {
        int column = i * 2 * V.Lanes;
        return (column / PackedMatrix.PanelColumns * bPanel) + (column % PackedMatrix.PanelColumns * TB.Size);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow<TB>(nint k, float* a, byte* b, nint bStep, nint bPanel, float* from, float* to) where TB : struct, ITileElements
    {
        int lanes = V.Lanes, next = lanes * TB.Size;
        V c0 = V.Load(from), c1 = V.Load(from + lanes), c2 = V.Load(from + (2 * lanes)), c3 = V.Load(from + (3 * lanes));
        from += 4 * lanes;
        V c4 = V.Load(from), c5 = V.Load(from + lanes), c6 = V.Load(from + (2 * lanes)), c7 = V.Load(from + (3 * lanes));
        byte* p1 = b + Pair<TB>(1, bPanel), p2 = b + Pair<TB>(2, bPanel), p3 = b + Pair<TB>(3, bPanel);
        for (; k > 0; k--)
        {
            V x = V.BroadcastAt(a);
            V.AddProduct(x, TB.Load<V>(b), ref c0);
            V.AddProduct(x, TB.Load<V>(b + next), ref c1);
            V.AddProduct(x, TB.Load<V>(p1), ref c2);
            V.AddProduct(x, TB.Load<V>(p1 + next), ref c3);
            V.AddProduct(x, TB.Load<V>(p2), ref c4);
            V.AddProduct(x, TB.Load<V>(p2 + next), ref c5);
            V.AddProduct(x, TB.Load<V>(p3), ref c6);
            V.AddProduct(x, TB.Load<V>(p3 + next), ref c7);
            a++;
            b += bStep;
            p1 += bStep;
            p2 += bStep;
            p3 += bStep;
        }
        V.Store(to, 0, c0);
        V.Store(to + (1 * lanes), 0, c1);
        V.Store(to + (2 * lanes), 0, c2);
        V.Store(to + (3 * lanes), 0, c3);
        V.Store(to + (4 * lanes), 0, c4);
        V.Store(to + (5 * lanes), 0, c5);
        V.Store(to + (6 * lanes), 0, c6);
        V.Store(to + (7 * lanes), 0, c7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoRows<TB>(nint k, float* a, byte* b, nint bStep, nint bPanel, float* from, nint fromStride, float* to, nint toStride)
        where TB : struct, ITileElements
    {
        int lanes = V.Lanes, next = lanes * TB.Size;
        float* from1 = from + fromStride, to1 = to + toStride;
        V c00 = V.Load(from), c01 = V.Load(from + lanes), c02 = V.Load(from + (2 * lanes)), c03 = V.Load(from + (3 * lanes));
        V c10 = V.Load(from1), c11 = V.Load(from1 + lanes), c12 = V.Load(from1 + (2 * lanes)), c13 = V.Load(from1 + (3 * lanes));
        byte* p1 = b + Pair<TB>(1, bPanel);
        for (; k > 0; k--)
        {
            V x = V.BroadcastAt(a), y = V.BroadcastAt(a + 1);
            V b0 = TB.Load<V>(b), b1 = TB.Load<V>(b + next), b2 = TB.Load<V>(p1), b3 = TB.Load<V>(p1 + next);
            V.AddProduct(x, b0, ref c00);
            V.AddProduct(y, b0, ref c10);
            V.AddProduct(x, b1, ref c01);
            V.AddProduct(y, b1, ref c11);
            V.AddProduct(x, b2, ref c02);
            V.AddProduct(y, b2, ref c12);
            V.AddProduct(x, b3, ref c03);
            V.AddProduct(y, b3, ref c13);
            a += 2;
            b += bStep;
            p1 += bStep;
        }
        V.Store(to, 0, c00);
        V.Store(to + lanes, 0, c01);
        V.Store(to + (2 * lanes), 0, c02);
        V.Store(to + (3 * lanes), 0, c03);
        V.Store(to1, 0, c10);
        V.Store(to1 + lanes, 0, c11);
        V.Store(to1 + (2 * lanes), 0, c12);
        V.Store(to1 + (3 * lanes), 0, c13);
    }

    private static void ManyRows<TRows, TB>(nint k, float* a, byte* b, nint bStep, float* from, nint fromStride, float* to, nint toStride, in TileFetch fetch, float* packed)
        where TRows : struct, ITileRows
        where TB : struct, ITileElements
    {
        if (V.Lanes == 16)
        {
            if (GemmTiles512.ReadsOnce) GemmTiles512.ManyRows<TRows, TB, ReadOnce>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed);
            else GemmTiles512.ManyRows<TRows, TB, ReadTwice>(k, a, b, bStep, from, fromStride, to, toStride, fetch, packed);
            return;
        }
        fetch.Now(LinesAcross);
        if (packed == null) ManyRows<TRows, TB, LeftInPlace>(k, a, b, bStep, from, fromStride, to, toStride, packed);
        else ManyRows<TRows, TB, CopiedAside>(k, a, b, bStep, from, fromStride, to, toStride, packed);
    }

    // One line a row; the compiler drops the lines beyond TRows.Count, which is a constant to it. All sums must be locals of their own to
    // live in registers, hence the length. Four steps a turn and nothing in it but them: where another thread shares the processor's decoders,
    // every instruction more is paid for.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ManyRows<TRows, TB, TPanel>(nint k, float* a, byte* b, nint bStep, float* from, nint fromStride, float* to, nint toStride, float* packed)
        where TRows : struct, ITileRows
        where TB : struct, ITileElements
        where TPanel : struct, ITilePanel
    {
        int lanes = V.Lanes;
        V c00 = default, c01 = default;
        V c10 = default, c11 = default;
        V c20 = default, c21 = default;
        V c30 = default, c31 = default;
        V c40 = default, c41 = default;
        V c50 = default, c51 = default;
        V c60 = default, c61 = default;
        V c70 = default, c71 = default;
        V c80 = default, c81 = default;
        V c90 = default, c91 = default;
        V c100 = default, c101 = default;
        V c110 = default, c111 = default;
        { c00 = V.Load(from); c01 = V.Load(from + lanes); }
        { c10 = V.Load(from + fromStride); c11 = V.Load(from + fromStride + lanes); }
        { c20 = V.Load(from + (2 * fromStride)); c21 = V.Load(from + (2 * fromStride) + lanes); }
        if (TRows.Count > 3) { c30 = V.Load(from + (3 * fromStride)); c31 = V.Load(from + (3 * fromStride) + lanes); }
        if (TRows.Count > 4) { c40 = V.Load(from + (4 * fromStride)); c41 = V.Load(from + (4 * fromStride) + lanes); }
        if (TRows.Count > 5) { c50 = V.Load(from + (5 * fromStride)); c51 = V.Load(from + (5 * fromStride) + lanes); }
        if (TRows.Count > 6) { c60 = V.Load(from + (6 * fromStride)); c61 = V.Load(from + (6 * fromStride) + lanes); }
        if (TRows.Count > 7) { c70 = V.Load(from + (7 * fromStride)); c71 = V.Load(from + (7 * fromStride) + lanes); }
        if (TRows.Count > 8) { c80 = V.Load(from + (8 * fromStride)); c81 = V.Load(from + (8 * fromStride) + lanes); }
        if (TRows.Count > 9) { c90 = V.Load(from + (9 * fromStride)); c91 = V.Load(from + (9 * fromStride) + lanes); }
        if (TRows.Count > 10) { c100 = V.Load(from + (10 * fromStride)); c101 = V.Load(from + (10 * fromStride) + lanes); }
        if (TRows.Count > 11) { c110 = V.Load(from + (11 * fromStride)); c111 = V.Load(from + (11 * fromStride) + lanes); }
        for (float* end = a + ((k & ~3) * TRows.Count); a < end; a += 4 * TRows.Count, b += 4 * bStep)
        {
            Step<TRows, TB, TPanel>(a, 0, b, packed,
                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51,
                ref c60, ref c61, ref c70, ref c71, ref c80, ref c81, ref c90, ref c91, ref c100, ref c101, ref c110, ref c111);
            Step<TRows, TB, TPanel>(a, TRows.Count, b + bStep, packed + (2 * lanes),
                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51,
                ref c60, ref c61, ref c70, ref c71, ref c80, ref c81, ref c90, ref c91, ref c100, ref c101, ref c110, ref c111);
            Step<TRows, TB, TPanel>(a, 2 * TRows.Count, b + (2 * bStep), packed + (4 * lanes),
                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51,
                ref c60, ref c61, ref c70, ref c71, ref c80, ref c81, ref c90, ref c91, ref c100, ref c101, ref c110, ref c111);
            Step<TRows, TB, TPanel>(a, 3 * TRows.Count, b + (3 * bStep), packed + (6 * lanes),
                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51,
                ref c60, ref c61, ref c70, ref c71, ref c80, ref c81, ref c90, ref c91, ref c100, ref c101, ref c110, ref c111);
            if (TPanel.Copies) packed += 8 * lanes;
        }
        for (k &= 3; k > 0; k--, a += TRows.Count, b += bStep)
        {
            Step<TRows, TB, TPanel>(a, 0, b, packed,
                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51,
                ref c60, ref c61, ref c70, ref c71, ref c80, ref c81, ref c90, ref c91, ref c100, ref c101, ref c110, ref c111);
            if (TPanel.Copies) packed += 2 * lanes;
        }
        { V.Store(to, 0, c00); V.Store(to + lanes, 0, c01); }
        { V.Store(to + toStride, 0, c10); V.Store(to + toStride + lanes, 0, c11); }
        { V.Store(to + (2 * toStride), 0, c20); V.Store(to + (2 * toStride) + lanes, 0, c21); }
        if (TRows.Count > 3) { V.Store(to + (3 * toStride), 0, c30); V.Store(to + (3 * toStride) + lanes, 0, c31); }
        if (TRows.Count > 4) { V.Store(to + (4 * toStride), 0, c40); V.Store(to + (4 * toStride) + lanes, 0, c41); }
        if (TRows.Count > 5) { V.Store(to + (5 * toStride), 0, c50); V.Store(to + (5 * toStride) + lanes, 0, c51); }
        if (TRows.Count > 6) { V.Store(to + (6 * toStride), 0, c60); V.Store(to + (6 * toStride) + lanes, 0, c61); }
        if (TRows.Count > 7) { V.Store(to + (7 * toStride), 0, c70); V.Store(to + (7 * toStride) + lanes, 0, c71); }
        if (TRows.Count > 8) { V.Store(to + (8 * toStride), 0, c80); V.Store(to + (8 * toStride) + lanes, 0, c81); }
        if (TRows.Count > 9) { V.Store(to + (9 * toStride), 0, c90); V.Store(to + (9 * toStride) + lanes, 0, c91); }
        if (TRows.Count > 10) { V.Store(to + (10 * toStride), 0, c100); V.Store(to + (10 * toStride) + lanes, 0, c101); }
        if (TRows.Count > 11) { V.Store(to + (11 * toStride), 0, c110); V.Store(to + (11 * toStride) + lanes, 0, c111); }
    }

    // One step; a + at is its column of A.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TRows, TB, TPanel>(
        float* a, nint at, byte* b, float* packed, ref V c00, ref V c01, ref V c10, ref V c11, ref V c20, ref V c21, ref V c30, ref V c31, ref V c40, ref V c41, ref V c50, ref V c51,
        ref V c60, ref V c61, ref V c70, ref V c71, ref V c80, ref V c81, ref V c90, ref V c91, ref V c100, ref V c101, ref V c110, ref V c111)
        where TRows : struct, ITileRows
        where TB : struct, ITileElements
        where TPanel : struct, ITilePanel
    {
        V b0 = TB.Load<V>(b), b1 = TB.Load<V>(b + (V.Lanes * TB.Size)), x;
        if (TPanel.Copies)
        {
            V.Store(packed, 0, b0);
            V.Store(packed + V.Lanes, 0, b1);
        }
        { x = V.BroadcastAt(a + at); V.AddProduct(x, b0, ref c00); V.AddProduct(x, b1, ref c01); }
        { x = V.BroadcastAt(a + (at + 1)); V.AddProduct(x, b0, ref c10); V.AddProduct(x, b1, ref c11); }
        { x = V.BroadcastAt(a + (at + 2)); V.AddProduct(x, b0, ref c20); V.AddProduct(x, b1, ref c21); }
        if (TRows.Count > 3) { x = V.BroadcastAt(a + (at + 3)); V.AddProduct(x, b0, ref c30); V.AddProduct(x, b1, ref c31); }
        if (TRows.Count > 4) { x = V.BroadcastAt(a + (at + 4)); V.AddProduct(x, b0, ref c40); V.AddProduct(x, b1, ref c41); }
        if (TRows.Count > 5) { x = V.BroadcastAt(a + (at + 5)); V.AddProduct(x, b0, ref c50); V.AddProduct(x, b1, ref c51); }
        if (TRows.Count > 6) { x = V.BroadcastAt(a + (at + 6)); V.AddProduct(x, b0, ref c60); V.AddProduct(x, b1, ref c61); }
        if (TRows.Count > 7) { x = V.BroadcastAt(a + (at + 7)); V.AddProduct(x, b0, ref c70); V.AddProduct(x, b1, ref c71); }
        if (TRows.Count > 8) { x = V.BroadcastAt(a + (at + 8)); V.AddProduct(x, b0, ref c80); V.AddProduct(x, b1, ref c81); }
        if (TRows.Count > 9) { x = V.BroadcastAt(a + (at + 9)); V.AddProduct(x, b0, ref c90); V.AddProduct(x, b1, ref c91); }
        if (TRows.Count > 10) { x = V.BroadcastAt(a + (at + 10)); V.AddProduct(x, b0, ref c100); V.AddProduct(x, b1, ref c101); }
        if (TRows.Count > 11) { x = V.BroadcastAt(a + (at + 11)); V.AddProduct(x, b0, ref c110); V.AddProduct(x, b1, ref c111); }
    }
}
