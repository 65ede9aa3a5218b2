using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// Computes one rectangle of C alone, with scratch memory of its thread. For each block of k, for each block of rows: pack that part of A
/// (it stays in the second-level cache); for each panel of columns: pack that part of B (it stays in the first level), and run the
/// register tiles down the rows.
/// </summary>
internal unsafe ref struct GemmRectangle<V, TEpilogue>
    where V : struct, IVec<V>
    where TEpilogue : struct, IGemmEpilogue
{
    // A block of A takes 576 KB where second-level caches have 1 MB (512 bits), and 432 KB of the 512 of narrower ones; a panel of B of two vectors 24
    // or 48 KB.
    private const int StepsPerBlock = 384;

    private static int RowsPerBlock => V.Lanes == 16 ? 384 : 288;

    // Blocks of k begin at multiples of this, so that packing meets whole squares.
    private const int StepUnit = 16;

    // Elements of a matrix that is near wherever it was read before.
    private const int NearElements = 1 << 18;

    // Up to this many rows B is read where it lies, if its rows are adjacent values: a copy would not be read often enough to pay.
    private static int RowsReadingInPlace => 2 * GemmTiles<V>.MostRows;

    private readonly StridedMatrix<float> _a, _b, _c;
    private readonly PackedMatrix? _packed; // B, when it is packed for good
    private readonly GemmRange _range;
    private readonly int _rows, _steps, _batch;
    private readonly bool _accumulate, _exchanged;
    private readonly TEpilogue _epilogue;

    private readonly int _panelWidth;
    private readonly float* _packedA, _packedB, _tile, _zeros;

    // The block in progress.
    private int _k, _kCount;

    public GemmRectangle(in GemmProblem problem, int batch, GemmRange range, TEpilogue epilogue)
    {
        (_a, _b, _c, _packed) = (problem.A, problem.B, problem.C, problem.PackedB);
        (_accumulate, _exchanged) = (problem.Accumulate, problem.Exchanged);
        (_range, _batch, _rows, _steps, _epilogue) = (range, batch, problem.Shape.M, problem.Shape.K, epilogue);
        _panelWidth = GemmTiles<V>.VectorsAcross(range.Rows) * V.Lanes;
        int k = Math.Min(_steps, StepsPerBlock);
        long sizeA = Aligned(((long)Math.Min(range.Rows, RowsPerBlock) * k) + GemmPacking.Overrun);
        long sizeB = _packed is null || IsHalf ? Aligned(((long)_panelWidth * k) + GemmPacking.Overrun) : 0;
        long sizeTile = GemmTiles<V>.MostRows * _panelWidth;
        _packedA = (float*)WorkerScratch.Rent((sizeA + sizeB + sizeTile + _panelWidth) * sizeof(float));
        _packedB = _packedA + sizeA;
        _tile = _packedB + sizeB;
        _zeros = _tile + sizeTile;
        new Span<float>(_zeros, _panelWidth).Clear();
    }

    private static long Aligned(long count) => (count + 15) & ~15L;

    public void Compute()
    {
        if (_steps == 0)
        {
            FinishEmptySums();
            return;
        }
        int blocks = (_steps + StepsPerBlock - 1) / StepsPerBlock;
        int rowBlocks = (_range.Rows + RowsPerBlock - 1) / RowsPerBlock;
        for (int block = 0; block < blocks; block++)
        {
            _k = StartOfBlock(block, blocks);
            _kCount = StartOfBlock(block + 1, blocks) - _k;
            for (int rowBlock = 0; rowBlock < rowBlocks; rowBlock++)
            {
                int row = Part(_range.Rows, rowBlock, rowBlocks);
                ComputeRows(_range.Row + row, Part(_range.Rows, rowBlock + 1, rowBlocks) - row);
            }
        }
    }

    private readonly int StartOfBlock(int block, int blocks)
        => Math.Min(_steps, StepUnit * Part((_steps + StepUnit - 1) / StepUnit, block, blocks));

    /// <summary>Where part <paramref name="part"/> of <paramref name="parts"/> nearly equal ones begins.</summary>
    private static int Part(int length, int part, int parts) => (int)((long)length * part / parts);

    /// <summary>All columns of a block of rows, for the current block of k.</summary>
    private readonly void ComputeRows(int row, int rows)
    {
        int panels = (rows + GemmTiles<V>.MostRows - 1) / GemmTiles<V>.MostRows;
        PackRows(row, rows, panels);
        int endColumn = _range.Column + _range.Columns;
        for (int column = _range.Column; column < endColumn; column += _panelWidth)
        {
            int columns = Math.Min(_panelWidth, endColumn - column);
            PanelOfB b = Panel(column, columns, rows);
            for (int panel = 0, first = 0, count; panel < panels; panel++, first += count)
            {
                count = Part(rows, panel + 1, panels) - first;
                var fetch = new TileFetch(TileAhead(row + first + count, column), PanelAhead(column + _panelWidth, rows, panel, panels));
                ComputeTile(row + first, count, column, columns, _packedA + ((nint)first * _kCount), b, fetch);
                if (b.Packed != null) b = new PanelOfB(b.Packed, _panelWidth, PackedMatrix.PanelColumns);
            }
        }
    }

    private readonly void PackRows(int row, int rows, int panels)
    {
        if (_a.RowStride == 1)
        {
            GemmPacking.PackSideBySide(_a.At(_batch, row, _k), _a.ColumnStride, rows, panels, _kCount, _packedA, readable: _rows - row);
            return;
        }
        for (int panel = 0; panel < panels; panel++)
        {
            int first = Part(rows, panel, panels), count = Part(rows, panel + 1, panels) - first;
            GemmPacking.Pack(
                _a.At(_batch, row + first, _k), _a.RowStride, _a.ColumnStride, count, count, _kCount, _packedA + ((nint)first * _kCount), fetchesNext: true);
        }
    }

    private readonly bool ReadsInPlace(int rows) => _b.ColumnStride == 1 && rows <= RowsReadingInPlace;

    /// <summary>The panel of B at a column: packed for good, where it lies, to be packed by the first tile that reads it, or packed now.</summary>
    private readonly PanelOfB Panel(int column, int columns, int rows)
    {
        if (IsHalf)
            return _range.Rows <= GemmTiles<V>.MostRows ? new PanelOfB(_packed!.HalfAt(_k, column), _packed.PanelStride) : Widened(column);
        if (_packed is not null)
            return new PanelOfB(_packed.At(_k, column), PackedMatrix.PanelColumns, _packed.PanelStride);
        float* b = _b.At(_batch, _k, column);
        if (columns == _panelWidth && _b.ColumnStride == 1)
            return new PanelOfB(b, _b.RowStride, PackedMatrix.PanelColumns, ReadsInPlace(rows) ? null : _packedB);
        GemmPacking.Pack(b, _b.ColumnStride, _b.RowStride, columns, _panelWidth, _kCount, _packedB);
        return new PanelOfB(_packedB, _panelWidth, PackedMatrix.PanelColumns);
    }

    private readonly bool IsHalf => _packed is { Type: not DType.F32 };

    private readonly PanelOfB Widened(int column)
    {
        HalfPanels.Widen<V>(_packed!.HalfAt(_k, column), _panelWidth, _kCount, _packedB, _packed.Type);
        return new PanelOfB(_packedB, _panelWidth, PackedMatrix.PanelColumns);
    }

    /// <summary>The tile of C that comes next, at a row: its sums would be waited for.</summary>
    private readonly FetchLines TileAhead(int row, int column)
    {
        if (_c.ColumnStride != 1 || row + GemmTiles<V>.MostRows > _range.Row + _range.Rows) return default;
        if (_k + _kCount == _steps && !_exchanged)
            for (int r = 0; r < GemmTiles<V>.MostRows; r++) _epilogue.Fetch(_panelWidth, row + r, column);
        return new(_c.At(_batch, row, column) + LastLine, _c.RowStride, GemmTiles<V>.MostRows);
    }

    // Of tiles one line wide it is the line of the last column that the tile before did not bring.
    private static int LastLine => GemmTiles<V>.LinesAcross == 1 ? (2 * V.Lanes) - 1 : 0;

    /// <summary>Part <paramref name="part"/> of the next panel of B, if it is to be packed, which would wait for it.</summary>
    private readonly FetchLines PanelAhead(int column, int rows, int part, int parts)
    {
        if (_packed is not null || ReadsInPlace(rows) || column + _panelWidth > _range.Column + _range.Columns) return default;
        if (_b.ColumnStride == 1)
        {
            if (_steps * _b.RowStride <= NearElements) return default; // all of B stays in the second-level cache
            int begin = Part(_kCount, part, parts);
            // The line of its first column came with the panel before.
            return new(_b.At(_batch, _k + begin, column) + FetchLines.Line - 1, _b.RowStride, Part(_kCount, part + 1, parts) - begin);
        }
        if (_b.RowStride != 1) return default;
        int first = Part(_panelWidth, part, parts), step = GemmTiles<V>.LinesAcross * FetchLines.Line;
        return Part(_panelWidth, part + 1, parts) > first ? new(_b.At(_batch, _k, column + first), step, (_kCount + step - 1) / step) : default;
    }

    private readonly void ComputeTile(int row, int rows, int column, int columns, float* a, in PanelOfB b, in TileFetch fetch)
    {
        bool resume = _accumulate || _k > 0; // the sums so far are in C
        bool last = _k + _kCount == _steps;
        float* c = _c.At(_batch, row, column);
        if (columns == _panelWidth && _c.ColumnStride == 1 && !_exchanged)
        {
            Multiply(rows, a, b, resume ? c : _zeros, resume ? _c.RowStride : 0, c, _c.RowStride, fetch);
            if (last)
                Finish(c, _c.RowStride, row, rows, column, columns);
            return;
        }
        // A tile that sticks out of C, or whose rows are not adjacent values, is computed aside.
        if (resume)
            CopyIn(c, rows, columns);
        Multiply(rows, a, b, resume ? _tile : _zeros, resume ? _panelWidth : 0, _tile, _panelWidth, fetch);
        if (last && !_exchanged)
            Finish(_tile, _panelWidth, row, rows, column, columns);
        CopyOut(c, rows, columns);
        if (last && _exchanged)
            FinishExchanged(c, row, rows, column, columns);
    }

    private readonly void Multiply(int rows, float* a, in PanelOfB b, float* from, nint fromStride, float* to, nint toStride, in TileFetch fetch)
    {
        if (b.Halves is null) GemmTiles<V>.Run(rows, _kCount, a, b.First, b.Step, b.Panel, from, fromStride, to, toStride, fetch, b.Packed);
        else if (_packed!.Type == DType.BF16) GemmTiles<V>.Run<BrainFloat>(rows, _kCount, a, b.Halves, PackedMatrix.PanelColumns, b.Panel, from, fromStride, to, toStride, fetch);
        else GemmTiles<V>.Run<HalfFloat>(rows, _kCount, a, b.Halves, PackedMatrix.PanelColumns, b.Panel, from, fromStride, to, toStride, fetch);
    }

    private readonly void Finish(float* tile, nint stride, int row, int rows, int column, int columns)
    {
        for (int r = 0; r < rows; r++)
            _epilogue.Apply(tile + (r * stride), columns, row + r, column);
    }

    /// <summary>Columns of this tile are whole rows of the caller's C: all of them lie in one tile.</summary>
    private readonly void FinishExchanged(float* c, int row, int rows, int column, int columns)
    {
        for (int j = 0; j < columns; j++)
            _epilogue.Apply(c + (j * _c.ColumnStride), rows, column + j, row);
    }

    private readonly void CopyIn(float* c, int rows, int columns)
    {
        for (int r = 0; r < rows; r++)
        {
            float* tileRow = _tile + (r * _panelWidth);
            for (int j = 0; j < columns; j++)
                tileRow[j] = c[(r * _c.RowStride) + (j * _c.ColumnStride)];
            new Span<float>(tileRow + columns, _panelWidth - columns).Clear();
        }
    }

    private readonly void CopyOut(float* c, int rows, int columns)
    {
        for (int r = 0; r < rows; r++)
        {
            float* tileRow = _tile + (r * _panelWidth);
            for (int j = 0; j < columns; j++)
                c[(r * _c.RowStride) + (j * _c.ColumnStride)] = tileRow[j];
        }
    }

    /// <summary>With K = 0 the sums are what they started from.</summary>
    private readonly void FinishEmptySums()
    {
        for (int row = _range.Row; row < _range.Row + _range.Rows; row++)
            for (int column = _range.Column; column < _range.Column + _range.Columns; column++)
            {
                float* c = _c.At(_batch, row, column);
                if (!_accumulate)
                    *c = 0;
                if (_exchanged)
                    _epilogue.Apply(c, 1, column, row);
                else
                    _epilogue.Apply(c, 1, row, column);
            }
    }
}

/// <summary>A panel of B as tiles read it: the first step, the distance of steps, the distance of panels of
/// <see cref="PackedMatrix.PanelColumns"/> columns in it. One that few rows read may be of 16 bits.</summary>
internal readonly unsafe struct PanelOfB
{
    public readonly float* First, Packed;
    public readonly ushort* Halves;
    public readonly nint Step, Panel;

    /// <param name="first">First step.</param>
    /// <param name="step">Distance of steps.</param>
    /// <param name="panel">Distance of panels.</param>
    /// <param name="packed">Where the tile that reads it first packs it, or null.</param>
    public PanelOfB(float* first, nint step, nint panel, float* packed = null)
    {
        First = first;
        Packed = packed;
        (Step, Panel) = (step, panel);
    }

    public PanelOfB(ushort* halves, nint panel)
    {
        Halves = halves;
        Panel = panel;
    }
}
