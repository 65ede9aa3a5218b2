namespace Craton.Tensors.Kernels;

/// <summary>Ways of making a place of a resized dimension from places of the source.</summary>
internal enum ResamplingKind
{
    /// <summary>The one below.</summary>
    Nearest,
    /// <summary>The two around it, by distance.</summary>
    Linear,
    /// <summary>The four around it: cubic convolution with a = −¾.</summary>
    Cubic,
    /// <summary>The mean of a window.</summary>
    Window,
    /// <summary>The mean of the part of the source that the place covers.</summary>
    Cover,
}

/// <summary>A resized dimension: every place is a weighted sum of few source places. Averaging and interpolation differ in the weights alone.</summary>
internal readonly record struct Resampling(ResamplingKind Kind, int Source, int Places)
{
    /// <summary>First and last places of source and result coincide, instead of the borders.</summary>
    public bool AlignCorners { get; init; }

    /// <summary>Length, distance and padding of windows.</summary>
    public int Length { get; init; }

    /// <inheritdoc cref="Length" />
    public int Stride { get; init; }

    /// <inheritdoc cref="Length" />
    public int Padding { get; init; }

    /// <summary>Padding counts as places of value 0.</summary>
    public bool CountsPadding { get; init; }

    /// <summary>Most source places of a place.</summary>
    public int MostTaps => Kind switch
    {
        ResamplingKind.Nearest => 1,
        ResamplingKind.Linear => 2,
        ResamplingKind.Cubic => 4,
        ResamplingKind.Window => Length,
        _ => (Source + Places - 1) / Places + 1,
    };

    /// <summary>The source places of a place, which may repeat, and their weights.</summary>
    /// <returns>Their number.</returns>
    public int Taps(int place, Span<int> at, Span<double> weights)
    {
        switch (Kind)
        {
            case ResamplingKind.Nearest:
                (at[0], weights[0]) = ((int)((long)place * Source / Places), 1);
                return 1;
            case ResamplingKind.Linear:
                double x = Math.Max(0, Coordinate(place));
                int below = Math.Min((int)x, Source - 1);
                (at[0], at[1]) = (below, Math.Min(below + 1, Source - 1));
                (weights[0], weights[1]) = (1 - (x - below), x - below);
                return 2;
            case ResamplingKind.Cubic:
                return Cubic(Coordinate(place), at, weights);
            case ResamplingKind.Window:
                int start = place * Stride - Padding, end = Math.Min(start + Length, Source + Padding), whole = end - start;
                (start, end) = (Math.Max(0, start), Math.Min(Source, end));
                return Mean(start, end, CountsPadding ? whole : end - start, at, weights);
            default:
                int first = (int)((long)place * Source / Places), last = (int)(((place + 1L) * Source + Places - 1) / Places);
                return Mean(first, last, last - first, at, weights);
        }
    }

    private double Coordinate(int place) =>
        AlignCorners ? Places > 1 ? place * ((double)(Source - 1) / (Places - 1)) : 0 : (place + 0.5) * ((double)Source / Places) - 0.5;

    private static int Mean(int start, int end, int count, Span<int> at, Span<double> weights)
    {
        for (int i = start; i < end; i++) (at[i - start], weights[i - start]) = (i, 1.0 / count);
        return Math.Max(0, end - start);
    }

    // R. G. Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981; places beyond the ends show the last one.
    private int Cubic(double x, Span<int> at, Span<double> weights)
    {
        const double A = -0.75;
        int below = (int)Math.Floor(x);
        for (int i = 0; i < 4; i++)
        {
            double d = Math.Abs(x - (below - 1 + i));
            at[i] = Math.Clamp(below - 1 + i, 0, Source - 1);
            weights[i] = d <= 1 ? ((A + 2) * d - (A + 3)) * d * d + 1 : ((A * d - 5 * A) * d + 8 * A) * d - 4 * A;
        }
        return 4;
    }
}

/// <summary>All taps of a resized dimension, in memory of the caller: those of a place are First(place) .. First(place + 1) − 1.</summary>
internal readonly unsafe struct ResamplingTable
{
    private readonly double* _weights;
    private readonly int* _at, _first;

    public ResamplingTable(in Resampling axis, void* memory)
    {
        int most = axis.Places * axis.MostTaps;
        _weights = (double*)memory;
        _at = (int*)(_weights + most);
        _first = _at + most;
        _first[0] = 0;
        for (int place = 0; place < axis.Places; place++)
        {
            int first = _first[place];
            _first[place + 1] = first + axis.Taps(place, new Span<int>(_at + first, most - first), new Span<double>(_weights + first, most - first));
        }
    }

    /// <summary>Whether a place is a copy of a single one of the source.</summary>
    public bool IsCopy(int place) => _first[place + 1] - _first[place] == 1 && _weights[_first[place]] == 1;

    /// <summary>Memory of a table, in bytes, a multiple of 8.</summary>
    public static long Size(in Resampling axis) => checked(axis.Places * axis.MostTaps) * 12L + (axis.Places + 1) * 4L + 7 & ~7L;

    public int First(int place) => _first[place];

    public int At(int tap) => _at[tap];

    public double Weight(int tap) => _weights[tap];
}
