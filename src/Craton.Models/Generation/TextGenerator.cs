using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models.Generation;

/// <summary>Why an answer ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended it, or a stop text came.</summary>
    Stop,
    /// <summary>The greatest number of tokens was reached.</summary>
    Length,
    /// <summary>It was cancelled.</summary>
    Cancelled,
}

/// <summary>The log-probability of one token, and the likeliest at its place.</summary>
/// <param name="Token">The token.</param>
/// <param name="LogProb">Its log-probability; NaN for the first token of a prompt.</param>
/// <param name="Top">The likeliest tokens, best first.</param>
public sealed record TokenLogProb(int Token, double LogProb, IReadOnlyList<(int Token, double LogProb)> Top);

/// <summary>An answer.</summary>
/// <param name="Text">Its text, without stop texts and control tokens.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="LogProbs">Log-probabilities, when asked for: of the answer's tokens.</param>
/// <param name="PromptLogProbs">Those of the prompt's tokens, when asked for.</param>
public sealed record GenerationResult(
    string Text, IReadOnlyList<int> Tokens, FinishReason FinishReason, IReadOnlyList<TokenLogProb> LogProbs, IReadOnlyList<TokenLogProb> PromptLogProbs);

/// <summary>Writes on from a prompt, token by token, with a key/value cache.</summary>
public sealed class TextGenerator(Gpt model, Tokenizer tokenizer)
{
    /// <summary>Answers a prompt given as text. A model trained on separated documents gets the separator first.</summary>
    public GenerationResult Generate(string prompt, SamplingOptions options, Action<string>? onText = null, CancellationToken cancel = default)
    {
        var ids = new List<int>();
        if (model.Config.BosTokenId is { } begin) ids.Add(begin);
        tokenizer.Encode(prompt, ids);
        return Generate(ids, options, onText, cancel: cancel);
    }

    /// <summary>Answers a prompt given as ids.</summary>
    /// <param name="prompt">The ids, at least one.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="onText">Hears the answer as it grows, in whole characters.</param>
    /// <param name="ends">Ids that end the answer beside the model's own end.</param>
    /// <param name="cancel">Ends the answer within one token.</param>
    /// <exception cref="CratonException">Prompt and answer do not fit the model's context, or an option is out of range.</exception>
    public GenerationResult Generate(
        IReadOnlyList<int> prompt, SamplingOptions options, Action<string>? onText = null, IReadOnlyCollection<int>? ends = null, CancellationToken cancel = default)
    {
        options.Validate();
        int context = model.Config.MaxPositionEmbeddings;
        if (prompt.Count == 0) throw new CratonException("the prompt is empty; give at least one token");
        foreach (int id in prompt)
            if (id < 0 || id >= model.Config.VocabSize) throw new CratonException($"prompt id {id} is outside the model's vocabulary of {model.Config.VocabSize}");
        if (prompt.Count + options.MaxTokens > context)
            throw new CratonException($"the prompt's {prompt.Count} tokens and {options.MaxTokens} new ones are more than the model's context of {context}; shorten the prompt or ask for at most {Math.Max(0, context - prompt.Count)} tokens");

        var cache = new KvCache(model.Config, capacity: prompt.Count + options.MaxTokens);
        var sampler = new Sampler(options);
        var decoder = new StreamDecoder(tokenizer);
        var stop = new StopText(options.Stop);
        var history = new List<int>(prompt);
        var answer = new List<int>();
        var text = new System.Text.StringBuilder();
        var logProbs = new List<TokenLogProb>();
        var promptLogProbs = new List<TokenLogProb>();
        float[] logits = Score(prompt, cache, options, promptLogProbs);
        FinishReason reason = FinishReason.Length;
        for (int step = 0; step < options.MaxTokens; step++)
        {
            if (cancel.IsCancellationRequested)
            {
                reason = FinishReason.Cancelled;
                break;
            }
            int token = sampler.Choose(logits, history, step);
            if (token == model.Config.EosTokenId || ends?.Contains(token) == true)
            {
                reason = FinishReason.Stop;
                break;
            }
            if (options.LogProbs is { } best) logProbs.Add(LogProb(logits, token, best));
            answer.Add(token);
            history.Add(token);
            Show(stop.Feed(decoder.Feed(token)));
            if (stop.Found)
            {
                reason = FinishReason.Stop;
                break;
            }
            if (step + 1 < options.MaxTokens) logits = Score([token], cache, options, null);
        }
        Show(stop.Feed(decoder.Flush()));
        Show(stop.Flush());
        return new GenerationResult(text.ToString(), answer, reason, logProbs, promptLogProbs);

        void Show(string piece)
        {
            if (piece.Length == 0) return;
            text.Append(piece);
            onText?.Invoke(piece);
        }
    }

    // Scores after the last of the ids; with echo also what the model gave each of them.
    private float[] Score(IReadOnlyList<int> ids, KvCache cache, SamplingOptions options, List<TokenLogProb>? echo)
    {
        using (TensorScope.Open("generate"))
        {
            Tensor input = Tensor.From<int>([.. ids], 1, ids.Count);
            Tensor hidden = model.Model.Forward(input, default, cache);
            bool all = options is { Echo: true, LogProbs: not null } && echo is not null;
            Tensor needed = all ? hidden : hidden.Slice(1, ids.Count - 1);
            Tensor logits = Ops.Linear(needed, model.HeadWeight);
            int vocabulary = model.Config.VocabSize;
            ReadOnlySpan<float> scores = logits.AsSpan<float>();
            if (all)
            {
                echo!.Add(new TokenLogProb(ids[0], double.NaN, []));
                for (int i = 1; i < ids.Count; i++) echo.Add(LogProb(scores.Slice((i - 1) * vocabulary, vocabulary), ids[i], options.LogProbs!.Value));
            }
            return scores[^vocabulary..].ToArray();
        }
    }

    private static TokenLogProb LogProb(ReadOnlySpan<float> logits, int token, int best)
    {
        double max = logits[Sampler.Best(logits)], sum = 0;
        foreach (float score in logits) sum += Math.Exp(score - max);
        double logSum = max + Math.Log(sum);
        float[] scores = logits.ToArray();
        var top = Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).ThenBy(i => i).Take(best).Select(i => (i, scores[i] - logSum));
        return new TokenLogProb(token, scores[token] - logSum, [.. top]);
    }
}
