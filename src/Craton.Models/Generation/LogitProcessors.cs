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
        // Tokens below this have less than 1 − p together, so they come behind all that are kept and need not be sorted.
        double least = fewest > 1 ? 0 : 0.5 * (1 - p) / probabilities.Length;
        (double, int)[] order = ArrayPool<(double, int)>.Shared.Rent(probabilities.Length);
        int count = 0;
        for (int i = 0; i < probabilities.Length; i++)
            if (probabilities[i] >= least) order[count++] = (-probabilities[i], i);
        KeepFirst(scores.AsSpan<float>(), probabilities, order.AsSpan(0, count), p, fewest);
        ArrayPool<(double, int)>.Shared.Return(order);
    }

    /// <summary>
    /// In order of the distance of a token's information from the entropy, equal ones by id, keeps tokens while the probability before them is
    /// below p (locally typical sampling, Meister et al. 2023), and never fewer than given.
    /// </summary>
    public static void Typical(Tensor scores, double p, int fewest = 1)
    {
        ReadOnlySpan<float> probabilities = Ops.Softmax(scores).AsSpan<float>(), logs = Ops.LogSoftmax(scores).AsSpan<float>();
        double entropy = 0;
        for (int i = 0; i < logs.Length; i++)
            if (probabilities[i] > 0) entropy -= (double)probabilities[i] * logs[i];
        (double, int)[] order = ArrayPool<(double, int)>.Shared.Rent(logs.Length);
        for (int i = 0; i < logs.Length; i++) order[i] = (Math.Abs(-logs[i] - entropy), i);
        KeepFirst(scores.AsSpan<float>(), probabilities, order.AsSpan(0, logs.Length), p, fewest);
        ArrayPool<(double, int)>.Shared.Return(order);
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

    /// <summary>Adds a number to the scores of some tokens.</summary>
    public static void Bias(Span<float> scores, IReadOnlyDictionary<int, double> biases)
    {
        foreach ((int id, double bias) in biases) scores[id] += (float)bias;
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

    // In ascending order of the keys, keeps tokens while the probability before them is below p.
    private static void KeepFirst(Span<float> scores, ReadOnlySpan<float> probabilities, Span<(double Key, int Id)> order, double p, int fewest)
    {
        order.Sort(static (a, b) => a.Key != b.Key ? a.Key.CompareTo(b.Key) : a.Id.CompareTo(b.Id));
        double before = 0;
        int kept = 0;
        while (kept < order.Length && (before < p || kept < fewest)) before += probabilities[order[kept++].Id];
        for (int i = 0; i < kept; i++) order[i].Key = scores[order[i].Id];
        scores.Fill(float.NegativeInfinity);
        foreach ((double score, int id) in order[..kept]) scores[id] = (float)score;
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
