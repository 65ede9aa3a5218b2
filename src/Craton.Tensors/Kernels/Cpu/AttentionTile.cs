using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Numbers [First, End) of the rows of a factor that matter; none when End is not above First.</summary>
internal readonly record struct Span16(short First, short End)
{
    public bool IsEmpty => End <= First;
}

/// <summary>How the left factor of a small product lies, known to the compiler.</summary>
internal interface ITileFactor
{
    /// <summary>Its rows lie side by side, else its columns.</summary>
    static abstract bool HasAdjacentRows { get; }
}

internal readonly struct AdjacentRows : ITileFactor { public static bool HasAdjacentRows => true; }
internal readonly struct AdjacentColumns : ITileFactor { public static bool HasAdjacentRows => false; }

/// <summary>Vectors across a tile, known to the compiler.</summary>
internal interface ITileWidth
{
    static abstract bool IsPair { get; }
}

internal readonly struct SingleVector : ITileWidth { public static bool IsPair => false; }
internal readonly struct VectorPair : ITileWidth { public static bool IsPair => true; }

/// <summary>
/// Products of the small matrices of attention. Unlike the tiles of <see cref="Gemm"/>, both the rows and the columns of the left factor may be
/// adjacent, so that one copy of the weights serves as P and as Pᵀ, and steps that are known to add nothing are left out. As there, every element
/// is one chain of fused multiply-adds over k in order, its column in one lane.
/// </summary>
internal static unsafe class AttentionTile<V> where V : struct, IVec<V>
{
    /// <summary>Rows of a tile: with two vectors across, as many sums as the registers hold beside the factors.</summary>
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] // a call inside the loops would empty the registers
        get => V.Lanes == 16 ? 8 : 6;
    }

    /// <summary>Columns of a tile.</summary>
    public static int Columns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * V.Lanes;
    }

    /// <summary>Rows that tiles compute of <paramref name="rows"/>: never more than the next multiple of 8.</summary>
    public static int Computed(int rows)
    {
        int rest = rows % Rows;
        return rest == 0 ? rows : rows - rest + Height(rest);
    }

    // Rows of the tile that has this many left to compute.
    private static int Height(int rows) => rows <= 4 && Rows == 6 ? 4 : Rows;

    /// <summary>c = a·b. Tiles whose columns lie outside the span of their rows keep their old content: nobody reads it.</summary>
    /// <param name="rows">Rows of a and c; <see cref="Computed"/> are.</param>
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
                if (across == V.Lanes) Run<AdjacentColumns, SingleVector>(rows - row, k, a + row * aRow, aRow, b + column, step, to, step, add: false);
                else Run<AdjacentColumns, VectorPair>(rows - row, k, a + row * aRow, aRow, b + column, step, to, step, add: false);
            }
    }

    /// <summary>c += a·b, where each row of c takes only the steps of its span.</summary>
    /// <typeparam name="TFactor">How a lies.</typeparam>
    /// <param name="rows">Rows of a and c; <see cref="Computed"/> are.</param>
    /// <param name="columns">Columns of b and c; whole tiles are computed.</param>
    /// <param name="spans">For each <see cref="Rows"/> rows, the steps that do not add zero.</param>
    /// <param name="a">Left factor.</param>
    /// <param name="aDistance">Distance of those of its rows or columns that are not adjacent.</param>
    /// <param name="b">Right factor.</param>
    /// <param name="bStep">Distance of its rows.</param>
    /// <param name="c">Sums.</param>
    /// <param name="cRow">Distance of their rows.</param>
    public static void Accumulate<TFactor>(int rows, int columns, Span16* spans, float* a, nint aDistance, float* b, nint bStep, float* c, nint cRow)
        where TFactor : struct, ITileFactor
    {
        nint aRow = TFactor.HasAdjacentRows ? 1 : aDistance, aStep = TFactor.HasAdjacentRows ? aDistance : 1;
        for (int column = 0; column < columns; column += Columns)
            for (int row = 0; row < rows; row += Rows)
            {
                Span16 span = spans[row / Rows];
                if (span.IsEmpty) continue;
                Run<TFactor, VectorPair>(
                    rows - row, span.End - span.First, a + row * aRow + span.First * aStep, aDistance, b + span.First * bStep + column, bStep,
                    c + row * cRow + column, cRow, add: true);
            }
    }

    private static void Run<TFactor, TWidth>(int rows, nint k, float* a, nint aDistance, float* b, nint bStep, float* c, nint cRow, bool add)
        where TFactor : struct, ITileFactor
        where TWidth : struct, ITileWidth
    {
        if (Rows == 8) Tile<Rows8, TFactor, TWidth>(k, a, aDistance, b, bStep, c, cRow, add);
        else if (Height(rows) == 4) Tile<Rows4, TFactor, TWidth>(k, a, aDistance, b, bStep, c, cRow, add);
        else Tile<Rows6, TFactor, TWidth>(k, a, aDistance, b, bStep, c, cRow, add);
    }

    // All sums must be locals of their own to live in registers; the compiler drops the lines beyond TRows.Count, which is a constant to it.
    // Two steps a turn.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TRows, TFactor, TWidth>(nint k, float* a, nint aDistance, float* b, nint bStep, float* c, nint cRow, bool add)
        where TRows : struct, ITileRows
        where TFactor : struct, ITileFactor
        where TWidth : struct, ITileWidth
    {
        V c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        V c40 = default, c41 = default, c50 = default, c51 = default, c60 = default, c61 = default, c70 = default, c71 = default;
        if (add)
        {
            Load<TWidth>(c, out c00, out c01);
            Load<TWidth>(c + cRow, out c10, out c11);
            Load<TWidth>(c + 2 * cRow, out c20, out c21);
            Load<TWidth>(c + 3 * cRow, out c30, out c31);
            if (TRows.Count > 4) { Load<TWidth>(c + 4 * cRow, out c40, out c41); Load<TWidth>(c + 5 * cRow, out c50, out c51); }
            if (TRows.Count > 6) { Load<TWidth>(c + 6 * cRow, out c60, out c61); Load<TWidth>(c + 7 * cRow, out c70, out c71); }
        }
        nint second = TFactor.HasAdjacentRows ? aDistance : 1, row2 = 2 * aDistance, row3 = 3 * aDistance;
        float* a4 = a + (4 * aDistance), end = b + ((k & ~1) * bStep);
        for (; b < end; a += 2 * second, a4 += 2 * second, b += 2 * bStep)
        {
            Step<TRows, TFactor, TWidth>(a, a4, 0, aDistance, row2, row3, b,
                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51, ref c60, ref c61, ref c70, ref c71);
            Step<TRows, TFactor, TWidth>(a, a4, second, aDistance, row2, row3, b + bStep,
                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51, ref c60, ref c61, ref c70, ref c71);
        }
        if ((k & 1) != 0)
            Step<TRows, TFactor, TWidth>(a, a4, 0, aDistance, row2, row3, b,
                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51, ref c60, ref c61, ref c70, ref c71);
        Store<TWidth>(c, c00, c01);
        Store<TWidth>(c + cRow, c10, c11);
        Store<TWidth>(c + 2 * cRow, c20, c21);
        Store<TWidth>(c + 3 * cRow, c30, c31);
        if (TRows.Count > 4) { Store<TWidth>(c + 4 * cRow, c40, c41); Store<TWidth>(c + 5 * cRow, c50, c51); }
        if (TRows.Count > 6) { Store<TWidth>(c + 6 * cRow, c60, c61); Store<TWidth>(c + 7 * cRow, c70, c71); }
    }

    // One step; a + at is its column of A, a4 + at that of the rows from the fifth on, where rows are not adjacent.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TRows, TFactor, TWidth>(
        float* a, float* a4, nint at, nint row, nint row2, nint row3, float* b, ref V c00, ref V c01, ref V c10, ref V c11, ref V c20, ref V c21, ref V c30, ref V c31,
        ref V c40, ref V c41, ref V c50, ref V c51, ref V c60, ref V c61, ref V c70, ref V c71)
        where TRows : struct, ITileRows
        where TFactor : struct, ITileFactor
        where TWidth : struct, ITileWidth
    {
        bool adjacent = TFactor.HasAdjacentRows;
        V b0 = V.Load(b), b1 = TWidth.IsPair ? V.Load(b + V.Lanes) : default;
        Row<TWidth>(a + at, b0, b1, ref c00, ref c01);
        Row<TWidth>(adjacent ? a + at + 1 : a + row + at, b0, b1, ref c10, ref c11);
        Row<TWidth>(adjacent ? a + at + 2 : a + row2 + at, b0, b1, ref c20, ref c21);
        Row<TWidth>(adjacent ? a + at + 3 : a + row3 + at, b0, b1, ref c30, ref c31);
        if (TRows.Count > 4)
        {
            Row<TWidth>(adjacent ? a + at + 4 : a4 + at, b0, b1, ref c40, ref c41);
            Row<TWidth>(adjacent ? a + at + 5 : a4 + row + at, b0, b1, ref c50, ref c51);
        }
        if (TRows.Count > 6)
        {
            Row<TWidth>(adjacent ? a + at + 6 : a4 + row2 + at, b0, b1, ref c60, ref c61);
            Row<TWidth>(adjacent ? a + at + 7 : a4 + row3 + at, b0, b1, ref c70, ref c71);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row<TWidth>(float* a, V b0, V b1, ref V c0, ref V c1) where TWidth : struct, ITileWidth
    {
        V x = V.BroadcastAt(a);
        V.AddProduct(x, b0, ref c0);
        if (TWidth.IsPair) V.AddProduct(x, b1, ref c1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load<TWidth>(float* from, out V c0, out V c1) where TWidth : struct, ITileWidth =>
        (c0, c1) = (V.Load(from), TWidth.IsPair ? V.Load(from + V.Lanes) : default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TWidth>(float* to, V c0, V c1) where TWidth : struct, ITileWidth
    {
        V.Store(to, 0, c0);
        if (TWidth.IsPair) V.Store(to + V.Lanes, 0, c1);
    }
}
