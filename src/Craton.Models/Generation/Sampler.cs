using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>
/// Chooses tokens from scores: repetition penalty, temperature, top-k, top-p, min-p, then one random number that only seed and step
/// decide. Ties fall to the smaller id.
/// </summary>
public sealed class Sampler(SamplingOptions options)
{
    private readonly CounterRandom _random = new(options.Seed);
    private float[] _scores = [];
    private int[] _order = [];

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">Scores of all tokens.</param>
    /// <param name="history">Prompt and answer so far.</param>
    /// <param name="step">Number of the choice, from 0.</param>
    public int Choose(ReadOnlySpan<float> logits, IReadOnlyList<int> history, long step)
    {
        if (_scores.Length != logits.Length) (_scores, _order) = (new float[logits.Length], new int[logits.Length]);
        logits.CopyTo(_scores);
        Penalise(_scores, history, options.RepetitionPenalty);
        if (options.Temperature == 0) return Best(_scores);
        Filter(_scores, _order, options);
        return Draw(_scores, _random.Uniform(step));
    }

    /// <summary>Divides positive and multiplies negative scores of tokens in the history.</summary>
    public static void Penalise(Span<float> scores, IReadOnlyList<int> history, double penalty)
    {
        if (penalty == 1) return;
        var seen = new HashSet<int>();
        foreach (int id in history)
            if (seen.Add(id)) scores[id] = (float)(scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty);
    }

    /// <summary>Temperature, then −∞ for every token that top-k, top-p or min-p leaves out.</summary>
    /// <param name="scores">The scores, changed in place.</param>
    /// <param name="order">Working memory of the same length.</param>
    /// <param name="options">Which filters.</param>
    public static void Filter(Span<float> scores, Span<int> order, SamplingOptions options)
    {
        float inverse = (float)(1 / options.Temperature);
        for (int i = 0; i < scores.Length; i++) scores[i] *= inverse;
        if (options.TopK == 0 && options.TopP == 1 && options.MinP == 0) return;
        for (int i = 0; i < order.Length; i++) order[i] = i;
        float[] keys = scores.ToArray();
        order.Sort((a, b) => keys[a] != keys[b] ? keys[b].CompareTo(keys[a]) : a.CompareTo(b));
        if (options.TopK > 0 && options.TopK < scores.Length)
        {
            float least = keys[order[options.TopK - 1]];
            foreach (ref float score in scores)
                if (score < least) score = float.NegativeInfinity;
        }
        if (options.TopP < 1) KeepNucleus(scores, order, options.TopP);
        if (options.MinP > 0)
        {
            double least = scores[order[0]] + Math.Log(options.MinP);
            foreach (ref float score in scores)
                if (score < least) score = float.NegativeInfinity;
        }
    }

    /// <summary>The first of the greatest scores.</summary>
    public static int Best(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
            if (scores[i] > scores[best]) best = i;
        return best;
    }

    private static void KeepNucleus(Span<float> scores, ReadOnlySpan<int> order, double p)
    {
        double total = 0, before = 0;
        float max = scores[order[0]];
        foreach (int id in order) total += Math.Exp(scores[id] - max);
        foreach (int id in order)
        {
            double probability = Math.Exp(scores[id] - max) / total;
            if (before >= p) scores[id] = float.NegativeInfinity;
            before += probability;
        }
    }

    private static int Draw(ReadOnlySpan<float> scores, double uniform)
    {
        float max = scores[Best(scores)];
        double total = 0;
        foreach (float score in scores) total += Math.Exp(score - max);
        double at = uniform * total;
        int last = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            double share = Math.Exp(scores[i] - max);
            if (share == 0) continue;
            if (at < share) return i;
            at -= share;
            last = i;
        }
        return last;
    }
}
