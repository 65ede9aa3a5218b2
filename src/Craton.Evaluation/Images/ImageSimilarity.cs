using Craton.Tensors;

namespace Craton.Evaluation.Images;

/// <summary>The weights of the places around a pixel, the same along rows and columns.</summary>
/// <param name="Weights">Weights along one direction, which add up to 1.</param>
/// <param name="Correction">Factor on variances.</param>
public sealed record SimilarityWindow(double[] Weights, double Correction)
{
    /// <summary>11 × 11 places of a normal distribution of deviation 1.5, as in the paper.</summary>
    public static SimilarityWindow Gaussian { get; } = OfGaussian(11, 1.5);

    /// <summary>7 × 7 equal places, variances divided by one less than their number.</summary>
    public static SimilarityWindow Uniform { get; } = new([.. Enumerable.Repeat(1.0 / 7, 7)], 49.0 / 48);

    private static SimilarityWindow OfGaussian(int size, double deviation)
    {
        double[] weights = [.. Enumerable.Range(0, size).Select(i => i - size / 2).Select(x => DeterministicMath.Exp(-x * x / (2 * deviation * deviation)))];
        double sum = weights.Sum();
        return new SimilarityWindow([.. weights.Select(w => w / sum)], 1);
    }
}

/// <summary>How alike two pictures are, pixel by pixel.</summary>
public static class ImageSimilarity
{
    private const double K1 = 0.01, K2 = 0.03;

    /// <summary>
    /// Structural similarity of one channel, 1 for equal pictures. Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural
    /// Similarity", 2004.
    /// </summary>
    /// <param name="a">[height, width].</param>
    /// <param name="b">[height, width].</param>
    /// <param name="height">Number of rows, not fewer than those of the window.</param>
    /// <param name="width">Number of columns, not fewer than those of the window.</param>
    /// <param name="window">The window.</param>
    /// <param name="range">From the darkest to the brightest possible value.</param>
    /// <returns>A value for each place of the window within the picture, row by row; their mean is the similarity.</returns>
    /// <exception cref="CratonException">The sizes do not fit.</exception>
    public static double[] Structure(ReadOnlySpan<double> a, ReadOnlySpan<double> b, int height, int width, SimilarityWindow window, double range = 255)
    {
        int size = window.Weights.Length;
        if (height < size || width < size) throw new CratonException($"[ssim] expected pictures of at least {size} rows and columns, got {height} and {width}");
        if (a.Length != (long)height * width || b.Length != a.Length)
            throw new CratonException($"[ssim] expected two channels of {height} rows and {width} columns, got {a.Length} and {b.Length} values");
        double[] meanA = Filtered(a, a, false), meanB = Filtered(b, b, false);
        double[] squareA = Filtered(a, a, true), squareB = Filtered(b, b, true), product = Filtered(a, b, true);
        double c1 = K1 * range * (K1 * range), c2 = K2 * range * (K2 * range);
        double[] map = new double[meanA.Length];
        for (int i = 0; i < map.Length; i++)
        {
            (double x, double y) = (meanA[i], meanB[i]);
            double spreadA = (squareA[i] - x * x) * window.Correction, spreadB = (squareB[i] - y * y) * window.Correction;
            double together = (product[i] - x * y) * window.Correction;
            map[i] = (2 * x * y + c1) * (2 * together + c2) / ((x * x + y * y + c1) * (spreadA + spreadB + c2));
        }
        return map;

        double[] Filtered(ReadOnlySpan<double> one, ReadOnlySpan<double> other, bool multiply)
        {
            double[] values = one.ToArray();
            for (int i = 0; multiply && i < values.Length; i++) values[i] *= other[i];
            return Along(Along(values, height, width, window.Weights), width - size + 1, height, window.Weights);
        }
    }

    /// <summary>10·log₁₀(range² / mean squared difference), in decibels; ∞ for equal pictures.</summary>
    /// <param name="a">A picture.</param>
    /// <param name="b">The other, of the same size.</param>
    /// <param name="range">From the darkest to the brightest possible value.</param>
    /// <exception cref="CratonException">The sizes differ.</exception>
    public static double PeakSignalToNoise(ReadOnlySpan<double> a, ReadOnlySpan<double> b, double range = 255)
    {
        if (a.Length == 0 || a.Length != b.Length) throw new CratonException($"[psnr] expected two pictures of the same size, got {a.Length} and {b.Length} values");
        double error = VectorSet.SquaredDistance(a, b) / a.Length;
        return error == 0 ? double.PositiveInfinity : 10 * DeterministicMath.Log(range * range / error) / DeterministicMath.Log(10);
    }

    // Weighted sums along rows, transposed, so that twice gives sums along both directions in the order of before.
    private static double[] Along(double[] values, int height, int width, double[] weights)
    {
        int columns = width - weights.Length + 1;
        double[] result = new double[columns * height];
        for (int row = 0; row < height; row++)
            for (int column = 0; column < columns; column++)
                result[column * height + row] = VectorSet.Dot(weights, values.AsSpan(row * width + column, weights.Length));
        return result;
    }
}
