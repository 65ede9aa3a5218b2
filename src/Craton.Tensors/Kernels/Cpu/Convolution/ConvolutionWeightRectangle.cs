using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>The gradient of a weight: dw (+)= Σ over images and places of dy · what the place reads.</summary>
internal readonly unsafe struct WeightProblem(in ConvolutionShape shape, ImageView source, ImageView gradient, float* target, bool add)
{
    public readonly ConvolutionShape Shape = shape;
    public readonly ImageView Source = source, Gradient = gradient;
    public readonly float* Target = target;
    public readonly bool Add = add;
}

/// <summary>
/// Computes the gradient of some filters × some channels alone. For each block of channels, for each few hundred places of all images in a
/// row, over which the sums run: copy what the places read, channels side by side; pack that part of dy; for each panel of taps and channels:
/// pack their patches, and run the register tiles down the filters. The sums rest in scratch memory until the block's are complete.
/// </summary>
internal unsafe ref struct ConvolutionWeightRectangle<V> where V : struct, IVec<V>
{
    // Channels are taken in blocks of about this many columns, so that packing dy once for each block costs little.
    private const int ColumnsPerBlock = 512;

    private const int PlacesAtOnce = 384;

    private readonly WeightProblem _problem;
    private readonly ConvolutionShape _shape;
    private readonly GemmRange _range;
    private readonly int _group, _width, _mostChannels, _places, _panels;
    private readonly float* _sums, _gradient, _panel;
    private readonly nint* _steps;
    private readonly ChannelsLast _images;

    // The block in progress.
    private int _channel, _channels;

    public ConvolutionWeightRectangle(in WeightProblem problem, int group, GemmRange range)
    {
        (_problem, _shape, _group, _range) = (problem, problem.Shape, group, range);
        _width = GemmTiles<V>.VectorsAcross(range.Rows) * V.Lanes;
        _panels = (range.Rows + GemmTiles<V>.MostRows - 1) / GemmTiles<V>.MostRows;
        int unit = PackedMatrix.PanelColumns;
        _mostChannels = Math.Min(range.Columns, Math.Max(1, ColumnsPerBlock / _shape.Taps / unit) * unit);
        _places = Math.Max(PlacesAtOnce, _shape.Columns.Places);
        long sizeSums = (long)range.Rows * Columns(_mostChannels), sizeGradient = Aligned(((long)range.Rows * _places) + GemmPacking.Overrun);
        long sizePanel = Aligned(((long)_width * _places) + PanelPiece.Length), sizeImages = Aligned(ChannelsLast.Size(_shape, _mostChannels, _places));
        _sums = (float*)WorkerScratch.Rent(((sizeSums + sizeGradient + sizePanel + sizeImages) * sizeof(float)) + (_places * sizeof(nint)));
        _gradient = _sums + sizeSums;
        _panel = _gradient + sizeGradient;
        float* images = _panel + sizePanel;
        _steps = (nint*)(images + sizeImages);
        _images = new ChannelsLast(_shape, problem.Source, images);
    }

    private static long Aligned(long count) => (count + 15) & ~15L;

    /// <summary>Columns of a block of channels, whole panels.</summary>
    private readonly int Columns(int channels) => ((channels * _shape.Taps) + _width - 1) / _width * _width;

    [SkipLocalsInit]
    public void Compute()
    {
        int total = checked(_shape.Images * _shape.Pixels);
        Span<PanelPiece> pieces = stackalloc PanelPiece[_width];
        for (_channel = _range.Column; _channel < _range.Column + _range.Columns; _channel += _channels)
        {
            _channels = Math.Min(_mostChannels, _range.Column + _range.Columns - _channel);
            Exchange(isRead: true);
            for (int place = 0; place < total; place += _places) AddPlaces(place, Math.Min(_places, total - place), pieces);
            Exchange(isRead: false);
        }
    }

    private readonly void AddPlaces(int first, int count, scoped Span<PanelPiece> pieces)
    {
        bool isDirect = _shape.IsPointwise; // panels are rows of pixels as they lie in the source: they are packed without the copy
        if (!isDirect) _images.Fill(first, count, (_group * _shape.Channels) + _channel, _channels, _steps);
        PackGradient(first, count);
        int columns = Columns(_channels);
        for (int column = 0; column < columns; column += _width)
        {
            int used = Math.Min(_width, (_channels * _shape.Taps) - column);
            if (isDirect) PackPixels(_problem.Source, (_group * _shape.Channels) + _channel + column, used, _width, first, count, _panel);
            else PatchPanel.Pack(_images.Start, _steps, count, pieces[..Pieces(column, used, pieces)], _width, _panel);
            for (int panel = 0; panel < _panels; panel++)
            {
                int row = Row(panel), rows = Row(panel + 1) - row;
                float* sums = _sums + ((nint)row * columns) + column;
                GemmTiles<V>.Run(rows, count, _gradient + ((nint)row * count), _panel, _width, PackedMatrix.PanelColumns, sums, columns, sums, columns);
            }
        }
    }

    private readonly int Row(int panel) => (int)((long)_range.Rows * panel / _panels);

    // Panels of filters, [place][filter]. What packing writes beyond a panel's end, the next one overwrites.
    private readonly void PackGradient(int first, int count)
    {
        for (int panel = 0; panel < _panels; panel++)
        {
            int row = Row(panel), rows = Row(panel + 1) - row;
            PackPixels(_problem.Gradient, (_group * _shape.Filters) + _range.Row + row, rows, rows, first, count, _gradient + ((nint)row * count));
        }
    }

    /// <summary>A panel [place][channel] of some channels of images whose pixels are adjacent, <paramref name="width"/> channels wide.</summary>
    private readonly void PackPixels(ImageView images, int channel, int channels, int width, int first, int count, float* panel)
    {
        for (int place = first, length; place < first + count; place += length, panel += (nint)length * width)
        {
            (int image, int pixel) = Math.DivRem(place, _shape.Pixels);
            length = Math.Min(_shape.Pixels - pixel, first + count - place);
            GemmPacking.Pack(images.At(image, channel, 0, 0) + pixel, images.Channel, 1, channels, width, length, panel);
        }
    }

    // Columns run over taps, and for each over the channels of the block.
    private readonly int Pieces(int column, int used, scoped Span<PanelPiece> pieces)
    {
        int count = 0;
        for (int i = 0, length; i < used; i += length)
        {
            (int tap, int channel) = Math.DivRem(column + i, _channels);
            (int row, int at) = Math.DivRem(tap, _shape.Columns.Taps);
            length = Math.Min(Math.Min(used - i, _channels - channel), PanelPiece.Length);
            pieces[count++] = new PanelPiece(_images.Tap(row, at, _channels) + channel, i);
        }
        return count;
    }

    /// <summary>Reads the start of the sums from the target, or writes them there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Exchange(bool isRead)
    {
        int columns = Columns(_channels), taps = _shape.Taps;
        if (isRead) new Span<float>(_sums, checked(_range.Rows * columns)).Clear();
        if (isRead && !_problem.Add) return;
        for (int row = 0; row < _range.Rows; row++)
        {
            float* there = _problem.Target + (((((nint)_group * _shape.Filters) + _range.Row + row) * _shape.Channels) + _channel) * taps;
            float* here = _sums + ((nint)row * columns);
            for (int tap = 0; tap < taps; tap++)
                for (int c = 0; c < _channels; c++, here++)
                    if (isRead) *here = there[((nint)c * taps) + tap];
                    else there[((nint)c * taps) + tap] = *here;
        }
    }
}
