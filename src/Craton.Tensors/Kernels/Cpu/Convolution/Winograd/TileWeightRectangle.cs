using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// Computes the gradient of some filters × some channels by minimal filtering (see <see cref="TileGrid"/>), alone, with scratch memory of its
/// thread. For each block of both, for each few rows of tiles, over which the sums run: copy what they read, channels side by side, and
/// transform it into panels, channels across the lanes; the same with dy; run the register tiles of each of the 16 elements.
/// </summary>
internal unsafe ref struct TileWeightRectangle<V> where V : struct, IVec<V>
{
    private const int Products = TileGrid.Products, Taps = 9, Slack = 16;

    private static int Width => PackedMatrix.PanelColumns;

    // The sums of a block of filters and channels take at most 1 MB; panels hold about so many tiles at a time.
    private const int SideOfBlock = 128, TilesAtOnce = 64;

    private readonly WeightProblem _problem;
    private readonly TileGrid _grid;
    private readonly GemmRange _range;
    private readonly int _rowsAtOnce, _mostTiles;
    private readonly ConvolutionShape _sourceShape, _gradientShape; // with whole tiles
    private readonly float* _sums, _sourcePanels, _gradientPanels, _weights;
    private readonly nint* _places;
    private readonly ChannelsLast _source, _gradient;

    // The block in progress.
    private GemmRange _block;
    private int _panels;       // of filters
    private int _columns;      // channels of whole panels

    public TileWeightRectangle(in WeightProblem problem, GemmRange range)
    {
        (_problem, _range, _grid) = (problem, range, TileGrid.Of(problem.Shape));
        ConvolutionAxis rows = problem.Shape.Rows with { Places = 2 * _grid.Rows }, columns = problem.Shape.Columns with { Places = 2 * _grid.Columns };
        _sourceShape = problem.Shape with { Rows = rows, Columns = columns };
        _gradientShape = problem.Shape with
        {
            Rows = new ConvolutionAxis(problem.Shape.Rows.Places, rows.Places, 1),
            Columns = new ConvolutionAxis(problem.Shape.Columns.Places, columns.Places, 1),
        };
        _rowsAtOnce = Math.Clamp(TilesAtOnce / _grid.Columns, 1, _grid.Images * _grid.Rows);
        _mostTiles = _rowsAtOnce * _grid.Columns;
        int filters = Math.Min(SideOfBlock, range.Rows), channels = Whole(Math.Min(SideOfBlock, range.Columns)), places = 4 * _mostTiles;
        long sizeSums = (long)Products * filters * channels, sizeWeights = ((Taps + Taps) * (long)channels) + Slack;
        long sizeSourcePanels = Products * SourceProduct(channels), sizeGradientPanels = Products * GradientProduct(filters);
        long sizeSource = ChannelsLast.Size(_sourceShape, channels, places) + Width, sizeGradient = ChannelsLast.Size(_gradientShape, filters, places) + Width;
        long size = (sizeSums + sizeWeights + sizeSourcePanels + sizeGradientPanels + sizeSource + sizeGradient + 15) & ~15L;
        _sums = (float*)WorkerScratch.Rent((size * sizeof(float)) + (2 * places * sizeof(nint)));
        _sourcePanels = _sums + sizeSums;
        _gradientPanels = _sourcePanels + sizeSourcePanels;
        _weights = _gradientPanels + sizeGradientPanels;
        float* copies = _weights + sizeWeights;
        _source = new ChannelsLast(_sourceShape, problem.Source, copies);
        _gradient = new ChannelsLast(_gradientShape, problem.Gradient, copies + sizeSource);
        _places = (nint*)(_sums + size);
    }

    private static int Whole(int channels) => (channels + Width - 1) / Width * Width;

    // Distances of the panels of one element from those of the next.
    private readonly nint SourceProduct(int channels) => ((nint)channels * _mostTiles) + Slack;

    private readonly nint GradientProduct(int filters) => ((nint)filters * _mostTiles) + (((filters / GemmTiles<V>.MostRows) + 1) * Slack);

    public void Compute()
    {
        int endRow = _range.Row + _range.Rows, endColumn = _range.Column + _range.Columns, total = _grid.Images * _grid.Rows;
        for (int row = _range.Row; row < endRow; row += SideOfBlock)
            for (int column = _range.Column; column < endColumn; column += SideOfBlock)
            {
                _block = new GemmRange(row, Math.Min(SideOfBlock, endRow - row), column, Math.Min(SideOfBlock, endColumn - column));
                _panels = (_block.Rows + GemmTiles<V>.MostRows - 1) / GemmTiles<V>.MostRows;
                _columns = Whole(_block.Columns);
                new Span<float>(_sums, Products * _block.Rows * _columns).Clear();
                if (_block.Columns < _columns) new Span<float>(_sourcePanels, (int)(Products * SourceProduct(_columns))).Clear();
                for (int tileRow = 0; tileRow < total; tileRow += _rowsAtOnce) AddRows(tileRow, Math.Min(_rowsAtOnce, total - tileRow));
                WriteWeights();
            }
    }

    private readonly void AddRows(int first, int count)
    {
        int places = 4 * count * _grid.Columns;
        _source.Fill(first * 4 * _grid.Columns, places, _block.Column, _block.Columns, _places);
        _gradient.Fill(first * 4 * _grid.Columns, places, _block.Row, _block.Rows, _places + places);
        for (int tile = 0; tile < count * _grid.Columns; tile++) TransformSource(_source.Start + _places[Place(tile)], tile);
        for (int panel = 0; panel < _panels; panel++) TransformGradients(count, panel, _places + places);
        for (int product = 0; product < Products; product++) Multiply(product, count * _grid.Columns);
    }

    // The first of the four places of a tile.
    private readonly int Place(int tile)
    {
        (int row, int column) = Math.DivRem(tile, _grid.Columns);
        return (4 * row * _grid.Columns) + (2 * column);
    }

    private readonly int Row(int panel) => (int)((long)_block.Rows * panel / _panels);

    private readonly float* GradientPanel(int product, int panel) =>
        _gradientPanels + (product * GradientProduct(_block.Rows)) + ((nint)Row(panel) * _mostTiles) + (panel * Slack);

    // Bᵀ d B of a tile: a row of each panel of channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void TransformSource(float* from, int tile)
    {
        nint pixel = _block.Columns, line = _source.Tap(1, 0, _block.Columns), product = SourceProduct(_columns);
        for (int c = 0; c < _block.Columns; c += V.Lanes)
        {
            (V x00, V x01, V x02, V x03) = AlongRow(from + c, pixel);
            (V x10, V x11, V x12, V x13) = AlongRow(from + c + line, pixel);
            (V x20, V x21, V x22, V x23) = AlongRow(from + c + (2 * line), pixel);
            (V x30, V x31, V x32, V x33) = AlongRow(from + c + (3 * line), pixel);
            float* to = _sourcePanels + (c / Width * Width * (nint)_mostTiles) + ((nint)tile * Width) + (c % Width);
            DownColumn(x00, x10, x20, x30, to, product);
            DownColumn(x01, x11, x21, x31, to + product, product);
            DownColumn(x02, x12, x22, x32, to + (2 * product), product);
            DownColumn(x03, x13, x23, x33, to + (3 * product), product);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V, V, V, V) AlongRow(float* from, nint pixel)
    {
        V x0 = V.Load(from), x1 = V.Load(from + pixel), x2 = V.Load(from + (2 * pixel)), x3 = V.Load(from + (3 * pixel));
        return (x0 - x2, x1 + x2, x2 - x1, x1 - x3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DownColumn(V x0, V x1, V x2, V x3, float* to, nint product)
    {
        CacheLines.FetchFour(to + Width, 4 * product);
        V.Store(to, 0, x0 - x2);
        V.Store(to + (4 * product), 0, x1 + x2);
        V.Store(to + (8 * product), 0, x2 - x1);
        V.Store(to + (12 * product), 0, x1 - x3);
    }

    // A dY Aᵀ of some rows of tiles: a panel of filters. What the last vector of a tile has too much, the next tile writes over.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void TransformGradients(int tileRows, int panel, nint* places)
    {
        int row = Row(panel), rows = Row(panel + 1) - row, width = _grid.Columns;
        float* from = _gradient.Start + row, to = GradientPanel(0, panel);
        nint pixel = _block.Rows, line = _gradient.Tap(1, 0, _block.Rows), product = GradientProduct(_block.Rows);
        for (int tileRow = 0; tileRow < tileRows; tileRow++)
            for (int column = 0; column < width; column++, to += rows)
            {
                float* at = from + places[(4 * tileRow * width) + (2 * column)];
                for (int f = 0; f < rows; f += V.Lanes) TransformGradient(at + f, pixel, line, to + f, product);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformGradient(float* from, nint pixel, nint line, float* to, nint product)
    {
        V a0 = V.Load(from), a1 = V.Load(from + pixel), b0 = V.Load(from + line), b1 = V.Load(from + line + pixel);
        DownColumn(a0, b0, to, product);
        DownColumn(a0 + a1, b0 + b1, to + product, product);
        DownColumn(a0 - a1, b0 - b1, to + (2 * product), product);
        DownColumn(-a1, -b1, to + (3 * product), product);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DownColumn(V x0, V x1, float* to, nint product)
    {
        CacheLines.FetchFour(to + Width, 4 * product);
        V.Store(to, 0, x0);
        V.Store(to + (4 * product), 0, x0 + x1);
        V.Store(to + (8 * product), 0, x0 - x1);
        V.Store(to + (12 * product), 0, -x1);
    }

    private readonly void Multiply(int product, int tiles)
    {
        float* source = _sourcePanels + (product * SourceProduct(_columns)), sums = _sums + ((nint)product * _block.Rows * _columns);
        for (int column = 0; column < _columns; column += 2 * V.Lanes)
        {
            float* b = source + (column / Width * Width * (nint)_mostTiles) + (column % Width);
            for (int panel = 0; panel < _panels; panel++)
            {
                int row = Row(panel);
                float* to = sums + ((nint)row * _columns) + column;
                GemmTiles<V>.Run(Row(panel + 1) - row, tiles, GradientPanel(product, panel), b, Width, 0, to, _columns, to, _columns);
            }
        }
    }

    private readonly void WriteWeights()
    {
        float* turned = _weights + (Taps * (nint)_columns);
        for (int f = 0; f < _block.Rows; f++)
        {
            Transform(_sums + ((nint)f * _columns));
            GemmPacking.Pack(_weights, _columns, 1, Taps, Taps, _block.Columns, turned);
            float* to = _problem.Target + ((((nint)_block.Row + f) * _problem.Shape.Channels) + _block.Column) * Taps;
            if (_problem.Add) RowSum.Add(to, turned, Taps * _block.Columns);
            else new Span<float>(turned, Taps * _block.Columns).CopyTo(new Span<float>(to, Taps * _block.Columns));
        }
    }

    // Gᵀ u G of all channels of a filter: [tap][channel].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Transform(float* sums)
    {
        nint product = (nint)_block.Rows * _columns;
        for (int c = 0; c < _block.Columns; c += V.Lanes)
        {
            (V a0, V b0, V c0) = DownColumn(sums + c, 4 * product);
            (V a1, V b1, V c1) = DownColumn(sums + c + product, 4 * product);
            (V a2, V b2, V c2) = DownColumn(sums + c + (2 * product), 4 * product);
            (V a3, V b3, V c3) = DownColumn(sums + c + (3 * product), 4 * product);
            float* to = _weights + c;
            Store(WeightsOf(a0, a1, a2, a3), to);
            Store(WeightsOf(b0, b1, b2, b3), to + (3 * _columns));
            Store(WeightsOf(c0, c1, c2, c3), to + (6 * _columns));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V, V, V) DownColumn(float* sums, nint row) =>
        WeightsOf(V.Load(sums), V.Load(sums + row), V.Load(sums + (2 * row)), V.Load(sums + (3 * row)));

    // Gᵀ u
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V, V, V) WeightsOf(V u0, V u1, V u2, V u3)
    {
        V half = V.Broadcast(0.5), sum = (u1 + u2) * half;
        return (u0 + sum, (u1 - u2) * half, sum + u3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Store((V, V, V) row, float* to)
    {
        V.Store(to, 0, row.Item1);
        V.Store(to + _columns, 0, row.Item2);
        V.Store(to + (2 * _columns), 0, row.Item3);
    }
}
