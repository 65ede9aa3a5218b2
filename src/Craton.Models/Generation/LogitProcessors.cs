using System.Buffers;
using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>
/// What changes the scores [V] of the next token before one is drawn, each in place; a token that is left out gets −∞. Every sum has
/// one order and every function is our own, so that the same scores give the same tokens on every machine.
/// </summary>
internal static class LogitProcessors
{
    /// <summary>Divides positive and multiplies negative scores of tokens that occurred (Keskar et al. 2019).</summary>
    public static void RepetitionPenalty(Span<float> scores, ReadOnlySpan<bool> occurred, double penalty)
    {
        float factor = (float)penalty;
        for (int i = 0; i < scores.Length; i++)
            if (occurred[i]) scores[i] = scores[i] > 0 ? scores[i] / factor : scores[i] * factor;
    }

    /// <summary>Subtracts count · frequency + presence from tokens that were generated.</summary>
    public static void FrequencyPresence(Span<float> scores, ReadOnlySpan<int> counts, double frequency, double presence)
    {
        for (int i = 0; i < scores.Length; i++)
            if (counts[i] > 0) scores[i] -= (float)(counts[i] * frequency + presence);
    }

    /// <summary>Adds a bias to the last token of a sequence whose beginning ends the text; −∞ leaves the token out.</summary>
    public static void Bias(Span<float> scores, ReadOnlySpan<int> text, SequenceBias bias)
    {
        int before = bias.Sequence.Count - 1;
        if (before > text.Length) return;
        for (int i = 0; i < before; i++)
            if (text[text.Length - before + i] != bias.Sequence[i]) return;
        scores[bias.Sequence[before]] += (float)bias.Bias;
    }

    /// <summary>Leaves out what would complete n tokens that occurred in this order before (Paulus et al. 2018).</summary>
    public static void NoRepeat(Span<float> scores, ReadOnlySpan<int> text, int n)
    {
        if (text.Length < n) return;
        ReadOnlySpan<int> end = text[(text.Length - n + 1)..];
        for (int i = 0; i + n <= text.Length; i++)
            if (text.Slice(i, n - 1).SequenceEqual(end)) scores[text[i + n - 1]] = float.NegativeInfinity;
    }

    /// <summary>Leaves one token, with the score 0.</summary>
    public static void Only(Span<float> scores, int token)
    {
        scores.Fill(float.NegativeInfinity);
        scores[token] = 0;
    }

    /// <summary>Divides by the temperature.</summary>
    public static void Temperature(Span<float> scores, double temperature)
    {
        foreach (ref float score in scores) score = (float)(score / temperature);
    }

    /// <summary>Leaves out what is smaller than the k-th largest; equal scores stay.</summary>
    public static void TopK(Span<float> scores, int k)
    {
        if (k >= scores.Length) return;
        float least = scores[NthBest(scores, k)];
        foreach (ref float score in scores)
            if (score < least) score = float.NegativeInfinity;
    }

    /// <summary>
    /// In order of descending probability, equal ones by id, keeps tokens while the probability before them is below p
    /// (Holtzman et al. 2020), and never fewer than given.
    /// </summary>
    public static void TopP(Tensor scores, double p, int fewest = 1)
    {
        ReadOnlySpan<float> probabilities = Ops.Softmax(scores).AsSpan<float>();
        Span<float> values = scores.AsSpan<float>();
        // Tokens below this have less than 1 − p together, so they come behind all that are kept and need not be sorted.
        double least = fewest > 1 ? 0 : 0.5 * (1 - p) / values.Length;
        (float Probability, int Id)[] candidates = ArrayPool<(float, int)>.Shared.Rent(values.Length);
        int count = 0;
        for (int i = 0; i < values.Length; i++)
            if (probabilities[i] >= least) candidates[count++] = (probabilities[i], i);
        candidates.AsSpan(0, count).Sort(static (a, b) => a.Probability != b.Probability ? b.Probability.CompareTo(a.Probability) : a.Id.CompareTo(b.Id));
        double before = 0;
        int kept = 0;
        while (kept < count && (before < p || kept < fewest)) before += candidates[kept++].Probability;
        for (int i = 0; i < kept; i++) candidates[i].Probability = values[candidates[i].Id];
        values.Fill(float.NegativeInfinity);
        foreach ((float score, int id) in candidates.AsSpan(0, kept)) values[id] = score;
        ArrayPool<(float, int)>.Shared.Return(candidates);
    }

    /// <summary>Leaves out tokens less than p times as likely as the likeliest, but never all but fewer than given.</summary>
    public static void MinP(Tensor scores, double p, int fewest = 1)
    {
        ReadOnlySpan<float> probabilities = Ops.Softmax(scores).AsSpan<float>();
        Span<float> values = scores.AsSpan<float>();
        double least = Math.Min(p * probabilities[First(values)], probabilities[NthBest(values, Math.Min(fewest, values.Length))]);
        for (int i = 0; i < values.Length; i++)
            if (probabilities[i] < least) values[i] = float.NegativeInfinity;
    }

    /// <summary>
    /// In order of how far a token's information is from what is expected, the entropy, keeps tokens until they have probability p together,
    /// and those that are as far as the last one (Meister et al. 2023).
    /// </summary>
    public static void TypicalP(Tensor scores, double p)
    {
        ReadOnlySpan<float> logs = Ops.LogSoftmax(scores).AsSpan<float>(), probabilities = Ops.Softmax(scores).AsSpan<float>();
        double entropy = Entropy(logs, probabilities), mass = 0;
        var order = new (double Distance, int Id)[logs.Length];
        for (int i = 0; i < order.Length; i++) order[i] = (Math.Abs(-logs[i] - entropy), i);
        order.AsSpan().Sort();
        int last = 0;
        while (last < order.Length - 1 && (mass += probabilities[order[last].Id]) < p) last++;
        Span<float> values = scores.AsSpan<float>();
        foreach ((double distance, int id) in order.AsSpan(last + 1))
            if (distance > order[last].Distance) values[id] = float.NegativeInfinity;
    }

    /// <summary>Leaves out tokens less likely than epsilon; the likeliest stays (Hewitt et al. 2022).</summary>
    public static void EpsilonCutoff(Tensor scores, double epsilon)
    {
        ReadOnlySpan<float> probabilities = Ops.Softmax(scores).AsSpan<float>();
        Span<float> values = scores.AsSpan<float>();
        float greatest = values[First(values)];
        for (int i = 0; i < values.Length; i++)
            if (probabilities[i] < epsilon && values[i] < greatest) values[i] = float.NegativeInfinity;
    }

    /// <summary>The same, with a limit that falls where the choice is open: min(ε, √ε · exp(−entropy)).</summary>
    public static void EtaCutoff(Tensor scores, double epsilon)
    {
        double entropy = Entropy(Ops.LogSoftmax(scores).AsSpan<float>(), Ops.Softmax(scores).AsSpan<float>());
        EpsilonCutoff(scores, Math.Min(epsilon, Math.Sqrt(epsilon) * DeterministicMath.Exp(-entropy)));
    }

    private static double Entropy(ReadOnlySpan<float> logs, ReadOnlySpan<float> probabilities)
    {
        double entropy = 0;
        for (int i = 0; i < logs.Length; i++)
            if (probabilities[i] > 0) entropy -= (double)probabilities[i] * logs[i];
        return entropy;
    }

    /// <summary>Leaves out tokens whose bit is not set: token i has bit i mod 32 of word i / 32.</summary>
    /// <exception cref="CratonException">No bit is set.</exception>
    public static void KeepAllowed(Span<float> scores, ReadOnlySpan<uint> allowed)
    {
        bool any = false;
        for (int i = 0; i < scores.Length; i++)
        {
            if ((allowed[i >> 5] >> (i & 31) & 1) != 0) any = true;
            else scores[i] = float.NegativeInfinity;
        }
        if (!any) throw new CratonException("no token may follow here: the answer's constraint cannot be met with this tokenizer; check that it is meant for it");
    }

    /// <summary>The first of the greatest scores.</summary>
    /// <exception cref="CratonException">A score is no number, or none is finite.</exception>
    public static int First(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            if (float.IsNaN(scores[i])) throw NoChoice(i, scores[i]);
            if (scores[i] > scores[best]) best = i;
        }
        return float.IsFinite(scores[best]) ? best : throw NoChoice(best, scores[best]);
    }

    /// <summary>Fills a span with the ids of the greatest scores, best first, equal ones by id; it has at most as many places as there are scores.</summary>
    public static void Best(ReadOnlySpan<float> scores, Span<int> best)
    {
        if (best.IsEmpty) return;
        // A heap of the best so far whose root is the worst of them.
        for (int i = 0; i < best.Length; i++) best[i] = i;
        for (int i = best.Length / 2 - 1; i >= 0; i--) Sink(scores, best, i);
        for (int i = best.Length; i < scores.Length; i++)
        {
            if (!(scores[i] > scores[best[0]])) continue;
            best[0] = i;
            Sink(scores, best, 0);
        }
        // The worst goes to the end, again and again.
        for (int last = best.Length - 1; last > 0; last--)
        {
            (best[0], best[last]) = (best[last], best[0]);
            Sink(scores, best[..last], 0);
        }
    }

    /// <summary>The id of the n-th greatest score.</summary>
    private static int NthBest(ReadOnlySpan<float> scores, int n)
    {
        if (n == 1) return First(scores);
        int[] best = ArrayPool<int>.Shared.Rent(n);
        Best(scores, best.AsSpan(0, n));
        int id = best[n - 1];
        ArrayPool<int>.Shared.Return(best);
        return id;
    }

    private static void Sink(ReadOnlySpan<float> scores, Span<int> heap, int at)
    {
        for (int child; (child = 2 * at + 1) < heap.Length; at = child)
        {
            if (child + 1 < heap.Length && IsWorse(scores, heap[child + 1], heap[child])) child++;
            if (!IsWorse(scores, heap[child], heap[at])) return;
            (heap[at], heap[child]) = (heap[child], heap[at]);
        }
    }

    private static bool IsWorse(ReadOnlySpan<float> scores, int a, int b) => scores[a] != scores[b] ? scores[a] < scores[b] : a > b;

    private static CratonException NoChoice(int id, float score) =>
        new($"the model gives token {id} the score {score}, expected finite numbers; its weights are damaged or its training diverged, so take an earlier checkpoint");
}
