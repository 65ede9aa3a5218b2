using Craton.Tensors;

namespace Craton.Models.Diffusion.Discrete;

/// <summary>
/// The reverse process of masked diffusion step by step, for noise whose mask probability equals the time: a token that is the mask becomes one
/// that the network expects, or stays the mask. S. Sahoo et al., 2024.
/// </summary>
/// <param name="mask">Id of the mask, which the network cannot expect.</param>
public sealed class AncestralUnmasking(int mask)
{
    /// <summary>The probabilities of what a masked token is at an earlier time.</summary>
    /// <param name="scores">Scores of the network for its place, [V].</param>
    /// <param name="time">The time it is masked at.</param>
    /// <param name="earlier">The earlier time, from 0 to below it.</param>
    /// <exception cref="CratonException">The times are not in order.</exception>
    public double[] Transition(ReadOnlySpan<float> scores, double time, double earlier)
    {
        if (!(earlier >= 0 && earlier < time)) throw new CratonException($"[unmasking] earlier: expected a time from 0 to below {time}, got {earlier}");
        double[] result = Probabilities.Softmax(scores, mask);
        for (int v = 0; v < result.Length; v++) result[v] *= (time - earlier) / time;
        result[mask] = earlier / time;
        return result;
    }

    /// <summary>The ids a step earlier.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="scores">Scores of the network for all places, [T, V] in a row.</param>
    /// <param name="time">Their time.</param>
    /// <param name="earlier">The earlier time.</param>
    /// <param name="uniform">A number above 0 and below 1 for a place and an id: ids race, each with its probability.</param>
    public int[] Step(ReadOnlySpan<int> ids, ReadOnlySpan<float> scores, double time, double earlier, Func<int, int, double> uniform)
    {
        int[] result = ids.ToArray();
        int vocabulary = scores.Length / Math.Max(1, ids.Length);
        for (int place = 0; place < ids.Length; place++)
        {
            if (ids[place] != mask) continue;
            double[] arrivals = Transition(scores.Slice(place * vocabulary, vocabulary), time, earlier);
            for (int v = 0; v < vocabulary; v++) arrivals[v] /= -DeterministicMath.Log(uniform(place, v));
            result[place] = Probabilities.Largest(arrivals);
        }
        return result;
    }
}
