using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// Computes one rectangle, some filters × some places of all images in a row, alone, with scratch memory of its thread. For each few
/// hundred places, for each block of channels: copy what the places read; for each panel of places: pack their patches (they stay in the
/// first-level cache), and run the register tiles down the filters. Where patches are small, as those of colour pictures, many panels are packed
/// first and tiles run along them: a tile is done so soon that it would wait for the lines of the target, which now follow each other. Between
/// blocks of channels the running sums rest in the target.
/// </summary>
internal unsafe ref struct ConvolutionRectangle<V> where V : struct, IVec<V>
{
    // A panel of patches takes at most 48 KB in a tile of two 512-bit registers, unless a single channel takes more.
    private const int StepsPerBlock = 384;

    // Small patches: at least so many panels of them fit into the floats that are packed at once.
    private const int LeastPanels = 4, FloatsAtOnce = 16384;

    private readonly ConvolutionProblem _problem;
    private readonly ConvolutionShape _shape;
    private readonly PackedFilters _filters;
    private readonly int _group, _firstPanel, _endPanel, _firstPlace, _endPlace;

    private readonly int _width, _channelsPerBlock, _panels; // panels that are packed at once
    private readonly bool _isDirect; // panels are rows of pixels as they lie in the source, tiles rows of pixels of the target: no copy is needed
    private readonly float** _targets; // of every panel of patches, where its first filter's results go; null where they do not lie side by side
    private readonly float* _panel, _tile, _starts; // the starts: of every filter, a row of its bias; without biases one row of zeros
    private readonly nint* _steps;
    private PaddedImages _images;

    // The block in progress.
    private int _channel, _channels;

    public ConvolutionRectangle(in ConvolutionProblem problem, in PackedFilters filters, int group, GemmRange range)
    {
        (_problem, _shape, _filters, _group) = (problem, problem.Shape, filters, group);
        // Rows are cut where panels of filters begin.
        _firstPanel = Panel(range.Row);
        _endPanel = Panel(range.Row + range.Rows);
        (_firstPlace, _endPlace) = (range.Column, range.Column + range.Columns);
        _width = GemmTiles<V>.VectorsAcross(_shape.Filters) * V.Lanes;
        _isDirect = _shape.IsPointwise && _shape.Pixels % _width == 0
            && problem.Source.Column == 1 && problem.Source.Row == _shape.Columns.Source && problem.Target.Column == 1 && problem.Target.Row == _shape.Columns.Places;
        _channelsPerBlock = Math.Clamp(StepsPerBlock / Math.Max(1, _shape.Taps), 1, Math.Max(1, _shape.Channels));
        long steps = (long)_channelsPerBlock * _shape.Taps;
        long panels = FloatsAtOnce / Math.Max(1, steps * _width);
        _panels = panels < LeastPanels ? 1 : (int)Math.Min(panels, PaddedImages.Places(_shape) / _width);
        long sizeImages = Aligned(PaddedImages.Size(_shape, _channelsPerBlock)), sizePanel = Aligned((_panels * steps * _width) + PanelPiece.Length);
        int firstFilter = filters.First(_firstPanel), starts = problem.Bias == null ? 1 : filters.First(_endPanel) - firstFilter;
        long sizeTile = (long)GemmTiles<V>.MostRows * _width, sizeStarts = (long)starts * _width;
        float* scratch = (float*)WorkerScratch.Rent(((sizeImages + sizePanel + sizeTile + sizeStarts) * sizeof(float)) + ((steps + _panels) * sizeof(nint)));
        _images = new PaddedImages(_shape, problem.Source, _channelsPerBlock, scratch);
        _panel = scratch + sizeImages;
        _tile = _panel + sizePanel;
        _starts = _tile + sizeTile;
        for (int i = 0; i < starts; i++)
            new Span<float>(_starts + ((nint)i * _width), _width).Fill(problem.Bias == null ? 0 : problem.Bias[(group * _shape.Filters) + firstFilter + i]);
        _steps = (nint*)(_starts + sizeStarts);
        _targets = (float**)(_steps + steps);
        for (int c = 0, i = 0; c < _channelsPerBlock && _shape.Channels > 0; c++)
            for (int t = 0; t < _shape.Rows.Taps; t++)
                for (int u = 0; u < _shape.Columns.Taps; u++) _steps[i++] = _images.Tap(c, t, u);
    }

    private readonly int Panel(int row) => (int)((((long)row * _filters.Panels) + _shape.Filters - 1) / _shape.Filters);

    private static long Aligned(long count) => (count + 15) & ~15L;

    [SkipLocalsInit]
    public void Compute()
    {
        if (_firstPanel == _endPanel) return;
        _filters.Pack(_group, _firstPanel, _endPanel);
        int atOnce = PaddedImages.Places(_shape), blocks = Math.Max(1, (_shape.Channels + _channelsPerBlock - 1) / _channelsPerBlock);
        Span<PanelPiece> pieces = stackalloc PanelPiece[_width];
        for (int place = _firstPlace; place < _endPlace; place += atOnce)
            for (int block = 0; block < blocks; block++)
            {
                _channel = (int)((long)_shape.Channels * block / blocks);
                _channels = (int)((long)_shape.Channels * (block + 1) / blocks) - _channel;
                ComputePlaces(place, Math.Min(atOnce, _endPlace - place), pieces);
            }
    }

    private void ComputePlaces(int first, int count, scoped Span<PanelPiece> pieces)
    {
        int steps = _channels * _shape.Taps;
        if (steps > 0 && !_isDirect) _images.Fill(first, count, (_group * _shape.Channels) + _channel, _channels);
        int place = steps > 0 && _shape.Filters <= TapTiles<V>.MostRows && !_isDirect ? ComputeInPlace(first, count, steps) : first;
        if (_isDirect && steps > 0)
            for (; place < first + count; place += _width) ComputePixels(place, steps);
        else
            for (; place < first + count; place += _panels * _width) ComputePatches(place, Math.Min(_panels * _width, first + count - place), steps, pieces);
    }

    // A panel of pixels, read where they lie; the first tile of some rows packs them as it reads them.
    private readonly void ComputePixels(int place, int steps)
    {
        bool resume = _problem.Add || _channel > 0;
        float* pixels = Source(place), to = Target(place), next = place + _width < _endPlace ? Source(place + _width) : null;
        nint stride = _problem.Source.Channel, toStride = _problem.Target.Channel, fromStride = resume ? toStride : _problem.Bias == null ? 0 : _width;
        PanelOfB b = new(pixels, stride, PackedMatrix.PanelColumns, _endPanel - _firstPanel > 1 ? _panel : null);
        float* from = resume ? to : _starts;
        int panels = _endPanel - _firstPanel, ahead = 0;
        for (int panel = 0, rows; panel < panels; panel++)
        {
            rows = _filters.First(_firstPanel + panel + 1) - _filters.First(_firstPanel + panel);
            // What the next panel of pixels packs, which would wait for it, and the tile of the target that comes next.
            int end = steps * (panel + 1) / panels;
            var fetch = new TileFetch(new(to + (rows * toStride), toStride, rows), next == null ? default : new(next + (ahead * stride), stride, end - ahead));
            GemmTiles<V>.Run(rows, steps, _filters.At(_group, _firstPanel + panel, _channel), b.First, b.Step, b.Panel, from, fromStride, to, toStride, fetch, b.Packed);
            if (b.Packed != null) b = new(_panel, _width, PackedMatrix.PanelColumns);
            from += rows * fromStride;
            to += rows * toStride;
            ahead = end;
        }
    }

    // Of the first channel of the block.
    private readonly float* Source(int place)
    {
        (int image, int pixel) = Math.DivRem(place, _shape.Pixels);
        return _problem.Source.At(image, (_group * _shape.Channels) + _channel, 0, pixel);
    }

    // Of the first filter.
    private readonly float* Target(int place)
    {
        (int image, int pixel) = Math.DivRem(place, _shape.Pixels);
        return _problem.Target.At(image, (_group * _shape.Filters) + _filters.First(_firstPanel), 0, pixel);
    }

    // The places whose vectors lie within rows, in the source as in the target. Returns the first of the others.
    private readonly int ComputeInPlace(int first, int count, int steps)
    {
        int lanes = V.Lanes, width = TapTiles<V>.VectorsAcross * lanes, columns = _shape.Columns.Places, place = first;
        ImageView target = _problem.Target;
        if (columns % lanes != 0 || first % width != 0 || _shape.Pixels % width != 0 || target.Column != 1 || target.Row != columns) return first;
        bool resume = _problem.Add || _channel > 0;
        for (; place + width <= first + count; place += width)
        {
            (int image, int row, int column) = Locate(place);
            float* to = target.At(image, _group * _shape.Filters, row, column), from = resume ? to : _starts;
            nint fromStride = resume ? target.Channel : _problem.Bias == null ? 0 : _width;
            TapTiles<V>.Run(
                _shape.Filters, _steps, steps, _filters.At(_group, 0, _channel), new(Read(place), Read(place + lanes), Read(place + (2 * lanes)), Read(place + (3 * lanes))),
                from, fromStride, resume ? lanes : 0, to, target.Channel);
        }
        return place;
    }

    // Where a place reads through the first tap of the first channel.
    private readonly float* Read(int place)
    {
        (int image, int row, int column) = Locate(place);
        return _images.Start + _images.Place(image, row, column);
    }

    // What some adjacent places read through one tap lies side by side as far as they are of one row.
    private readonly int Pieces(int place, int places, scoped Span<PanelPiece> pieces)
    {
        int count = 0;
        for (int i = 0, length; i < places; i += length)
        {
            (int image, int row, int column) = Locate(place + i);
            length = Math.Min(Math.Min(places - i, _shape.Columns.Places - column), PanelPiece.Length);
            pieces[count++] = new PanelPiece(_images.Place(image, row, column), i);
        }
        return count;
    }

    private readonly (int Image, int Row, int Column) Locate(int place)
    {
        (int image, int pixel) = Math.DivRem(place, _shape.Pixels);
        (int row, int column) = Math.DivRem(pixel, _shape.Columns.Places);
        return (image, row, column);
    }

    // Some panels of patches: filter by filter all of them.
    private readonly void ComputePatches(int first, int count, int steps, scoped Span<PanelPiece> pieces)
    {
        ImageView target = _problem.Target;
        bool resume = _problem.Add || _channel > 0, liesInRows = target.Column == 1 && target.Row == _shape.Columns.Places; // resume: the sums so far are in the target
        nint size = (nint)steps * _width, startStride = _problem.Bias == null ? 0 : _width;
        int panels = 0;
        for (int place = first, places; place < first + count; place += _width, panels++)
        {
            places = Math.Min(_width, first + count - place);
            if (steps > 0) PatchPanel.Pack(_images.Start, _steps, steps, pieces[..Pieces(place, places, pieces)], _width, _panel + (panels * size));
            _targets[panels] = liesInRows && places == _width && (place % _shape.Pixels) + places <= _shape.Pixels ? Target(place) : null;
        }
        int firstFilter = _filters.First(_firstPanel);
        for (int panel = _firstPanel; panel < _endPanel; panel++)
        {
            int filter = _filters.First(panel), rows = _filters.First(panel + 1) - filter;
            float* filters = _filters.At(_group, panel, _channel), patches = _panel, starts = _starts + ((filter - firstFilter) * startStride);
            nint offset = (filter - firstFilter) * target.Channel;
            for (int i = 0, place = first; i < panels; i++, place += _width, patches += size)
            {
                bool isWhole = _targets[i] != null;
                float* to = isWhole ? _targets[i] + offset : _tile;
                nint toStride = isWhole ? target.Channel : _width;
                int places = Math.Min(_width, first + count - place);
                if (!isWhole && resume) Exchange(place, places, filter, rows, isRead: true);
                GemmTiles<V>.Run(rows, steps, filters, patches, _width, PackedMatrix.PanelColumns, resume ? to : starts, resume ? toStride : startStride, to, toStride);
                if (!isWhole) Exchange(place, places, filter, rows, isRead: false);
            }
        }
    }

    /// <summary>A tile whose places do not lie side by side in the target is computed aside: reads or writes it there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Exchange(int place, int places, int first, int rows, bool isRead)
    {
        ImageView target = _problem.Target;
        for (int i = 0, length; i < places; i += length)
        {
            (int image, int row, int column) = Locate(place + i);
            length = Math.Min(places - i, _shape.Columns.Places - column);
            float* there = target.At(image, (_group * _shape.Filters) + first, row, column), here = _tile + i;
            for (int r = 0; r < rows; r++, there += target.Channel, here += _width)
                for (int j = 0; j < length; j++)
                    if (isRead) here[j] = there[j * target.Column];
                    else there[j * target.Column] = here[j];
        }
    }
}
