using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Where four vectors of adjacent places read through the first tap of the first channel.</summary>
internal readonly unsafe ref struct TapPlaces(float* first, float* second, float* third, float* fourth)
{
    public readonly float* First = first, Second = second, Third = third, Fourth = fourth;
}

/// <summary>
/// Tiles of so few filters that packing the patches would cost more than multiplying them: patches are read where they lie, tap by tap. Every
/// lane is one output's own chain of fused multiply-adds in the order of channels and taps, as in <see cref="GemmTiles{V}"/>.
/// </summary>
internal static unsafe class TapTiles<V> where V : struct, IVec<V>
{
    /// <summary>The most filters: with four vectors each, one of patches and one of weights, their sums fit into 16 registers.</summary>
    public const int MostRows = 3;

    /// <summary>Vectors across a tile.</summary>
    public const int VectorsAcross = 4;

    /// <summary>to = from + A·B for a tile of up to <see cref="MostRows"/> rows and <see cref="VectorsAcross"/> vectors.</summary>
    /// <param name="rows">Rows of the tile.</param>
    /// <param name="steps">Distance of what is read in each step from what is read in the first.</param>
    /// <param name="count">Number of steps.</param>
    /// <param name="a">Packed panel [step][row].</param>
    /// <param name="b">Where the first step reads.</param>
    /// <param name="from">Start values, rows <paramref name="fromStride"/> apart, and their vectors <paramref name="fromVector"/>: 0 for the same in all.</param>
    /// <param name="fromStride">Distance of rows of start values.</param>
    /// <param name="fromVector">Distance of vectors of start values.</param>
    /// <param name="to">Results, rows <paramref name="toStride"/> apart. May be the place of the start values.</param>
    /// <param name="toStride">Distance of rows of results.</param>
    public static void Run(int rows, nint* steps, int count, float* a, TapPlaces b, float* from, nint fromStride, nint fromVector, float* to, nint toStride)
    {
        switch (rows)
        {
            case 1: Run<Rows1>(steps, count, a, b, from, fromStride, fromVector, to, toStride); break;
            case 2: Run<Rows2>(steps, count, a, b, from, fromStride, fromVector, to, toStride); break;
            case 3: Run<Rows3>(steps, count, a, b, from, fromStride, fromVector, to, toStride); break;
            default: throw new ArgumentOutOfRangeException(nameof(rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TRows>(nint* steps, int count, float* a, TapPlaces b, float* from, nint fromStride, nint fromVector, float* to, nint toStride)
        where TRows : struct, ITileRows
    {
        float* b0 = b.First, b1 = b.Second, b2 = b.Third, b3 = b.Fourth;
        V c00 = V.Load(from), c01 = V.Load(from + fromVector), c02 = V.Load(from + (2 * fromVector)), c03 = V.Load(from + (3 * fromVector));
        V c10 = default, c11 = default, c12 = default, c13 = default, c20 = default, c21 = default, c22 = default, c23 = default;
        if (TRows.Count > 1)
        {
            from += fromStride;
            (c10, c11, c12, c13) = (V.Load(from), V.Load(from + fromVector), V.Load(from + (2 * fromVector)), V.Load(from + (3 * fromVector)));
        }
        if (TRows.Count > 2)
        {
            from += fromStride;
            (c20, c21, c22, c23) = (V.Load(from), V.Load(from + fromVector), V.Load(from + (2 * fromVector)), V.Load(from + (3 * fromVector)));
        }
        for (int k = 0; k < count; k++, a += TRows.Count)
        {
            nint step = steps[k];
            V x = V.BroadcastAt(a), y = TRows.Count > 1 ? V.BroadcastAt(a + 1) : default, z = TRows.Count > 2 ? V.BroadcastAt(a + 2) : default;
            V read = V.Load(b0 + step);
            V.AddProduct(x, read, ref c00);
            if (TRows.Count > 1) V.AddProduct(y, read, ref c10);
            if (TRows.Count > 2) V.AddProduct(z, read, ref c20);
            read = V.Load(b1 + step);
            V.AddProduct(x, read, ref c01);
            if (TRows.Count > 1) V.AddProduct(y, read, ref c11);
            if (TRows.Count > 2) V.AddProduct(z, read, ref c21);
            read = V.Load(b2 + step);
            V.AddProduct(x, read, ref c02);
            if (TRows.Count > 1) V.AddProduct(y, read, ref c12);
            if (TRows.Count > 2) V.AddProduct(z, read, ref c22);
            read = V.Load(b3 + step);
            V.AddProduct(x, read, ref c03);
            if (TRows.Count > 1) V.AddProduct(y, read, ref c13);
            if (TRows.Count > 2) V.AddProduct(z, read, ref c23);
        }
        Store(to, c00, c01, c02, c03);
        if (TRows.Count > 1) Store(to + toStride, c10, c11, c12, c13);
        if (TRows.Count > 2) Store(to + (2 * toStride), c20, c21, c22, c23);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, V first, V second, V third, V fourth)
    {
        V.Store(to, 0, first);
        V.Store(to + V.Lanes, 0, second);
        V.Store(to + (2 * V.Lanes), 0, third);
        V.Store(to + (3 * V.Lanes), 0, fourth);
    }
}
