using Craton.Tensors;

namespace Craton.Models.Diffusion.Discrete;

/// <summary>How a text is unmasked.</summary>
/// <param name="Steps">Steps in all, a multiple of the number of blocks.</param>
public sealed record UnmaskingOptions(int Steps)
{
    /// <summary>Blocks of equal length that are finished one after the other.</summary>
    public int Blocks { get; init; } = 1;

    /// <summary>Weight of the noise on scores; at 0 the likeliest token is taken.</summary>
    public double Temperature { get; init; }

    /// <summary>How much more the prompt counts: scores become plain + (guidance + 1)·(told − plain).</summary>
    public double Guidance { get; init; }

    /// <summary>Tokens are accepted in a random order, not by confidence.</summary>
    public bool RandomOrder { get; init; }
}

/// <summary>A step of unmasking.</summary>
/// <param name="Ids">The text after it.</param>
/// <param name="Predicted">The token that was expected at each place.</param>
/// <param name="Confidence">How sure it was of it; −∞ where no token could be accepted.</param>
/// <param name="Accepted">Which places were unmasked.</param>
public sealed record UnmaskingStep(int[] Ids, int[] Predicted, double[] Confidence, bool[] Accepted);

/// <summary>
/// Unmasks a text by steps, the tokens first of which the network is most sure. S. Nie et al., "Large Language Diffusion Models", 2025.
/// </summary>
public sealed class UnmaskingSampler
{
    private readonly int _mask;
    private readonly UnmaskingOptions _options;

    /// <summary>Takes the settings.</summary>
    /// <param name="mask">Id of the mask.</param>
    /// <param name="options">How.</param>
    /// <exception cref="CratonException">A setting is out of range.</exception>
    public UnmaskingSampler(int mask, UnmaskingOptions options)
    {
        if (options.Blocks < 1 || options.Steps < options.Blocks || options.Steps % options.Blocks != 0)
            throw new CratonException($"[unmasking] steps: expected a multiple of the {options.Blocks} blocks, got {options.Steps}");
        if (!(options.Temperature >= 0)) throw new CratonException($"[unmasking] temperature: expected 0 or more, got {options.Temperature}");
        (_mask, _options) = (mask, options);
    }

    /// <summary>Writes an answer behind a prompt.</summary>
    /// <param name="prompt">The prompt's tokens.</param>
    /// <param name="length">Length of the answer, a multiple of the number of blocks.</param>
    /// <param name="scores">Scores of the network for a text at a step, [T, V] in a row.</param>
    /// <param name="plain">The same without the prompt, under guidance.</param>
    /// <param name="uniform">A number above 0 and below 1 for a step, a place, and an id or −1 for the order; it is asked for when something is drawn.</param>
    /// <param name="after">Tokens behind the answer, which then fills a gap; none when null.</param>
    /// <returns>The steps, each when it is asked for.</returns>
    /// <exception cref="CratonException">The length does not fit the blocks, or guidance has no scores without the prompt.</exception>
    public IEnumerable<UnmaskingStep> Run(
        IReadOnlyList<int> prompt, int length, Func<int[], int, float[]> scores, Func<int[], int, float[]>? plain = null, Func<int, int, int, double>? uniform = null,
        IReadOnlyList<int>? after = null)
    {
        if (length < 1 || length % _options.Blocks != 0) throw new CratonException($"[unmasking] length: expected a multiple of the {_options.Blocks} blocks, got {length}");
        if (_options.Guidance != 0 && plain is null) throw new CratonException("[unmasking] guidance: expected scores without the prompt beside those with it, got none");
        if ((_options.RandomOrder || _options.Temperature > 0) && uniform is null) throw new CratonException("[unmasking] uniform: expected numbers to draw with, got none");
        return Steps([.. prompt, .. Enumerable.Repeat(_mask, length), .. after ?? []], prompt.Count, length, scores, plain, uniform);
    }

    private IEnumerable<UnmaskingStep> Steps(int[] ids, int prompt, int length, Func<int[], int, float[]> scores, Func<int[], int, float[]>? plain, Func<int, int, int, double>? uniform)
    {
        int width = length / _options.Blocks, each = _options.Steps / _options.Blocks;
        for (int step = 0; step < _options.Steps; step++)
        {
            int end = prompt + (step / each + 1) * width, inBlock = step % each;
            int count = width / each + (inBlock < width % each ? 1 : 0); // what is left over goes to the first steps
            (float[] told, float[]? other) = (scores(ids, step), _options.Guidance == 0 ? null : plain!(ids, step));
            int now = step;
            UnmaskingStep result = Step(ids, place => Row(told, other, ids.Length, place), end, count, (place, id) => uniform!(now, place, id));
            ids = result.Ids;
            yield return result;
        }
    }

    // The scores of a place, under guidance where there are those without the prompt.
    private double[] Row(float[] told, float[]? plain, int places, int place)
    {
        double[] row = new double[told.Length / places];
        for (int v = 0, i = place * row.Length; v < row.Length; v++, i++)
            row[v] = plain is null ? told[i] : plain[i] + (_options.Guidance + 1) * ((double)told[i] - plain[i]);
        return row;
    }

    private UnmaskingStep Step(int[] ids, Func<int, double[]> scores, int end, int count, Func<int, int, double> uniform)
    {
        int[] predicted = [.. ids];
        double[] confidence = new double[ids.Length];
        for (int place = 0; place < ids.Length; place++)
        {
            confidence[place] = double.NegativeInfinity;
            if (ids[place] != _mask) continue;
            double[] row = scores(place);
            predicted[place] = Drawn(row, place, uniform);
            if (place < end) confidence[place] = _options.RandomOrder ? uniform(place, -1) : Probabilities.Softmax(row)[predicted[place]];
        }
        int[] next = [.. ids];
        bool[] accepted = new bool[ids.Length];
        int[] candidates = [.. Enumerable.Range(0, ids.Length).Where(place => confidence[place] >= 0)];
        foreach (int place in candidates.OrderByDescending(place => confidence[place]).Take(count))
        {
            next[place] = predicted[place];
            accepted[place] = true;
        }
        return new UnmaskingStep(next, predicted, confidence, accepted);
    }

    // The largest of score + temperature · Gumbel noise.
    private int Drawn(double[] scores, int place, Func<int, int, double> uniform)
    {
        if (_options.Temperature == 0) return Probabilities.Largest(scores);
        double[] values = new double[scores.Length];
        for (int v = 0; v < values.Length; v++)
            values[v] = scores[v] - _options.Temperature * DeterministicMath.Log(-DeterministicMath.Log(uniform(place, v)));
        return Probabilities.Largest(values);
    }
}
