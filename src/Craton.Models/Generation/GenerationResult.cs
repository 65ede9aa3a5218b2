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
public sealed record TokenLogProb(int Token, double LogProb, IReadOnlyList<(int Token, double LogProb)> Top);

/// <summary>An answer.</summary>
/// <param name="Text">Its text, without stop texts and control tokens.</param>
/// <param name="Tokens">Its tokens, without the one that ended it.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="LogProbs">Log-probabilities of its tokens, when asked for.</param>
/// <param name="PromptLogProbs">Those of the prompt's tokens, when asked for.</param>
public sealed record GenerationResult(
    string Text, IReadOnlyList<int> Tokens, FinishReason FinishReason, IReadOnlyList<TokenLogProb> LogProbs, IReadOnlyList<TokenLogProb> PromptLogProbs);
