using Craton.Tensors;

namespace Craton.Data.Images;

/// <summary>How the pixels of a resized picture are weighed.</summary>
public enum PictureFilter
{
    /// <summary>The nearest one alone.</summary>
    Nearest = 0,
    /// <summary>Lanczos' windowed sinc of six pixels.</summary>
    Lanczos = 1,
    /// <summary>A triangle of two pixels.</summary>
    Bilinear = 2,
    /// <summary>Cubic convolution of four pixels with a = −½.</summary>
    Bicubic = 3,
    /// <summary>All the same.</summary>
    Box = 4,
    /// <summary>Hamming's windowed sinc of two pixels.</summary>
    Hamming = 5,
}

/// <summary>
/// Resizes pictures as the image processors of published models do (Pillow's resampling): filters widen when a picture shrinks, rows and
/// columns are two passes, and 8-bit samples are rounded after each of them, with weights in fixed point of 22 bits.
/// </summary>
public static class PictureResizer
{
    /// <summary>The picture in another size.</summary>
    public static Picture Resize(Picture picture, int width, int height, PictureFilter filter)
    {
        Check(width, height);
        if (filter == PictureFilter.Nearest) return Nearest(picture, width, height);
        bool columnsFirst = VerticalFirst(picture.Width, picture.Height, width, height);
        Picture half = columnsFirst ? Down(picture, height, filter) : Across(picture, width, filter);
        return columnsFirst ? Across(half, width, filter) : Down(half, height, filter);
    }

    /// <summary>One channel of floats in another size, without rounding between the passes.</summary>
    public static float[] Resize(ReadOnlySpan<float> samples, int samplesWidth, int width, int height, PictureFilter filter)
    {
        Check(width, height);
        int samplesHeight = samples.Length / samplesWidth;
        var rows = new PictureWeights(samplesHeight, height, filter);
        var columns = new PictureWeights(samplesWidth, width, filter);
        float[] half = new float[samplesHeight * width], result = new float[height * width];
        for (int y = 0; y < samplesHeight; y++)
            for (int x = 0; x < width; x++) half[y * width + x] = Sum(columns, x, samples[(y * samplesWidth)..], 1);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) result[y * width + x] = Sum(rows, y, half.AsSpan(x), width);
        return result;
    }

    // The cheaper order, where rows shrink much more than columns.
    private static bool VerticalFirst(int fromWidth, int fromHeight, int width, int height) =>
        fromHeight - height > 0 && fromHeight - height > 2L * (fromWidth - width);

    private static float Sum(PictureWeights weights, int place, ReadOnlySpan<float> samples, int step)
    {
        double sum = 0;
        for (int i = 0; i < weights.Count(place); i++) sum += weights[place, i] * samples[(weights.First(place) + i) * step];
        return (float)sum;
    }

    private static Picture Across(Picture picture, int width, PictureFilter filter)
    {
        if (picture.Width == width) return picture;
        int channels = picture.Channels;
        byte[] result = new byte[checked(width * picture.Height * channels)];
        var weights = new PictureWeights(picture.Width, width, filter);
        for (int y = 0; y < picture.Height; y++)
            for (int x = 0; x < width; x++)
                for (int c = 0; c < channels; c++)
                    result[(y * width + x) * channels + c] = Rounded(weights, x, picture.Samples, y * picture.Width * channels + c, channels);
        return new(width, picture.Height, channels, result);
    }

    private static Picture Down(Picture picture, int height, PictureFilter filter)
    {
        if (picture.Height == height) return picture;
        int row = picture.Width * picture.Channels;
        byte[] result = new byte[checked(row * height)];
        var weights = new PictureWeights(picture.Height, height, filter);
        for (int y = 0; y < height; y++)
            for (int i = 0; i < row; i++) result[y * row + i] = Rounded(weights, y, picture.Samples, i, row);
        return new(picture.Width, height, picture.Channels, result);
    }

    private static byte Rounded(PictureWeights weights, int place, byte[] samples, int start, int step)
    {
        int sum = 1 << PictureWeights.Bits - 1;
        for (int i = 0, at = start + weights.First(place) * step; i < weights.Count(place); i++, at += step) sum += samples[at] * weights.Fixed(place, i);
        return (byte)Math.Clamp(sum >> PictureWeights.Bits, 0, 255);
    }

    // Positions add up step by step: that decides which of two equally near pixels is taken.
    private static Picture Nearest(Picture picture, int width, int height)
    {
        int channels = picture.Channels;
        byte[] result = new byte[checked(width * height * channels)];
        int[] columns = Places(picture.Width, width), rows = Places(picture.Height, height);
        for (int y = 0, at = 0; y < height; y++)
            for (int x = 0; x < width; x++, at += channels)
                picture.Samples.AsSpan((rows[y] * picture.Width + columns[x]) * channels, channels).CopyTo(result.AsSpan(at));
        return new(width, height, channels, result);
    }

    private static int[] Places(int from, int to)
    {
        double step = (double)from / to, place = step * 0.5;
        int[] places = new int[to];
        for (int i = 0; i < to; i++, place += step) places[i] = Math.Min((int)place, from - 1);
        return places;
    }

    private static void Check(int width, int height)
    {
        if (width < 1 || height < 1 || (long)width * height > Picture.MostPixels)
            throw new CratonException($"[resize] size: expected 1 to {Picture.MostPixels} pixels, got {width}×{height}");
    }
}

/// <summary>The source pixels of every place of a resized row or column, and their weights.</summary>
internal sealed class PictureWeights
{
    /// <summary>Fraction bits of fixed-point weights.</summary>
    public const int Bits = 22;

    private readonly int[] _first, _count, _fixed;
    private readonly double[] _weights;
    private readonly int _most;

    public PictureWeights(int from, int to, PictureFilter filter)
    {
        double scale = (double)from / to, widening = Math.Max(1, scale), support = Support(filter) * widening;
        _most = (int)Math.Ceiling(support) * 2 + 1;
        (_first, _count, _weights) = (new int[to], new int[to], new double[checked(to * _most)]);
        for (int place = 0; place < to; place++)
        {
            double centre = (place + 0.5) * scale, sum = 0;
            int first = Math.Max(0, (int)(centre - support + 0.5)), count = Math.Min(from, (int)(centre + support + 0.5)) - first;
            (_first[place], _count[place]) = (first, count);
            Span<double> weights = _weights.AsSpan(place * _most, count);
            for (int i = 0; i < count; i++) sum += weights[i] = Weight(filter, (i + first - centre + 0.5) * (1 / widening));
            for (int i = 0; i < count && sum != 0; i++) weights[i] /= sum;
        }
        _fixed = Array.ConvertAll(_weights, weight => (int)(weight * (1 << Bits) + (weight < 0 ? -0.5 : 0.5)));
    }

    public double this[int place, int i] => _weights[place * _most + i];

    public int Fixed(int place, int i) => _fixed[place * _most + i];

    public int First(int place) => _first[place];

    public int Count(int place) => _count[place];

    private static double Support(PictureFilter filter) => filter switch
    {
        PictureFilter.Box => 0.5,
        PictureFilter.Bicubic => 2,
        PictureFilter.Lanczos => 3,
        _ => 1,
    };

    private static double Weight(PictureFilter filter, double x)
    {
        double d = Math.Abs(x);
        return filter switch
        {
            PictureFilter.Box => x is > -0.5 and <= 0.5 ? 1 : 0,
            PictureFilter.Bilinear => Math.Max(0, 1 - d),
            PictureFilter.Hamming => d >= 1 ? 0 : Sinc(d) * (0.54 + 0.46 * DeterministicMath.Cos(d * Math.PI)),
            PictureFilter.Bicubic => d < 1 ? (1.5 * d - 2.5) * d * d + 1 : d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0,
            _ => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0,
        };
    }

    private static double Sinc(double x) => x == 0 ? 1 : DeterministicMath.Sin(x * Math.PI) / (x * Math.PI);
}
