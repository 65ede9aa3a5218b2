using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Adjacent tiles of one row that lie in one panel: where they read, where they lie in the panels, and which tiles they are.</summary>
internal readonly record struct TilePiece(int From, int To, int Length, int Image, int Row, int Column)
{
    /// <summary>The most tiles of a piece.</summary>
    public const int MostLength = 16;
}

/// <summary>
/// Bᵀ d B (see <see cref="TileGrid"/>) of some adjacent tiles, written as panels, for each of the 16 elements: [panel][channel][tile].
/// Tiles lie across the lanes: the pixels of a row are split into even and odd ones, transformed along the row for all tiles that stand on
/// it, and then down the columns.
/// </summary>
internal unsafe ref struct TileSource<V> where V : struct, IVec<V>
{
    private static int Width => PackedMatrix.PanelColumns;

    private readonly TileGrid _grid;
    private readonly ConvolutionShape _shape;
    private readonly ImageView _source;
    private readonly int _pitch, _skipped, _count; // of a row: pairs of pixels with the padding; pixels not read; pixels read
    private readonly nint _plane;
    private readonly float* _planes, _firsts, _seconds; // four planes along rows after the planes of even and odd pixels; where a row's pixels go
    private readonly float** _rows;
    private readonly Span<TilePiece> _pieces;
    private int _rowCount, _pieceCount;

    /// <param name="problem">The convolution.</param>
    /// <param name="tiles">The most tiles at a time.</param>
    /// <param name="planes">Memory for <see cref="Size"/> elements.</param>
    /// <param name="rows">Room for <see cref="Rows"/> rows.</param>
    /// <param name="pieces">Room for <see cref="Pieces"/> pieces.</param>
    public TileSource(in ConvolutionProblem problem, int tiles, float* planes, float** rows, Span<TilePiece> pieces)
    {
        (_shape, _source, _grid) = (problem.Shape, problem.Source, TileGrid.Of(problem.Shape));
        (_plane, _pitch) = (Plane(_grid, tiles), _grid.Columns + 1);
        _planes = planes;
        _rows = rows;
        _pieces = pieces;
        int padding = _shape.Columns.Padding, left = Math.Max(0, padding);
        _skipped = Math.Max(0, -padding);
        _count = Math.Clamp(_shape.Columns.Source - _skipped, 0, Math.Max(0, (2 * _pitch) - left));
        bool isOdd = left % 2 == 1;
        _firsts = planes + (left / 2) + (isOdd ? _plane : 0);
        _seconds = planes + ((left + 1) / 2) + (isOdd ? 0 : _plane);
    }

    /// <summary>Pieces of the tiles in progress.</summary>
    public readonly ReadOnlySpan<TilePiece> Current => _pieces[.._pieceCount];

    /// <summary>Memory for the planes, in elements.</summary>
    public static long Size(TileGrid grid, int tiles) => 6 * Plane(grid, tiles);

    /// <summary>The most rows that so many tiles read.</summary>
    public static int Rows(TileGrid grid, int tiles)
    {
        int tileRows = Math.Min(grid.Images * grid.Rows, ((tiles - 2) / grid.Columns) + 2), images = Math.Min(grid.Images, ((tiles - 2) / grid.PerImage) + 2);
        return 2 * (tileRows + images);
    }

    /// <summary>The most pieces of so many tiles.</summary>
    public static int Pieces(TileGrid grid, int tiles) => ((tiles - 2) / grid.Columns) + 2 + (tiles / TilePiece.MostLength) + (tiles / Width) + 1;

    private static nint Plane(TileGrid grid, int tiles) => ((nint)Rows(grid, tiles) * (grid.Columns + 1)) + (2 * TilePiece.MostLength);

    /// <summary>Takes up the tiles [first, first + count): which rows they read, and the pieces they consist of.</summary>
    /// <param name="first">The first tile.</param>
    /// <param name="count">Number of tiles.</param>
    /// <param name="panelSize">Distance of panels.</param>
    public void Begin(int first, int count, int panelSize)
    {
        (_rowCount, _pieceCount) = (0, 0);
        for (int i = 0, length; i < count; i += length)
        {
            (int image, int row, int column) = _grid.Locate(first + i);
            length = Math.Min(count - i, _grid.Columns - column);
            if (row == 0 || i == 0) AddRows(image, 2 * row, 2);
            AddRows(image, (2 * row) + 2, 2);
            for (int j = 0, part; j < length; j += part)
            {
                (int panel, int at) = Math.DivRem(i + j, Width);
                part = Math.Min(Math.Min(length - j, TilePiece.MostLength), Width - at);
                _pieces[_pieceCount++] = new TilePiece(((_rowCount - 4) * _pitch) + column + j, (panel * panelSize) + at, part, image, row, column + j);
            }
        }
        new Span<float>(_planes, (int)(2 * _plane)).Clear(); // what no pixel covers is padding, for every channel
    }

    private void AddRows(int image, int row, int count)
    {
        for (int i = row - _shape.Rows.Padding; count > 0; i++, count--)
            _rows[_rowCount++] = (uint)i < (uint)_shape.Rows.Source ? _source.At(image, 0, i, _skipped) : null;
    }

    /// <summary>Writes the row of a channel into the panels of each of the 16 elements, which lie <paramref name="product"/> apart.</summary>
    public readonly void Transform(int channel, float* panels, nint product)
    {
        nint offset = channel * _source.Channel;
        for (int i = 0; i < _rowCount; i++)
        {
            if (_rows[i] == null) continue;
            float* row = _rows[i] + offset;
            CacheLines.Fetch(row + (2 * _source.Channel));
            PixelPairs.Split(row, _count, _firsts + (i * _pitch), _seconds + (i * _pitch));
        }
        AlongRows();
        foreach (TilePiece piece in Current) DownColumns(piece, panels + ((nint)channel * Width), product);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void AlongRows()
    {
        float* even = _planes, odd = _planes + _plane, to = odd + _plane;
        nint count = (nint)_rowCount * _pitch, plane = _plane;
        for (nint i = 0; i < count; i += V.Lanes)
        {
            V x0 = V.Load(even + i), x1 = V.Load(odd + i), x2 = V.Load(even + i + 1), x3 = V.Load(odd + i + 1);
            V.Store(to + i, 0, x0 - x2);
            V.Store(to + i + plane, 0, x1 + x2);
            V.Store(to + i + (2 * plane), 0, x2 - x1);
            V.Store(to + i + (3 * plane), 0, x1 - x3);
        }
    }

    // Whole vectors are written: what they have too much, the following pieces and channels write over.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void DownColumns(TilePiece piece, float* panels, nint product)
    {
        for (int i = 0; i < piece.Length; i += V.Lanes)
        {
            float* from = _planes + (2 * _plane) + piece.From + i, to = panels + piece.To + i;
            for (int j = 0; j < 4; j++, from += _plane, to += product)
            {
                V x0 = V.Load(from), x1 = V.Load(from + _pitch), x2 = V.Load(from + (2 * _pitch)), x3 = V.Load(from + (3 * _pitch));
                CacheLines.FetchFour(to + Width, 4 * product); // for the next channel
                V.Store(to, 0, x0 - x2);
                V.Store(to + (4 * product), 0, x1 + x2);
                V.Store(to + (8 * product), 0, x2 - x1);
                V.Store(to + (12 * product), 0, x1 - x3);
            }
        }
    }
}
