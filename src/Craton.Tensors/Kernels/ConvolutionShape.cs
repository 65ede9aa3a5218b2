namespace Craton.Tensors.Kernels;

/// <summary>
/// One spatial dimension of a convolution: place o of the result and tap t of the kernel meet at o · <paramref name="Stride"/> +
/// t · <paramref name="Dilation"/> − <paramref name="Padding"/> of the source, which is zero beyond its ends.
/// </summary>
internal readonly record struct ConvolutionAxis(int Source, int Places, int Taps, int Stride = 1, int Dilation = 1, int Padding = 0)
{
    /// <summary>Places between the first and the last one that one place reads, in steps of the stride.</summary>
    public int Reach => Math.Max(0, Taps - 1) * Dilation / Stride;

    /// <summary>Remainders of the stride that taps fall on: tap t falls on that of tap t mod Planes.</summary>
    public int Planes => Math.Min(Taps, Stride / Divisor(Stride, Dilation));

    /// <summary>Where a place and a tap meet; false in the padding.</summary>
    public bool Meets(int place, int tap, out int at)
    {
        at = place * Stride + tap * Dilation - Padding;
        return (uint)at < (uint)Source;
    }

    /// <summary>The taps of a place that meet the source: from the first one to the one before the end.</summary>
    public (int First, int End) Inside(int place)
    {
        int start = place * Stride - Padding, last = start + (Taps - 1) * Dilation;
        int first = start >= 0 ? 0 : (Dilation - 1 - start) / Dilation;
        return (first, last < Source ? Taps : Math.Max(first, (Source - start + Dilation - 1) / Dilation));
    }

    /// <summary>
    /// The transposed dimension, from places back to the source, for those source places that lie at one remainder of the stride: an
    /// ordinary dimension of stride 1, whose taps run backwards through every few of this one's.
    /// </summary>
    public ConvolutionPhase Phase(int remainder)
    {
        int divisor = Divisor(Stride, Dilation), tapStep = Stride / divisor, step = Dilation / divisor, first = 0;
        while (first < Taps && first * Dilation % Stride != remainder) first++;
        int taps = first < Taps ? (Taps - 1 - first) / tapStep + 1 : 0;
        int start = ((remainder - Padding) % Stride + Stride) % Stride; // the first source place at this remainder
        int places = start < Source ? (Source - 1 - start) / Stride + 1 : 0;
        int shift = (start + Padding - first * Dilation) / Stride; // the place that meets it through the first tap; exact when there is one
        int padding = (taps - 1) * step - shift;
        return new(new ConvolutionAxis(Places, places, taps, 1, step, taps == 0 ? 0 : padding), start, first + (taps - 1) * tapStep, tapStep);
    }

    /// <summary>The greatest common divisor.</summary>
    public static int Divisor(int a, int b) => b == 0 ? a : Divisor(b, a % b);
}

/// <summary>A phase of a transposed dimension: its places are Start, Start + stride, … of the source, its taps LastTap, LastTap − TapStep, ….</summary>
internal readonly record struct ConvolutionPhase(ConvolutionAxis Axis, int Start, int LastTap, int TapStep);

/// <summary>
/// A convolution of two spatial dimensions: source [Images, Groups · Channels, Rows.Source, Columns.Source], weight [Groups · Filters,
/// Channels, Rows.Taps, Columns.Taps], result [Images, Groups · Filters, Rows.Places, Columns.Places], all contiguous.
/// </summary>
internal readonly record struct ConvolutionShape(int Images, int Groups, int Channels, int Filters, ConvolutionAxis Rows, ConvolutionAxis Columns)
{
    /// <summary>Pixels of a source image.</summary>
    public int SourcePixels => Rows.Source * Columns.Source;

    /// <summary>Pixels of a result image.</summary>
    public int Pixels => Rows.Places * Columns.Places;

    /// <summary>Taps of a kernel.</summary>
    public int Taps => Rows.Taps * Columns.Taps;

    /// <summary>Whether a place of the result reads nothing but the pixel at the same place.</summary>
    public bool IsPointwise => Rows == new ConvolutionAxis(Rows.Source, Rows.Source, 1) && Columns == new ConvolutionAxis(Columns.Source, Columns.Source, 1);

    /// <summary>Of a convolution of stride 1: the convolution of the result that gives the gradient of the source.</summary>
    public ConvolutionShape Transposed() => new(Images, Groups, Filters, Channels, Rows.Phase(0).Axis, Columns.Phase(0).Axis);

    /// <summary>A convolution that sees one pixel at a time, its images seen as if they had longer rows: these are faster to walk.</summary>
    public ConvolutionShape Flattened()
    {
        const int Longest = 512;
        if (!IsPointwise) return this;
        int width = ConvolutionAxis.Divisor(SourcePixels, Longest);
        return width <= Columns.Source ? this
            : this with { Rows = new(SourcePixels / width, SourcePixels / width, 1), Columns = new(width, width, 1) };
    }
}
