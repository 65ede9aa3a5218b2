using Craton.Tensors;

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

/// <summary>What the model gave one token, before penalties, temperature and filters.</summary>
/// <param name="Token">The token.</param>
/// <param name="LogProb">Its log-probability; NaN for the first token of a prompt, which nothing predicts.</param>
/// <param name="Top">The likeliest tokens at its place, best first.</param>
public sealed record TokenLogProb(int Token, double LogProb, IReadOnlyList<(int Token, double LogProb)> Top)
{
    /// <summary>What scores say of a token.</summary>
    /// <param name="logits">Scores of all tokens, [V].</param>
    /// <param name="token">The token.</param>
    /// <param name="best">How many of the likeliest tokens to tell.</param>
    public static TokenLogProb Of(ReadOnlySpan<float> logits, int token, int best)
    {
        using (TensorScope.Open("logprob"))
        {
            ReadOnlySpan<float> all = Ops.LogSoftmax(Tensor.From(logits, logits.Length)).AsSpan<float>();
            int[] ids = new int[Math.Min(best, all.Length)];
            LogitProcessors.Best(all, ids);
            var top = new (int, double)[ids.Length];
            for (int i = 0; i < top.Length; i++) top[i] = (ids[i], all[ids[i]]);
            return new TokenLogProb(token, all[token], top);
        }
    }
}

/// <summary>An answer.</summary>
/// <param name="Text">Its text, without stop texts and control tokens.</param>
/// <param name="Tokens">Its tokens, without the one that ended it.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="LogProbs">Log-probabilities of its tokens, when asked for.</param>
/// <param name="PromptLogProbs">Those of the prompt's tokens, when asked for.</param>
public sealed record GenerationResult(
    string Text, IReadOnlyList<int> Tokens, FinishReason FinishReason, IReadOnlyList<TokenLogProb> LogProbs, IReadOnlyList<TokenLogProb> PromptLogProbs);
