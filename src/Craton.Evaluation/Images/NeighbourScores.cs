using Craton.Tensors;

namespace Craton.Evaluation.Images;

/// <summary>
/// How real and made pictures lie among each other. A ball around each picture reaches to its k-th nearest other one of the same set. T.
/// Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models", 2019; M. Naeem et al., "Reliable Fidelity and
/// Diversity Metrics for Generative Models", 2020.
/// </summary>
/// <param name="Precision">Share of made pictures that lie in a ball of a real one: whether they look real.</param>
/// <param name="Recall">Share of real pictures that lie in a ball of a made one: whether all kinds are made.</param>
/// <param name="Density">Mean number of balls of real pictures that a made one lies in, over k.</param>
/// <param name="Coverage">Share of real pictures with a made one in their ball.</param>
public readonly record struct NeighbourScores(double Precision, double Recall, double Density, double Coverage)
{
    /// <summary>The scores of two sets of features.</summary>
    /// <param name="real">[countReal, width].</param>
    /// <param name="countReal">Number of real pictures, more than k.</param>
    /// <param name="made">[countMade, width].</param>
    /// <param name="countMade">Number of made pictures, more than k.</param>
    /// <param name="width">Size of a vector.</param>
    /// <param name="k">Which neighbour bounds a ball.</param>
    /// <exception cref="CratonException">There are fewer vectors, or the sizes do not fit, or a number is not finite.</exception>
    public static NeighbourScores Between(ReadOnlySpan<double> real, int countReal, ReadOnlySpan<double> made, int countMade, int width, int k = 3)
    {
        if (k < 1) throw new CratonException($"[neighbours] k: expected 1 or more, got {k}");
        var r = new VectorSet("neighbours", nameof(real), real, countReal, width, least: k + 1);
        var m = new VectorSet("neighbours", nameof(made), made, countMade, width, least: k + 1);
        double[] reachReal = Reaches(r, k), reachMade = Reaches(m, k);
        bool[] recalled = new bool[countReal], covered = new bool[countReal];
        int precise = 0;
        long balls = 0;
        for (int i = 0; i < countMade; i++)
        {
            int within = 0;
            for (int j = 0; j < countReal; j++)
            {
                double distance = VectorSet.SquaredDistance(m[i], r[j]);
                if (distance <= reachReal[j])
                {
                    within++;
                    covered[j] = true;
                }
                recalled[j] |= distance <= reachMade[i];
            }
            balls += within;
            if (within > 0) precise++;
        }
        return new NeighbourScores(
            (double)precise / countMade, (double)recalled.Count(x => x) / countReal, (double)balls / k / countMade, (double)covered.Count(x => x) / countReal);
    }

    // The squared distance of each vector to its k-th nearest other one.
    private static double[] Reaches(VectorSet set, int k)
    {
        double[] reaches = new double[set.Count], distances = new double[set.Count];
        for (int i = 0; i < set.Count; i++)
        {
            for (int j = 0; j < set.Count; j++) distances[j] = j == i ? double.NegativeInfinity : VectorSet.SquaredDistance(set[i], set[j]);
            Array.Sort(distances);
            reaches[i] = distances[k];
        }
        return reaches;
    }
}
