using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>
/// Chooses one text's tokens from scores: what is allowed, biases and penalties, temperature, top-k, top-p, min-p, typical-p, epsilon and eta in this order, then
/// one random number that seed and step alone decide. Ties fall to the smaller id.
/// </summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly CounterRandom _random;
    private readonly TextPenalties _penalties;
    private long _step;

    /// <summary>Begins a text.</summary>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="vocabulary">Number of token ids.</param>
    /// <param name="prompt">The tokens before the first choice: penalties count them.</param>
    /// <param name="ends">Ids that end the text, which are not chosen before it is long enough.</param>
    public Sampler(SamplingOptions options, int vocabulary, IReadOnlyList<int> prompt, IEnumerable<int>? ends = null)
    {
        _options = options;
        _random = new CounterRandom(options.Seed, place: CounterRandom.PlaceOf("sampler"));
        _penalties = new TextPenalties(options, vocabulary, prompt, ends ?? []);
    }

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">Scores of all tokens, [V].</param>
    /// <param name="allowed">Which tokens may be chosen: token i has bit i mod 32 of word i / 32; empty for all.</param>
    /// <exception cref="CratonException">The scores are no numbers, or no token is allowed.</exception>
    public int Next(ReadOnlySpan<float> logits, ReadOnlySpan<uint> allowed = default)
    {
        using (TensorScope.Open("sample"))
        {
            Tensor scores = Tensor.From(logits, logits.Length);
            if (!allowed.IsEmpty) LogitProcessors.KeepAllowed(scores.AsSpan<float>(), allowed);
            _penalties.Apply(scores.AsSpan<float>());
            int token = _options.Temperature == 0 ? LogitProcessors.First(scores.AsSpan<float>()) : Draw(scores);
            _penalties.Add(token);
            _step++;
            return token;
        }
    }

    private int Draw(Tensor scores)
    {
        Span<float> values = scores.AsSpan<float>();
        // Counted from the greatest, so that no temperature is too low to divide by.
        float greatest = values[LogitProcessors.First(values)];
        foreach (ref float value in values) value -= greatest;
        LogitProcessors.Temperature(values, _options.Temperature);
        if (_options.TopK > 0) LogitProcessors.TopK(values, _options.TopK);
        if (_options.TopP < 1) LogitProcessors.TopP(scores, _options.TopP);
        if (_options.MinP > 0) LogitProcessors.MinP(scores, _options.MinP);
        if (_options.TypicalP < 1) LogitProcessors.TypicalP(scores, _options.TypicalP);
        if (_options.EpsilonCutoff > 0) LogitProcessors.EpsilonCutoff(scores, _options.EpsilonCutoff);
        if (_options.EtaCutoff > 0) LogitProcessors.EtaCutoff(scores, _options.EtaCutoff);
        return Pick(Ops.Softmax(scores).AsSpan<float>(), Uniform());
    }

    // 53 random bits in [0, 1).
    private double Uniform()
    {
        ulong bits = (ulong)_random.Bits(2 * _step) << 21 | _random.Bits(2 * _step + 1) >> 11;
        return bits * (1.0 / (1L << 53));
    }

    // The first token at which the probabilities, added by id, exceed the random number.
    private static int Pick(ReadOnlySpan<float> probabilities, double uniform)
    {
        double total = 0, sum = 0;
        foreach (float p in probabilities) total += p;
        int last = 0;
        for (int i = 0; i < probabilities.Length; i++)
        {
            if (probabilities[i] == 0) continue;
            last = i;
            sum += probabilities[i];
            if (sum > uniform * total) break;
        }
        return last;
    }
}
