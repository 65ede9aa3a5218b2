using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models.Generation;

/// <summary>
/// Writes on from prompts, one text at a time. What a prompt shares with the text before it is not computed again, so the weights must
/// stay the same while a generator is in use.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="tokenizer">Its tokenizer.</param>
public sealed class TextGenerator(CausalLanguageModel model, Tokenizer tokenizer)
{
    private const int PromptPiece = 128; // tokens between two looks at the cancellation

    private readonly CachedReader _reader = new(model);
    private readonly float[] _logits = new float[model.Config.VocabSize];

    /// <summary>Most tokens of prompt and answer together.</summary>
    public int Context => model.Context;

    /// <summary>Answers a prompt given as text. A model trained on separated documents gets the separator first.</summary>
    /// <inheritdoc cref="Generate(IReadOnlyList{int}, SamplingOptions, Action{string}?, IReadOnlyCollection{int}?, CancellationToken)"/>
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
        CheckRequest(model, prompt, options, model.Context);
        var answer = new AnswerText(tokenizer, options.Stop, onText);
        HashSet<int> ending = [.. ends ?? []];
        if (model.Config.EosTokenId is { } end) ending.Add(end);
        var sampler = new Sampler(options, model.Config.VocabSize, prompt, ending);
        var logProbs = new List<TokenLogProb>();
        var promptLogProbs = new List<TokenLogProb>();
        FinishReason reason = ReadPrompt([.. prompt], options, promptLogProbs, cancel) ? FinishReason.Length : FinishReason.Cancelled;
        while (reason == FinishReason.Length && answer.Tokens.Count < options.MaxTokens)
        {
            if (cancel.IsCancellationRequested)
            {
                reason = FinishReason.Cancelled;
                break;
            }
            if (answer.Tokens.Count > 0) ReadToken(answer.Tokens[^1]);
            int token = sampler.Next(_logits);
            if (ending.Contains(token))
            {
                reason = FinishReason.Stop;
                break;
            }
            if (options.LogProbs is { } best) logProbs.Add(TokenLogProb.Of(_logits, token, best));
            if (answer.Add(token)) reason = FinishReason.Stop;
        }
        return new GenerationResult(answer.End(), answer.Tokens, reason, logProbs, promptLogProbs);
    }

    /// <summary>Refuses a request that the model cannot take.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">The ids to go on from.</param>
    /// <param name="options">How to go on.</param>
    /// <param name="context">Most tokens of prompt and answer together.</param>
    /// <exception cref="ContextOverflowException">Prompt and answer do not fit the context.</exception>
    /// <exception cref="CratonException">An option or a token is out of range.</exception>
    public static void CheckRequest(CausalLanguageModel model, IReadOnlyList<int> prompt, SamplingOptions options, int context)
    {
        int vocabulary = model.Config.VocabSize;
        options.Validate(vocabulary);
        if (prompt.Count == 0) throw new CratonException("the prompt is empty, expected at least one token; give the model a text to go on from");
        foreach (int id in prompt)
            if (id < 0 || id >= vocabulary) throw new CratonException($"prompt: token {id} is outside the model's {vocabulary} ids; use the tokenizer that belongs to the model");
        if ((long)prompt.Count + options.MaxTokens > context) throw new ContextOverflowException(prompt.Count, options.MaxTokens, context);
    }

    // False when cancelled.
    private bool ReadPrompt(ReadOnlySpan<int> prompt, SamplingOptions options, List<TokenLogProb> logProbs, CancellationToken cancel)
    {
        bool echo = options.Echo;
        int at = _reader.Begin(prompt, prompt.Length + options.MaxTokens, reuse: !echo);
        if (echo) logProbs.Add(new TokenLogProb(prompt[0], double.NaN, []));
        for (int end; at < prompt.Length; at = end)
        {
            if (cancel.IsCancellationRequested) return false;
            end = Math.Min(prompt.Length, at + PromptPiece);
            using (TensorScope.Open("prompt"))
            {
                Tensor hidden = _reader.Read(prompt[at..end]);
                if (end == prompt.Length) TakeLogits(hidden);
                if (!echo) continue;
                ReadOnlySpan<float> scores = model.Logits(hidden).AsSpan<float>();
                for (int i = at; i < end && i + 1 < prompt.Length; i++)
                    logProbs.Add(TokenLogProb.Of(scores.Slice((i - at) * _logits.Length, _logits.Length), prompt[i + 1], options.LogProbs ?? 0));
            }
        }
        return true;
    }

    private void ReadToken(int token)
    {
        using (TensorScope.Open("token")) TakeLogits(_reader.Read([token]));
    }

    // The scores behind the last token.
    private void TakeLogits(Tensor hidden) => model.Logits(Ops.Slice(hidden, 1, hidden.Size(1) - 1)).AsSpan<float>().CopyTo(_logits);
}
