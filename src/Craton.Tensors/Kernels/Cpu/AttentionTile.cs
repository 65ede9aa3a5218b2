using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Numbers [First, End) of the rows of a factor that matter; none when End is not above First.</summary>
internal readonly record struct Span16(short First, short End)
{
    public bool IsEmpty => End <= First;
}

/// <summary>
/// Products of the small matrices of attention. Unlike the tiles of <see cref="Gemm"/>, both strides of the left factor are free, so that
/// one copy of the weights serves as P and as Pᵀ, and steps that are known to add nothing are left out. As there, every element is one chain
/// of fused multiply-adds over k in order, its column in one lane.
/// </summary>
internal static unsafe class AttentionTile<V> where V : struct, IVec<V>
{
    /// <summary>Rows of a tile: with two vectors across, as many sums as the registers hold beside the factors.</summary>
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] // a call inside the loops would empty the registers
        get => V.Lanes == 16 ? 8 : 4;
    }

    /// <summary>Columns of a tile.</summary>
    public static int Columns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * V.Lanes;
    }

    /// <summary>c = a·b. Tiles whose columns lie outside the span of their rows keep their old content: nobody reads it.</summary>
    /// <param name="rows">Rows of a and c; whole tiles are computed.</param>
    /// <param name="columns">Columns of b and c: those of one vector, or of whole tiles.</param>
    /// <param name="k">Columns of a, which are adjacent, and rows of b.</param>
    /// <param name="spans">For each <see cref="Rows"/> rows, the columns that are wanted.</param>
    /// <param name="a">Left factor.</param>
    /// <param name="aRow">Distance of its rows.</param>
    /// <param name="b">Right factor, rows <paramref name="step"/> apart.</param>
    /// <param name="c">Product, rows <paramref name="step"/> apart.</param>
    /// <param name="step">Distance of the rows of b and of c.</param>
    public static void Multiply(int rows, int columns, int k, Span16* spans, float* a, nint aRow, float* b, float* c, nint step)
    {
        int across = Math.Min(columns, Columns);
        for (int column = 0; column < columns; column += across)
            for (int row = 0; row < rows; row += Rows)
            {
                Span16 span = spans[row / Rows];
                if (span.IsEmpty || span.First >= column + across || span.End <= column) continue;
                float* to = c + row * step + column;
                if (across == V.Lanes) OneVector(k, a + row * aRow, aRow, b + column, step, to, step);
                else TwoVectors(k, a + row * aRow, aRow, 1, b + column, step, to, step, add: false);
            }
    }

    /// <summary>c += a·b, where each row of c takes only the steps of its span.</summary>
    /// <param name="rows">Rows of a and c; whole tiles are computed.</param>
    /// <param name="columns">Columns of b and c; whole tiles are computed.</param>
    /// <param name="spans">For each <see cref="Rows"/> rows, the steps that do not add zero.</param>
    /// <param name="a">Left factor: row r, step k at a[r · aRow + k · aStep].</param>
    /// <param name="aRow">Distance of its rows.</param>
    /// <param name="aStep">Distance of its columns.</param>
    /// <param name="b">Right factor.</param>
    /// <param name="bStep">Distance of its rows.</param>
    /// <param name="c">Sums.</param>
    /// <param name="cRow">Distance of their rows.</param>
    public static void Accumulate(int rows, int columns, Span16* spans, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow)
    {
        for (int column = 0; column < columns; column += Columns)
            for (int row = 0; row < rows; row += Rows)
            {
                Span16 span = spans[row / Rows];
                if (span.IsEmpty) continue;
                TwoVectors(
                    span.End - span.First, a + row * aRow + span.First * aStep, aRow, aStep, b + span.First * bStep + column, bStep,
                    c + row * cRow + column, cRow, add: true);
            }
    }

    // All sums must be locals of their own to live in registers; the compiler drops the branches on Rows, which is a constant to it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoVectors(nint k, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow, bool add)
    {
        int lanes = V.Lanes;
        V c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        V c40 = default, c41 = default, c50 = default, c51 = default, c60 = default, c61 = default, c70 = default, c71 = default;
        if (add)
        {
            float* from = c;
            c00 = V.Load(from);
            c01 = V.Load(from + lanes);
            from += cRow;
            c10 = V.Load(from);
            c11 = V.Load(from + lanes);
            from += cRow;
            c20 = V.Load(from);
            c21 = V.Load(from + lanes);
            from += cRow;
            c30 = V.Load(from);
            c31 = V.Load(from + lanes);
            if (Rows == 8)
            {
                from += cRow;
                c40 = V.Load(from);
                c41 = V.Load(from + lanes);
                from += cRow;
                c50 = V.Load(from);
                c51 = V.Load(from + lanes);
                from += cRow;
                c60 = V.Load(from);
                c61 = V.Load(from + lanes);
                from += cRow;
                c70 = V.Load(from);
                c71 = V.Load(from + lanes);
            }
        }
        float* a4 = a + 4 * aRow;
        nint aRow2 = 2 * aRow, aRow3 = 3 * aRow;
        for (; k > 0; k--)
        {
            V b0 = V.Load(b), b1 = V.Load(b + lanes), x;
            { x = V.BroadcastAt(a); V.AddProduct(x, b0, ref c00); V.AddProduct(x, b1, ref c01); }
            { x = V.BroadcastAt(a + aRow); V.AddProduct(x, b0, ref c10); V.AddProduct(x, b1, ref c11); }
            { x = V.BroadcastAt(a + aRow2); V.AddProduct(x, b0, ref c20); V.AddProduct(x, b1, ref c21); }
            { x = V.BroadcastAt(a + aRow3); V.AddProduct(x, b0, ref c30); V.AddProduct(x, b1, ref c31); }
            if (Rows == 8)
            {
                { x = V.BroadcastAt(a4); V.AddProduct(x, b0, ref c40); V.AddProduct(x, b1, ref c41); }
                { x = V.BroadcastAt(a4 + aRow); V.AddProduct(x, b0, ref c50); V.AddProduct(x, b1, ref c51); }
                { x = V.BroadcastAt(a4 + aRow2); V.AddProduct(x, b0, ref c60); V.AddProduct(x, b1, ref c61); }
                { x = V.BroadcastAt(a4 + aRow3); V.AddProduct(x, b0, ref c70); V.AddProduct(x, b1, ref c71); }
                a4 += aStep;
            }
            a += aStep;
            b += bStep;
        }
        { V.Store(c, 0, c00); V.Store(c + lanes, 0, c01); c += cRow; }
        { V.Store(c, 0, c10); V.Store(c + lanes, 0, c11); c += cRow; }
        { V.Store(c, 0, c20); V.Store(c + lanes, 0, c21); c += cRow; }
        { V.Store(c, 0, c30); V.Store(c + lanes, 0, c31); c += cRow; }
        if (Rows != 8) return;
        { V.Store(c, 0, c40); V.Store(c + lanes, 0, c41); c += cRow; }
        { V.Store(c, 0, c50); V.Store(c + lanes, 0, c51); c += cRow; }
        { V.Store(c, 0, c60); V.Store(c + lanes, 0, c61); c += cRow; }
        { V.Store(c, 0, c70); V.Store(c + lanes, 0, c71); }
    }

    // The same for one vector across, columns of a adjacent: the few queries of a decoding step.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneVector(nint k, float* a, nint aRow, float* b, nint bStep, float* c, nint cRow)
    {
        V c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default, c6 = default, c7 = default;
        float* a4 = a + 4 * aRow;
        nint aRow2 = 2 * aRow, aRow3 = 3 * aRow;
        for (; k > 0; k--)
        {
            V b0 = V.Load(b);
            V.AddProduct(V.BroadcastAt(a), b0, ref c0);
            V.AddProduct(V.BroadcastAt(a + aRow), b0, ref c1);
            V.AddProduct(V.BroadcastAt(a + aRow2), b0, ref c2);
            V.AddProduct(V.BroadcastAt(a + aRow3), b0, ref c3);
            if (Rows == 8)
            {
                V.AddProduct(V.BroadcastAt(a4), b0, ref c4);
                V.AddProduct(V.BroadcastAt(a4 + aRow), b0, ref c5);
                V.AddProduct(V.BroadcastAt(a4 + aRow2), b0, ref c6);
                V.AddProduct(V.BroadcastAt(a4 + aRow3), b0, ref c7);
                a4++;
            }
            a++;
            b += bStep;
        }
        V.Store(c, 0, c0);
        V.Store(c + cRow, 0, c1);
        V.Store(c + 2 * cRow, 0, c2);
        V.Store(c + 3 * cRow, 0, c3);
        if (Rows != 8) return;
        c += 4 * cRow;
        V.Store(c, 0, c4);
        V.Store(c + cRow, 0, c5);
        V.Store(c + 2 * cRow, 0, c6);
        V.Store(c + 3 * cRow, 0, c7);
    }
}
