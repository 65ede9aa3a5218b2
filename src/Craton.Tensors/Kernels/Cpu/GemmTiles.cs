using System.Runtime.CompilerServices;

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

/// <summary>
/// The innermost loops: a tile of C stays in registers while k runs. Column vectors of B lie across the lanes, elements of A are
/// broadcast, so every lane is one output's own chain of fused multiply-adds in the order of k, whatever the tile.
/// </summary>
internal static unsafe class GemmTiles<TVec>
    where TVec : struct, IGemmVector<TVec>
{
    /// <summary>Vectors across a tile: more for very few rows, so that enough independent chains hide the latency of an addition.</summary>
    public static int VectorsAcross(int rows) => rows switch { 1 => 8, 2 => 4, _ => 2 };

    /// <summary>to = from + A·B over <paramref name="k"/> steps for a tile of <paramref name="rows"/> rows and
    /// <see cref="VectorsAcross"/> vectors.</summary>
    /// <param name="rows">Rows of the tile, 1 .. <see cref="IGemmVector{TSelf}.TileRows"/>.</param>
    /// <param name="k">Steps, at least 1.</param>
    /// <param name="a">Packed panel [k][rows].</param>
    /// <param name="b">Panel of B: step k begins at <c>b + k·bStep</c>.</param>
    /// <param name="bStep">Distance of steps in B.</param>
    /// <param name="from">Start values, rows <paramref name="fromStride"/> apart (0: one row of them for all).</param>
    /// <param name="fromStride">Distance of rows of start values.</param>
    /// <param name="to">Results, rows <paramref name="toStride"/> apart. May be the place of the start values.</param>
    /// <param name="toStride">Distance of rows of results.</param>
    public static void Run(int rows, nint k, float* a, float* b, nint bStep, float* from, nint fromStride, float* to, nint toStride)
    {
        switch (rows)
        {
            case 1: OneRow(k, a, b, bStep, from, to); break;
            case 2: TwoRows(k, a, b, bStep, from, fromStride, to, toStride); break;
            case 3: ManyRows<Rows3>(k, a, b, bStep, from, fromStride, to, toStride); break;
            case 4: ManyRows<Rows4>(k, a, b, bStep, from, fromStride, to, toStride); break;
            case 5: ManyRows<Rows5>(k, a, b, bStep, from, fromStride, to, toStride); break;
            case 6: ManyRows<Rows6>(k, a, b, bStep, from, fromStride, to, toStride); break;
            case 7: ManyRows<Rows7>(k, a, b, bStep, from, fromStride, to, toStride); break;
            case 8: ManyRows<Rows8>(k, a, b, bStep, from, fromStride, to, toStride); break;
            case 9: ManyRows<Rows9>(k, a, b, bStep, from, fromStride, to, toStride); break;
            case 10: ManyRows<Rows10>(k, a, b, bStep, from, fromStride, to, toStride); break;
            case 11: ManyRows<Rows11>(k, a, b, bStep, from, fromStride, to, toStride); break;
            case 12: ManyRows<Rows12>(k, a, b, bStep, from, fromStride, to, toStride); break;
            default: throw new ArgumentOutOfRangeException(nameof(rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(nint k, float* a, float* b, nint bStep, float* from, float* to)
    {
        int lanes = TVec.Lanes;
        TVec c0 = TVec.Load(from), c1 = TVec.Load(from + lanes), c2 = TVec.Load(from + (2 * lanes)), c3 = TVec.Load(from + (3 * lanes));
        from += 4 * lanes;
        TVec c4 = TVec.Load(from), c5 = TVec.Load(from + lanes), c6 = TVec.Load(from + (2 * lanes)), c7 = TVec.Load(from + (3 * lanes));
        for (; k > 0; k--)
        {
            TVec x = TVec.Broadcast(a);
            c0 = TVec.Fma(x, TVec.Load(b), c0);
            c1 = TVec.Fma(x, TVec.Load(b + (1 * lanes)), c1);
            c2 = TVec.Fma(x, TVec.Load(b + (2 * lanes)), c2);
            c3 = TVec.Fma(x, TVec.Load(b + (3 * lanes)), c3);
            c4 = TVec.Fma(x, TVec.Load(b + (4 * lanes)), c4);
            c5 = TVec.Fma(x, TVec.Load(b + (5 * lanes)), c5);
            c6 = TVec.Fma(x, TVec.Load(b + (6 * lanes)), c6);
            c7 = TVec.Fma(x, TVec.Load(b + (7 * lanes)), c7);
            a++;
            b += bStep;
        }
        TVec.Store(c0, to);
        TVec.Store(c1, to + (1 * lanes));
        TVec.Store(c2, to + (2 * lanes));
        TVec.Store(c3, to + (3 * lanes));
        TVec.Store(c4, to + (4 * lanes));
        TVec.Store(c5, to + (5 * lanes));
        TVec.Store(c6, to + (6 * lanes));
        TVec.Store(c7, to + (7 * lanes));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoRows(nint k, float* a, float* b, nint bStep, float* from, nint fromStride, float* to, nint toStride)
    {
        int lanes = TVec.Lanes;
        float* from1 = from + fromStride, to1 = to + toStride;
        TVec c00 = TVec.Load(from), c01 = TVec.Load(from + lanes), c02 = TVec.Load(from + (2 * lanes)), c03 = TVec.Load(from + (3 * lanes));
        TVec c10 = TVec.Load(from1), c11 = TVec.Load(from1 + lanes), c12 = TVec.Load(from1 + (2 * lanes)), c13 = TVec.Load(from1 + (3 * lanes));
        for (; k > 0; k--)
        {
            TVec x = TVec.Broadcast(a), y = TVec.Broadcast(a + 1);
            TVec b0 = TVec.Load(b), b1 = TVec.Load(b + lanes), b2 = TVec.Load(b + (2 * lanes)), b3 = TVec.Load(b + (3 * lanes));
            c00 = TVec.Fma(x, b0, c00);
            c10 = TVec.Fma(y, b0, c10);
            c01 = TVec.Fma(x, b1, c01);
            c11 = TVec.Fma(y, b1, c11);
            c02 = TVec.Fma(x, b2, c02);
            c12 = TVec.Fma(y, b2, c12);
            c03 = TVec.Fma(x, b3, c03);
            c13 = TVec.Fma(y, b3, c13);
            a += 2;
            b += bStep;
        }
        TVec.Store(c00, to);
        TVec.Store(c01, to + lanes);
        TVec.Store(c02, to + (2 * lanes));
        TVec.Store(c03, to + (3 * lanes));
        TVec.Store(c10, to1);
        TVec.Store(c11, to1 + lanes);
        TVec.Store(c12, to1 + (2 * lanes));
        TVec.Store(c13, to1 + (3 * lanes));
    }

    // One line a row; the compiler drops the lines beyond TRows.Count, which is a constant to it. All sums must be locals of their own to
    // live in registers, hence the length.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ManyRows<TRows>(nint k, float* a, float* b, nint bStep, float* from, nint fromStride, float* to, nint toStride)
        where TRows : struct, ITileRows
    {
        int lanes = TVec.Lanes;
        TVec c00 = default, c01 = default;
        TVec c10 = default, c11 = default;
        TVec c20 = default, c21 = default;
        TVec c30 = default, c31 = default;
        TVec c40 = default, c41 = default;
        TVec c50 = default, c51 = default;
        TVec c60 = default, c61 = default;
        TVec c70 = default, c71 = default;
        TVec c80 = default, c81 = default;
        TVec c90 = default, c91 = default;
        TVec c100 = default, c101 = default;
        TVec c110 = default, c111 = default;
        { c00 = TVec.Load(from); c01 = TVec.Load(from + lanes); }
        { c10 = TVec.Load(from + fromStride); c11 = TVec.Load(from + fromStride + lanes); }
        { c20 = TVec.Load(from + (2 * fromStride)); c21 = TVec.Load(from + (2 * fromStride) + lanes); }
        if (TRows.Count > 3) { c30 = TVec.Load(from + (3 * fromStride)); c31 = TVec.Load(from + (3 * fromStride) + lanes); }
        if (TRows.Count > 4) { c40 = TVec.Load(from + (4 * fromStride)); c41 = TVec.Load(from + (4 * fromStride) + lanes); }
        if (TRows.Count > 5) { c50 = TVec.Load(from + (5 * fromStride)); c51 = TVec.Load(from + (5 * fromStride) + lanes); }
        if (TRows.Count > 6) { c60 = TVec.Load(from + (6 * fromStride)); c61 = TVec.Load(from + (6 * fromStride) + lanes); }
        if (TRows.Count > 7) { c70 = TVec.Load(from + (7 * fromStride)); c71 = TVec.Load(from + (7 * fromStride) + lanes); }
        if (TRows.Count > 8) { c80 = TVec.Load(from + (8 * fromStride)); c81 = TVec.Load(from + (8 * fromStride) + lanes); }
        if (TRows.Count > 9) { c90 = TVec.Load(from + (9 * fromStride)); c91 = TVec.Load(from + (9 * fromStride) + lanes); }
        if (TRows.Count > 10) { c100 = TVec.Load(from + (10 * fromStride)); c101 = TVec.Load(from + (10 * fromStride) + lanes); }
        if (TRows.Count > 11) { c110 = TVec.Load(from + (11 * fromStride)); c111 = TVec.Load(from + (11 * fromStride) + lanes); }
        for (; k > 0; k--)
        {
            TVec b0 = TVec.Load(b), b1 = TVec.Load(b + lanes), x;
            { x = TVec.Broadcast(a); c00 = TVec.Fma(x, b0, c00); c01 = TVec.Fma(x, b1, c01); }
            { x = TVec.Broadcast(a + 1); c10 = TVec.Fma(x, b0, c10); c11 = TVec.Fma(x, b1, c11); }
            { x = TVec.Broadcast(a + 2); c20 = TVec.Fma(x, b0, c20); c21 = TVec.Fma(x, b1, c21); }
            if (TRows.Count > 3) { x = TVec.Broadcast(a + 3); c30 = TVec.Fma(x, b0, c30); c31 = TVec.Fma(x, b1, c31); }
            if (TRows.Count > 4) { x = TVec.Broadcast(a + 4); c40 = TVec.Fma(x, b0, c40); c41 = TVec.Fma(x, b1, c41); }
            if (TRows.Count > 5) { x = TVec.Broadcast(a + 5); c50 = TVec.Fma(x, b0, c50); c51 = TVec.Fma(x, b1, c51); }
            if (TRows.Count > 6) { x = TVec.Broadcast(a + 6); c60 = TVec.Fma(x, b0, c60); c61 = TVec.Fma(x, b1, c61); }
            if (TRows.Count > 7) { x = TVec.Broadcast(a + 7); c70 = TVec.Fma(x, b0, c70); c71 = TVec.Fma(x, b1, c71); }
            if (TRows.Count > 8) { x = TVec.Broadcast(a + 8); c80 = TVec.Fma(x, b0, c80); c81 = TVec.Fma(x, b1, c81); }
            if (TRows.Count > 9) { x = TVec.Broadcast(a + 9); c90 = TVec.Fma(x, b0, c90); c91 = TVec.Fma(x, b1, c91); }
            if (TRows.Count > 10) { x = TVec.Broadcast(a + 10); c100 = TVec.Fma(x, b0, c100); c101 = TVec.Fma(x, b1, c101); }
            if (TRows.Count > 11) { x = TVec.Broadcast(a + 11); c110 = TVec.Fma(x, b0, c110); c111 = TVec.Fma(x, b1, c111); }
            a += TRows.Count;
            b += bStep;
        }
        { TVec.Store(c00, to); TVec.Store(c01, to + lanes); }
        { TVec.Store(c10, to + toStride); TVec.Store(c11, to + toStride + lanes); }
        { TVec.Store(c20, to + (2 * toStride)); TVec.Store(c21, to + (2 * toStride) + lanes); }
        if (TRows.Count > 3) { TVec.Store(c30, to + (3 * toStride)); TVec.Store(c31, to + (3 * toStride) + lanes); }
        if (TRows.Count > 4) { TVec.Store(c40, to + (4 * toStride)); TVec.Store(c41, to + (4 * toStride) + lanes); }
        if (TRows.Count > 5) { TVec.Store(c50, to + (5 * toStride)); TVec.Store(c51, to + (5 * toStride) + lanes); }
        if (TRows.Count > 6) { TVec.Store(c60, to + (6 * toStride)); TVec.Store(c61, to + (6 * toStride) + lanes); }
        if (TRows.Count > 7) { TVec.Store(c70, to + (7 * toStride)); TVec.Store(c71, to + (7 * toStride) + lanes); }
        if (TRows.Count > 8) { TVec.Store(c80, to + (8 * toStride)); TVec.Store(c81, to + (8 * toStride) + lanes); }
        if (TRows.Count > 9) { TVec.Store(c90, to + (9 * toStride)); TVec.Store(c91, to + (9 * toStride) + lanes); }
        if (TRows.Count > 10) { TVec.Store(c100, to + (10 * toStride)); TVec.Store(c101, to + (10 * toStride) + lanes); }
        if (TRows.Count > 11) { TVec.Store(c110, to + (11 * toStride)); TVec.Store(c111, to + (11 * toStride) + lanes); }
    }
}
