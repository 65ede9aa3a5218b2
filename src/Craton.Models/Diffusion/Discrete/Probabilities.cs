using Craton.Tensors;

namespace Craton.Models.Diffusion.Discrete;

/// <summary>Probabilities of tokens in double precision, the same on every machine.</summary>
internal static class Probabilities
{
    /// <summary>Softmax of scores; −∞ gives 0.</summary>
    public static double[] Softmax(ReadOnlySpan<float> scores, int? excluded = null)
    {
        double[] wide = new double[scores.Length];
        for (int i = 0; i < wide.Length; i++) wide[i] = i == excluded ? double.NegativeInfinity : scores[i];
        return Softmax(wide);
    }

    /// <summary>Softmax of scores; −∞ gives 0.</summary>
    public static double[] Softmax(ReadOnlySpan<double> scores)
    {
        double most = double.NegativeInfinity, sum = 0;
        foreach (double score in scores) most = Math.Max(most, score);
        double[] result = new double[scores.Length];
        for (int i = 0; i < result.Length; i++)
            if (!double.IsNegativeInfinity(scores[i])) sum += result[i] = DeterministicMath.Exp(scores[i] - most);
        for (int i = 0; i < result.Length; i++) result[i] /= sum;
        return result;
    }

    /// <summary>The first of the largest values.</summary>
    public static int Largest(ReadOnlySpan<double> values)
    {
        int largest = 0;
        for (int i = 1; i < values.Length; i++)
            if (values[i] > values[largest]) largest = i;
        return largest;
    }
}
