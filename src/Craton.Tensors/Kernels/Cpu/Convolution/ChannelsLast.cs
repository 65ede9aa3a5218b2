using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>The part of the source that some adjacent places read, with the zeros around it, and the channels of each pixel side by side.</summary>
internal readonly unsafe struct ChannelsLast(in ConvolutionShape shape, ImageView source, float* copy)
{
    private readonly ConvolutionShape _shape = shape;
    private readonly ImageView _source = source;
    private readonly float* _copy = copy;

    /// <summary>The copy.</summary>
    public float* Start => _copy;

    /// <summary>Memory for the images of that many places, in elements.</summary>
    public static long Size(in ConvolutionShape shape, int channels, int places)
    {
        long images = Math.Min(shape.Images, ((places - 2) / shape.Pixels) + 2), rows = Math.Min(shape.Rows.Places, ((places - 2) / shape.Columns.Places) + 2);
        return (images * Extent(shape.Rows, (int)rows) * Extent(shape.Columns, shape.Columns.Places) * channels) + GemmPacking.Overrun;
    }

    /// <summary>Distance of what a place reads through a tap from what it reads through the first tap.</summary>
    public nint Tap(int row, int column, int channels) =>
        (((nint)row * _shape.Rows.Dilation * Extent(_shape.Columns, _shape.Columns.Places)) + (column * _shape.Columns.Dilation)) * channels;

    /// <summary>Copies what the places [first, first + count), counted over all images, read of some channels.</summary>
    /// <param name="first">The first place.</param>
    /// <param name="count">Number of places.</param>
    /// <param name="firstChannel">The first channel.</param>
    /// <param name="channels">Number of channels.</param>
    /// <param name="places">Gets for each place where it reads through the first tap.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(int first, int count, int firstChannel, int channels, nint* places)
    {
        float* to = _copy;
        int width = _shape.Columns.Places, extent = Extent(_shape.Columns, width), end = first + count;
        for (int place = first; place < end;)
        {
            (int image, int pixel) = Math.DivRem(place, _shape.Pixels);
            int next = Math.Min(end, place + _shape.Pixels - pixel), row = pixel / width, last = (pixel + next - place - 1) / width;
            for (; place < next; place++, pixel++)
                *places++ = (nint)(to - _copy) + (((((nint)(pixel / width) - row) * _shape.Rows.Stride * extent) + (pixel % width * _shape.Columns.Stride)) * channels);
            int rows = Extent(_shape.Rows, last - row + 1), at = (row * _shape.Rows.Stride) - _shape.Rows.Padding;
            for (int i = 0; i < rows; i++, to += (nint)extent * channels)
                FillRow(_source.At(image, firstChannel, at + i, 0), (uint)(at + i) < (uint)_shape.Rows.Source, extent, channels, to);
        }
    }

    /// <summary>Source places from the first to the last one that some adjacent places read.</summary>
    private static int Extent(ConvolutionAxis axis, int places) => ((places - 1) * axis.Stride) + ((axis.Taps - 1) * axis.Dilation) + 1;

    // Packing writes beyond its end: what is right of the image is cleared after it, what is left before it.
    private void FillRow(float* from, bool isInside, int extent, int channels, float* to)
    {
        int padding = _shape.Columns.Padding, begin = Math.Clamp(padding, 0, extent), end = Math.Clamp(_shape.Columns.Source + padding, begin, extent);
        if (!isInside) begin = end = extent;
        new Span<float>(to, begin * channels).Clear();
        if (begin < end)
        {
            for (int c = 0; c < channels; c++) CacheLines.Fetch(from + (c * _source.Channel) + (2 * _source.Row)); // the row after the next
            GemmPacking.Pack(from + begin - padding, _source.Channel, 1, channels, channels, end - begin, to + ((nint)begin * channels));
        }
        new Span<float>(to + ((nint)end * channels), (extent - end) * channels).Clear();
    }
}
