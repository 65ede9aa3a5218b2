using Craton.Tensors;

namespace Craton.Evaluation.Images;

/// <summary>
/// Whether a classifier finds each picture clear and all of them varied: e to the mean divergence of a picture's classes from the mean of all
/// pictures' classes. T. Salimans et al., "Improved Techniques for Training GANs", 2016.
/// </summary>
/// <param name="Mean">Mean over the parts; from 1 to the number of classes.</param>
/// <param name="Deviation">Standard deviation over the parts.</param>
public readonly record struct InceptionScore(double Mean, double Deviation)
{
    /// <summary>The score of pictures whose classes are given.</summary>
    /// <param name="probabilities">[count, classes], each row adding up to 1.</param>
    /// <param name="count">Number of pictures.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="parts">Number of equal parts, one behind the other, that are scored each.</param>
    /// <exception cref="CratonException">The pictures cannot be cut into these parts, or what is given are no probabilities.</exception>
    public static InceptionScore Of(ReadOnlySpan<double> probabilities, int count, int classes, int parts = 10)
    {
        var rows = new VectorSet("inception_score", nameof(probabilities), probabilities, count, classes, least: 1);
        if (parts < 1 || count % parts != 0) throw new CratonException($"[inception_score] parts: expected a divisor of the {count} pictures, got {parts}");
        foreach (double p in probabilities)
            if (p is < 0 or > 1 + 1e-6) throw new CratonException($"[inception_score] probabilities: expected numbers from 0 to 1, got {p}");
        double[] scores = new double[parts];
        for (int part = 0; part < parts; part++) scores[part] = Score(rows, part * (count / parts), count / parts);
        double mean = scores.Average();
        return new InceptionScore(mean, Math.Sqrt(scores.Average(s => (s - mean) * (s - mean))));
    }

    private static double Score(VectorSet rows, int first, int count)
    {
        double[] mean = new double[rows.Width];
        for (int i = first; i < first + count; i++)
            for (int c = 0; c < mean.Length; c++) mean[c] += rows[i][c] / count;
        double divergence = 0;
        for (int i = first; i < first + count; i++)
            for (int c = 0; c < mean.Length; c++)
                if (rows[i][c] is > 0 and var p) divergence += p * (DeterministicMath.Log(p) - DeterministicMath.Log(mean[c]));
        return DeterministicMath.Exp(divergence / count);
    }
}
