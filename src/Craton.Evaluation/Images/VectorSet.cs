using Craton.Tensors;

namespace Craton.Evaluation.Images;

/// <summary>Vectors of one width, one behind the other.</summary>
internal readonly ref struct VectorSet
{
    private readonly ReadOnlySpan<double> _values;

    /// <summary>Looks at values as vectors.</summary>
    /// <param name="metric">The metric, for errors.</param>
    /// <param name="name">The argument, for errors.</param>
    /// <param name="values">The vectors.</param>
    /// <param name="count">How many they are.</param>
    /// <param name="width">Size of each.</param>
    /// <param name="least">How many the metric needs.</param>
    /// <exception cref="CratonException">They are other or fewer than said, or not finite.</exception>
    public VectorSet(string metric, string name, ReadOnlySpan<double> values, int count, int width, int least)
    {
        if (width < 1) throw new CratonException($"[{metric}] width: expected 1 or more, got {width}");
        if (count < least) throw new CratonException($"[{metric}] {name}: expected at least {least} vectors, got {count}; measure more");
        if (values.Length != (long)count * width) throw new CratonException($"[{metric}] {name}: expected {count} vectors of {width} numbers, got {values.Length} numbers");
        foreach (double value in values)
            if (!double.IsFinite(value)) throw new CratonException($"[{metric}] {name}: expected finite numbers, got {value}");
        _values = values;
        (Count, Width) = (count, width);
    }

    /// <summary>Number of vectors.</summary>
    public int Count { get; }

    /// <summary>Size of each.</summary>
    public int Width { get; }

    /// <summary>One vector.</summary>
    public ReadOnlySpan<double> this[int i] => _values.Slice(i * Width, Width);

    /// <summary>The mean vector.</summary>
    public double[] Mean()
    {
        double[] mean = new double[Width];
        for (int i = 0; i < _values.Length; i++) mean[i % Width] += _values[i];
        for (int j = 0; j < Width; j++) mean[j] /= Count;
        return mean;
    }

    /// <summary>Sum of products.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary>Cosine of the angle between two vectors; 0 where one of them is zero.</summary>
    public static double Cosine(ReadOnlySpan<double> a, ReadOnlySpan<double> b) =>
        Math.Sqrt(Dot(a, a)) * Math.Sqrt(Dot(b, b)) is > 0 and var lengths ? Dot(a, b) / lengths : 0;

    /// <summary>Square of the distance.</summary>
    public static double SquaredDistance(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
        return sum;
    }
}
