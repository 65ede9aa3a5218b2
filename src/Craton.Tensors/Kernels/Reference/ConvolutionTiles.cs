using System.Numerics;

namespace Craton.Tensors.Kernels;

// Convolutions by minimal filtering, tile after tile: see TileGrid for the matrices.
internal unsafe partial class ReferenceKernels
{
    private const int TileProducts = TileGrid.Products;

    // Y = Aᵀ [Σ over channels of (G g Gᵀ) ⊙ (Bᵀ d B)] A
    private static void ConvolveTiles<T>(Tensor x, Tensor weight, Tensor? bias, Tensor y, in ConvolutionShape shape, bool isTransposed, bool add)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var ys = new Elements<T>(y);
        TileGrid grid = TileGrid.Of(shape);
        var filters = new T[shape.Filters, shape.Channels, TileProducts];
        for (int f = 0; f < shape.Filters; f++)
            for (int c = 0; c < shape.Channels; c++) Put(filters, f, c, FilterTile<T>(weight, f, c, isTransposed));
        var source = new T[1, shape.Channels, TileProducts];
        var sums = new T[TileProducts];
        for (int tile = 0; tile < grid.Count; tile++)
        {
            (int n, int row, int column) = grid.Locate(tile);
            for (int c = 0; c < shape.Channels; c++) Put(source, 0, c, SourceTile<T>(x, shape, n, c, row, column));
            for (int f = 0; f < shape.Filters; f++)
            {
                Array.Clear(sums);
                for (int c = 0; c < shape.Channels; c++)
                    for (int i = 0; i < TileProducts; i++) sums[i] = T.FusedMultiplyAdd(filters[f, c, i], source[0, c, i], sums[i]);
                T[] results = ResultTile(sums);
                for (int r = 2 * row; r < Math.Min(2 * row + 2, shape.Rows.Places); r++)
                    for (int s = 2 * column; s < Math.Min(2 * column + 2, shape.Columns.Places); s++)
                    {
                        T value = results[r % 2 * 2 + s % 2];
                        if (bias is not null) value = new Elements<T>(bias)[f] + value;
                        ys[n, f, r, s] = add ? ys[n, f, r, s] + value : value;
                    }
            }
        }
    }

    // dg = Gᵀ [Σ over tiles of (A dY Aᵀ) ⊙ (Bᵀ d B)] G
    private static void ConvolveWeightTiles<T>(Tensor x, Tensor dy, Tensor dw, in ConvolutionShape shape, bool add)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var dws = new Elements<T>(dw);
        TileGrid grid = TileGrid.Of(shape);
        var source = new T[grid.Count, shape.Channels, TileProducts];
        var gradients = new T[grid.Count, shape.Filters, TileProducts];
        for (int tile = 0; tile < grid.Count; tile++)
        {
            (int n, int row, int column) = grid.Locate(tile);
            for (int c = 0; c < shape.Channels; c++) Put(source, tile, c, SourceTile<T>(x, shape, n, c, row, column));
            for (int f = 0; f < shape.Filters; f++) Put(gradients, tile, f, GradientTile<T>(dy, shape, n, f, row, column));
        }
        var sums = new T[TileProducts];
        for (int f = 0; f < shape.Filters; f++)
            for (int c = 0; c < shape.Channels; c++)
            {
                Array.Clear(sums);
                for (int tile = 0; tile < grid.Count; tile++)
                    for (int i = 0; i < TileProducts; i++) sums[i] = T.FusedMultiplyAdd(gradients[tile, f, i], source[tile, c, i], sums[i]);
                T[] weights = WeightTile(sums);
                for (int t = 0; t < 3; t++)
                    for (int u = 0; u < 3; u++) dws[f, c, t, u] = add ? dws[f, c, t, u] + weights[3 * t + u] : weights[3 * t + u];
            }
    }

    private static void Put<T>(T[,,] to, int i, int j, T[] tile)
    {
        for (int k = 0; k < tile.Length; k++) to[i, j, k] = tile[k];
    }

    private static T[] FilterTile<T>(Tensor weight, int filter, int channel, bool isTransposed) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var ws = new Elements<T>(weight);
        var taps = new T[9];
        for (int t = 0; t < 3; t++)
            for (int u = 0; u < 3; u++) taps[3 * t + u] = isTransposed ? ws[channel, filter, 2 - t, 2 - u] : ws[filter, channel, t, u];
        T half = T.CreateChecked(0.5);
        return Columns(Rows(taps, 3, Filter), 4, Filter);

        T[] Filter(T[] g) => [g[0], (g[0] + g[2]) * half + g[1] * half, (g[0] + g[2]) * half - g[1] * half, g[2]];
    }

    private static T[] SourceTile<T>(Tensor x, in ConvolutionShape shape, int n, int c, int row, int column) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = new Elements<T>(x);
        var values = new T[TileProducts];
        for (int t = 0; t < 4; t++)
            for (int u = 0; u < 4; u++)
                if (shape.Rows.Meets(2 * row, t, out int i) & shape.Columns.Meets(2 * column, u, out int j)) values[4 * t + u] = xs[n, c, i, j];
        return Columns(Rows(values, 4, Source), 4, Source);

        static T[] Source(T[] d) => [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]];
    }

    private static T[] GradientTile<T>(Tensor dy, in ConvolutionShape shape, int n, int f, int row, int column) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var dys = new Elements<T>(dy);
        var values = new T[4];
        for (int r = 2 * row; r < Math.Min(2 * row + 2, shape.Rows.Places); r++)
            for (int s = 2 * column; s < Math.Min(2 * column + 2, shape.Columns.Places); s++) values[r % 2 * 2 + s % 2] = dys[n, f, r, s];
        return Columns(Rows(values, 2, Gradient), 4, Gradient);

        static T[] Gradient(T[] y) => [y[0], y[0] + y[1], y[0] - y[1], -y[1]];
    }

    private static T[] ResultTile<T>(T[] sums) where T : unmanaged, IFloatingPointIeee754<T>
    {
        return Rows(Columns(sums, 4, Result), 2, Result);

        static T[] Result(T[] m) => [m[0] + m[1] + m[2], m[1] - m[2] - m[3]];
    }

    private static T[] WeightTile<T>(T[] sums) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T half = T.CreateChecked(0.5);
        return Rows(Columns(sums, 4, Weight), 3, Weight);

        T[] Weight(T[] u) => [u[0] + (u[1] + u[2]) * half, (u[1] - u[2]) * half, (u[1] + u[2]) * half + u[3]];
    }

    // Transforms each of some rows.
    private static T[] Rows<T>(T[] matrix, int rows, Func<T[], T[]> transform)
    {
        int columns = matrix.Length / rows;
        return [.. Enumerable.Range(0, rows).SelectMany(i => transform(matrix[(i * columns)..((i + 1) * columns)]))];
    }

    // Transforms each of some columns.
    private static T[] Columns<T>(T[] matrix, int columns, Func<T[], T[]> transform)
    {
        T[][] transformed = [.. Enumerable.Range(0, columns).Select(j => transform([.. Enumerable.Range(0, matrix.Length / columns).Select(i => matrix[i * columns + j])]))];
        return [.. Enumerable.Range(0, transformed[0].Length).SelectMany(i => transformed.Select(column => column[i]))];
    }
}
