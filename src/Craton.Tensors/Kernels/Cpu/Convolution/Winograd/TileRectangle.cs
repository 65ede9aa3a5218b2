using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// Computes some filters × some tiles by minimal filtering (see <see cref="TileGrid"/>), alone, with scratch memory of its thread. For each few
/// panels of tiles: transform what they read; for each of the 16 elements run the register tiles over the channels; transform the sums.
/// </summary>
internal unsafe ref struct TileRectangle<V> where V : struct, IVec<V>
{
    // A panel of tiles takes at most 48 KB of the first-level cache.
    private const int StepsPerBlock = 384;

    private static int Width => PackedMatrix.PanelColumns;

    // Elements of a filter's sums over a panel of tiles, [product][tile]; the rest lets neighbours fall on other lines of the cache.
    private static int SumsRow => (TileGrid.Products * Width) + 16;

    // Transformed values and sums in progress, so many that they stay in the second-level cache.
    private const int ElementsAtOnce = 1 << 18;

    private readonly ConvolutionProblem _problem;
    private readonly TileFilters<V> _filters;
    private readonly TileGrid _grid;
    private readonly int _firstPanel, _endPanel, _firstFilter, _filterCount, _firstTile, _endTile, _tilesAtOnce, _panelSize;
    private readonly nint _product;
    private readonly float* _panels, _sums, _results, _zeros;
    private TileSource<V> _source;

    public TileRectangle(in ConvolutionProblem problem, in TileFilters<V> filters, GemmRange range)
    {
        (_problem, _filters, _grid) = (problem, filters, TileGrid.Of(problem.Shape));
        // Filters are cut where their panels begin.
        (_firstPanel, _endPanel) = (Panel(range.Row), Panel(range.Row + range.Rows));
        _firstFilter = filters.First(_firstPanel);
        _filterCount = filters.First(_endPanel) - _firstFilter;
        (_firstTile, _endTile) = (range.Column, range.Column + range.Columns);
        _tilesAtOnce = TilesAtOnce(problem.Shape, range.Columns);
        _panelSize = (problem.Shape.Channels * Width) + TilePiece.MostLength;
        int panels = _tilesAtOnce / Width;
        _product = (nint)panels * _panelSize;
        long sizePanels = TileGrid.Products * _product, sizeSums = (long)panels * _filterCount * SumsRow;
        long sizePlanes = TileSource<V>.Size(_grid, _tilesAtOnce), sizeFloats = (sizePanels + sizeSums + sizePlanes + (5 * Width) + 15) & ~15L;
        int rows = TileSource<V>.Rows(_grid, _tilesAtOnce), pieces = TileSource<V>.Pieces(_grid, _tilesAtOnce);
        _panels = (float*)WorkerScratch.Rent((sizeFloats * sizeof(float)) + (rows * sizeof(nint)) + (pieces * sizeof(TilePiece)));
        _sums = _panels + sizePanels;
        _results = _sums + sizeSums;
        _zeros = _results + (4 * Width);
        var place = (float**)(_panels + sizeFloats);
        _source = new TileSource<V>(problem, _tilesAtOnce, _zeros + Width, place, new Span<TilePiece>(place + rows, pieces));
        new Span<float>(_zeros, Width).Clear();
    }

    private readonly int Panel(int row) => (int)((((long)row * _filters.Panels) + _problem.Shape.Filters - 1) / _problem.Shape.Filters);

    private static int TilesAtOnce(in ConvolutionShape shape, int tiles)
    {
        int panels = ElementsAtOnce / (TileGrid.Products * Width * (shape.Channels + shape.Filters));
        return Math.Clamp(panels, 1, (tiles + Width - 1) / Width) * Width;
    }

    public void Compute()
    {
        if (_firstPanel == _endPanel) return;
        for (int tile = _firstTile; tile < _endTile; tile += _tilesAtOnce)
        {
            int count = Math.Min(_tilesAtOnce, _endTile - tile), panels = (count + Width - 1) / Width;
            _source.Begin(tile, count, _panelSize);
            if (count < panels * Width) ClearPanel(panels - 1);
            for (int c = 0; c < _problem.Shape.Channels; c++) _source.Transform(c, _panels, _product);
            for (int product = 0; product < TileGrid.Products; product++)
                for (int panel = 0; panel < panels; panel++) Multiply(product, panel);
            WriteResults();
        }
    }

    // What lies in memory by chance may be subnormal numbers, with which products are slow.
    private readonly void ClearPanel(int panel)
    {
        for (int product = 0; product < TileGrid.Products; product++)
            new Span<float>(_panels + (product * _product) + ((nint)panel * _panelSize), _panelSize).Clear();
    }

    private readonly void Multiply(int product, int panel)
    {
        float* b = _panels + (product * _product) + ((nint)panel * _panelSize), sums = _sums + ((nint)panel * _filterCount * SumsRow) + (product * Width);
        for (int c = 0; c < _problem.Shape.Channels; c += StepsPerBlock)
        {
            int steps = Math.Min(StepsPerBlock, _problem.Shape.Channels - c);
            for (int column = 0; column < Width; column += 2 * V.Lanes)
                for (int filters = _firstPanel; filters < _endPanel; filters++)
                {
                    int first = _filters.First(filters), rows = _filters.First(filters + 1) - first;
                    float* to = sums + ((nint)(first - _firstFilter) * SumsRow) + column;
                    GemmTiles<V>.Run(
                        rows, steps, _filters.At(product, filters) + ((nint)c * rows), b + ((nint)c * Width) + column, Width, 0,
                        c == 0 ? _zeros : to, c == 0 ? 0 : SumsRow, to, SumsRow);
                }
        }
    }

    private readonly void WriteResults()
    {
        ReadOnlySpan<TilePiece> pieces = _source.Current;
        for (int panel = 0, end; !pieces.IsEmpty; panel++, pieces = pieces[end..])
        {
            end = 0;
            while (end < pieces.Length && pieces[end].To < (panel + 1) * _panelSize) end++;
            for (int f = 0; f < _filterCount; f++)
            {
                Transform(_sums + ((((nint)panel * _filterCount) + f) * SumsRow), _problem.Bias == null ? null : _problem.Bias + _firstFilter + f);
                foreach (TilePiece piece in pieces[..end]) Write(piece, _firstFilter + f, piece.To - (panel * _panelSize));
            }
        }
    }

    // Aᵀ m A of all tiles of a panel, and the bias: [row][column][tile].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Transform(float* sums, float* bias)
    {
        for (int i = 0; i < Width; i += V.Lanes)
        {
            (V a0, V b0) = DownColumn(sums + i);
            (V a1, V b1) = DownColumn(sums + i + Width);
            (V a2, V b2) = DownColumn(sums + i + (2 * Width));
            (V a3, V b3) = DownColumn(sums + i + (3 * Width));
            (a0, a1) = (a0 + a1 + a2, a1 - a2 - a3);
            (b0, b1) = (b0 + b1 + b2, b1 - b2 - b3);
            if (bias != null)
            {
                V start = V.BroadcastAt(bias);
                (a0, a1, b0, b1) = (start + a0, start + a1, start + b0, start + b1);
            }
            V.Store(_results + i, 0, a0);
            V.Store(_results + i + Width, 0, a1);
            V.Store(_results + i + (2 * Width), 0, b0);
            V.Store(_results + i + (3 * Width), 0, b1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V First, V Second) DownColumn(float* sums)
    {
        int row = 4 * Width;
        V m0 = V.Load(sums), m1 = V.Load(sums + row), m2 = V.Load(sums + (2 * row)), m3 = V.Load(sums + (3 * row));
        return (m0 + m1 + m2, m1 - m2 - m3);
    }

    private readonly void Write(in TilePiece piece, int filter, int at)
    {
        int row = 2 * piece.Row, column = 2 * piece.Column, count = Math.Min(2 * piece.Length, _problem.Shape.Columns.Places - column);
        float* to = _problem.Target.At(piece.Image, filter, row, column), from = _results + at;
        // Where the filter after the next writes.
        CacheLines.Fetch(to + (2 * _problem.Target.Channel));
        CacheLines.Fetch(to + (2 * _problem.Target.Channel) + _problem.Target.Row);
        WriteRow(from, count, to);
        if (row + 1 < _problem.Shape.Rows.Places) WriteRow(from + (2 * Width), count, to + _problem.Target.Row);
    }

    private readonly void WriteRow(float* from, int count, float* to)
    {
        if (!_problem.Add)
        {
            PixelPairs.Join(from, from + Width, count, to);
            return;
        }
        float* row = stackalloc float[2 * TilePiece.MostLength];
        PixelPairs.Join(from, from + Width, count, row);
        RowSum.Add(to, row, count);
    }
}
