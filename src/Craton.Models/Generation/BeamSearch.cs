using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>When a search by beams ends before its greatest length.</summary>
public enum EarlyStopping
{
    /// <summary>When the best text that is still open, were it to end now, is no better than the worst finished one.</summary>
    No,
    /// <summary>As soon as there are as many finished texts as beams.</summary>
    Yes,
    /// <summary>When the best open text is no better even at the length that suits it most.</summary>
    Never,
}

/// <summary>How a search by beams goes.</summary>
public sealed record BeamOptions
{
    private const int MostBeams = 256;

    /// <summary>How many texts are kept at every length.</summary>
    public int Beams { get; init; } = 4;

    /// <summary>A text's score is the sum of its log-probabilities by its length to this power: above 0 favours long texts.</summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>When to end.</summary>
    public EarlyStopping EarlyStopping { get; init; }

    /// <summary>Whether log-probabilities are made anew of what biases and penalties leave.</summary>
    public bool Renormalize { get; init; }

    /// <summary>How many texts are returned; all beams when 0.</summary>
    public int Returned { get; init; }

    /// <summary>Refuses values that mean nothing.</summary>
    /// <exception cref="CratonException">A value is out of its range.</exception>
    public void Validate()
    {
        if (Beams is < 1 or > MostBeams) throw new CratonException($"beams: expected 1 to {MostBeams}, got {Beams}");
        if (!(Math.Abs(LengthPenalty) <= 100)) throw new CratonException($"length_penalty: expected -100 to 100, got {LengthPenalty}");
        if (Returned < 0 || Returned > Beams) throw new CratonException($"returned: expected at most the {Beams} beams, got {Returned}");
    }
}

/// <summary>A text that a search found.</summary>
/// <param name="Tokens">Its tokens, with the one that ended it.</param>
/// <param name="Score">Sum of their log-probabilities by the length to the power of the penalty.</param>
public sealed record Beam(IReadOnlyList<int> Tokens, double Score);

/// <summary>
/// Looks for the likeliest answer: at every length the best few texts go on (Graves 2012; lengths as in Wu et al. 2016). Ties fall to the better beam
/// and the smaller id.
/// </summary>
/// <param name="model">The model.</param>
public sealed class BeamSearch(CausalLanguageModel model)
{
    /// <summary>Answers a prompt.</summary>
    /// <param name="prompt">The ids, at least one.</param>
    /// <param name="options">Greatest length, biases and penalties; nothing is drawn at random.</param>
    /// <param name="beams">How the search goes.</param>
    /// <param name="ends">Ids that end an answer beside the model's own end.</param>
    /// <param name="cancel">Ends the search within one token.</param>
    /// <returns>The texts, best first.</returns>
    /// <exception cref="CratonException">Prompt and answer do not fit the model's context, or an option is out of range.</exception>
    public IReadOnlyList<Beam> Run(
        IReadOnlyList<int> prompt, SamplingOptions options, BeamOptions beams, IReadOnlyCollection<int>? ends = null, CancellationToken cancel = default)
    {
        TextGenerator.CheckRequest(model, prompt, options, model.Context);
        HashSet<int> ending = [.. ends ?? []];
        if (model.Config.EosTokenId is { } end) ending.Add(end);
        return Run(new DecoderBeams(model, beams.Beams, prompt.Count + options.MaxTokens), prompt, options, beams, ending, cancel);
    }

    /// <summary>The search, whatever the model.</summary>
    internal static IReadOnlyList<Beam> Run(
        BeamModel model, IReadOnlyList<int> prompt, SamplingOptions options, BeamOptions beams, IReadOnlyCollection<int> ending, CancellationToken cancel)
    {
        beams.Validate();
        // Of so many candidates, enough to go on with do not end.
        int kept = Math.Max(2, 1 + ending.Count) * beams.Beams;
        if (kept > model.Vocabulary)
            throw new CratonException($"beams: expected at most {model.Vocabulary / Math.Max(2, 1 + ending.Count)} for a model of {model.Vocabulary} ids, got {beams.Beams}");
        List<Open> open = [new(0, 0, new TextPenalties(options, model.Vocabulary, prompt, ending))];
        var finished = new List<Beam>();
        for (int length = 1; length <= options.MaxTokens && !cancel.IsCancellationRequested; length++)
        {
            (float Score, int Parent, int Token)[] best = Candidates(model, open, kept, beams.Renormalize);
            var next = new List<Open>();
            for (int i = 0; i < best.Length; i++)
            {
                (float score, int parent, int token) = best[i];
                bool ended = length == options.MaxTokens || ending.Contains(token);
                if (ended && i < beams.Beams) finished.Add(new Beam([.. open[parent].Penalties.Text.Skip(prompt.Count), token], Normed(score, length)));
                else if (!ended && next.Count < beams.Beams) next.Add(open[parent].With(parent, token, score));
            }
            finished = [.. finished.OrderByDescending(beam => beam.Score).Take(beams.Beams)];
            open = next;
            if (finished.Count == beams.Beams && (beams.EarlyStopping == EarlyStopping.Yes || !CanImprove(length))) break;
        }
        return [.. finished.Take(beams.Returned > 0 ? beams.Returned : beams.Beams)];

        double Normed(double score, int length) => score / DeterministicMath.Pow(length, beams.LengthPenalty);

        bool CanImprove(int length) =>
            open.Count > 0 && Normed(open[0].Score, beams is { EarlyStopping: EarlyStopping.Never, LengthPenalty: > 0 } ? options.MaxTokens : length) > finished[^1].Score;
    }

    // The best continuations of all open texts, best first.
    private static (float Score, int Parent, int Token)[] Candidates(BeamModel model, List<Open> open, int kept, bool renormalize)
    {
        using (TensorScope.Open("beams"))
        {
            int vocabulary = model.Vocabulary;
            Tensor logs = Ops.LogSoftmax(model.Next([.. open.Select(text => text.Penalties.Text)], [.. open.Select(text => text.Parent)]));
            for (int row = 0; row < open.Count; row++) open[row].Penalties.Apply(logs.AsSpan<float>().Slice(row * vocabulary, vocabulary));
            if (renormalize) logs = Ops.LogSoftmax(logs);
            Span<float> scores = logs.AsSpan<float>();
            for (int row = 0; row < open.Count; row++)
                foreach (ref float score in scores.Slice(row * vocabulary, vocabulary)) score += open[row].Score;
            int[] best = new int[kept];
            LogitProcessors.Best(scores, best);
            return Array.ConvertAll(best, at => (logs.AsSpan<float>()[at], at / vocabulary, at % vocabulary));
        }
    }

    // A text that goes on: the row it came from, the sum of its log-probabilities, and its tokens.
    private sealed record Open(int Parent, float Score, TextPenalties Penalties)
    {
        public Open With(int parent, int token, float score)
        {
            TextPenalties penalties = Penalties.Copy();
            penalties.Add(token);
            return new Open(parent, score, penalties);
        }
    }
}
