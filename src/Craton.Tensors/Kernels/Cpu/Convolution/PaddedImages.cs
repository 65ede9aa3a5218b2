using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// The part of the source that some adjacent places of the result read, copied with the zeros around it. Rows and columns at different
/// remainders of the stride lie in planes of their own: what neighbours in the result read through one tap are then neighbours in memory,
/// and what they read through another tap lies at one distance for all of them.
/// </summary>
internal unsafe struct PaddedImages
{
    // Places that are worked on at a time: what they read and their results stay in the second-level cache.
    private const int PlacesAtOnce = 512;

    private readonly ConvolutionShape _shape;
    private readonly ImageView _source;
    private readonly float* _copy;
    private readonly int _rows, _width;
    private readonly nint _channel, _image;
    private int _firstImage, _firstRow;

    public PaddedImages(in ConvolutionShape shape, ImageView source, int channels, float* copy)
    {
        (_shape, _source) = (shape, source);
        _copy = copy;
        _rows = RowsAtOnce(shape) + shape.Rows.Reach;
        _width = shape.Columns.Places + shape.Columns.Reach;
        _channel = (nint)shape.Rows.Planes * shape.Columns.Planes * _rows * _width;
        _image = channels * _channel;
    }

    /// <summary>How many places to work on at a time: some rows, and a multiple of what any tile is wide.</summary>
    public static int Places(in ConvolutionShape shape) => Math.Max(PlacesAtOnce, ((2 * shape.Columns.Places) + 127) & ~127);

    /// <summary>Memory for the images of that many places, in elements.</summary>
    public static long Size(in ConvolutionShape shape, int channels)
    {
        long images = Math.Min(shape.Images, ((Places(shape) - 2) / shape.Pixels) + 2);
        return images * channels * new PaddedImages(shape, default, 1, null)._channel + PanelPiece.Length;
    }

    /// <summary>Distance of rows.</summary>
    public readonly int Width => _width;

    /// <summary>The copy.</summary>
    public readonly float* Start => _copy;

    /// <summary>Distance of what a place reads through a tap from what it reads through the first tap of the first channel.</summary>
    public readonly nint Tap(int channel, int row, int column)
    {
        ConvolutionAxis rows = _shape.Rows, columns = _shape.Columns;
        int plane = (row % rows.Planes * columns.Planes) + (column % columns.Planes);
        return (channel * _channel) + ((((nint)plane * _rows) + (row * rows.Dilation / rows.Stride)) * _width) + (column * columns.Dilation / columns.Stride);
    }

    /// <summary>Where a place reads through the first tap of the first channel.</summary>
    public readonly nint Place(int image, int row, int column) =>
        ((image - _firstImage) * _image) + ((nint)(row - (image == _firstImage ? _firstRow : 0)) * _width) + column;

    /// <summary>Copies what the places [first, first + count), counted over all images, read of some channels.</summary>
    public void Fill(int first, int count, int firstChannel, int channels)
    {
        int pixels = _shape.Pixels, width = _shape.Columns.Places, last = first + count - 1;
        _firstImage = first / pixels;
        _firstRow = first % pixels / width;
        for (int image = _firstImage; image <= last / pixels; image++)
        {
            int row = image == _firstImage ? _firstRow : 0, end = image == last / pixels ? (last % pixels / width) + 1 : _shape.Rows.Places;
            for (int c = 0; c < channels; c++)
                FillChannel(_source.At(image, firstChannel + c, 0, 0), row, end - row, _copy + ((image - _firstImage) * _image) + (c * _channel));
        }
    }

    private static int RowsAtOnce(in ConvolutionShape shape) => Math.Min(shape.Rows.Places, ((Places(shape) - 2) / shape.Columns.Places) + 2);

    private readonly void FillChannel(float* from, int firstRow, int rows, float* to)
    {
        for (int i = 0; i < _shape.Rows.Planes; i++)
            for (int j = 0; j < _shape.Columns.Planes; j++, to += (nint)_rows * _width)
                FillPlane(from, firstRow, rows + _shape.Rows.Reach, i, j, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void FillPlane(float* from, int firstRow, int rows, int rowPlane, int columnPlane, float* to)
    {
        ConvolutionAxis axis = _shape.Columns, down = _shape.Rows;
        int stride = axis.Stride, at = (columnPlane * axis.Dilation % stride) - axis.Padding; // what the first column shows
        int begin = at >= 0 ? 0 : Math.Min(_width, (stride - 1 - at) / stride);
        int end = at >= axis.Source ? begin : Math.Clamp(((axis.Source - 1 - at) / stride) + 1, begin, _width);
        int rowAt = (firstRow * down.Stride) + (rowPlane * down.Dilation % down.Stride) - down.Padding;
        for (int r = 0; r < rows; r++, rowAt += down.Stride, to += _width)
        {
            if ((uint)rowAt >= (uint)down.Source)
            {
                new Span<float>(to, _width).Clear();
                continue;
            }
            for (int q = 0; q < begin; q++) to[q] = 0; // a few: a call would cost more
            float* source = from + (rowAt * _source.Row) + at + (begin * stride);
            if (stride == 1) new ReadOnlySpan<float>(source, end - begin).CopyTo(new Span<float>(to + begin, end - begin));
            else if (stride == 2) PixelPairs.Evens(source, end - begin, to + begin);
            else
                for (int q = begin; q < end; q++, source += stride) to[q] = *source;
            for (int q = end; q < _width; q++) to[q] = 0;
        }
    }
}
