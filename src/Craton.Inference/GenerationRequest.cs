using Craton.Inference.Constraints;
using Craton.Models.Adapters;
using Craton.Models.Generation;

namespace Craton.Inference;

/// <summary>A text to go on from, and how.</summary>
/// <param name="Prompt">Its ids, at least one.</param>
public sealed record GenerationRequest(IReadOnlyList<int> Prompt)
{
    /// <summary>How tokens are chosen, and when to stop.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Ids that end the answer beside the model's own.</summary>
    public IReadOnlyCollection<int> Ends { get; init; } = [];

    /// <summary>What the answer must look like; null for anything.</summary>
    public TokenGrammar? Grammar { get; init; }

    /// <summary>
    /// An adapter for the engine's model (<see cref="AdapterDirectory.Load"/>), loaded before the engine has work and not attached; null for the
    /// model alone. An answer has the same bits whatever adapters others ask for; each of them takes a pass of its own.
    /// </summary>
    public PeftAdapter? Adapter { get; init; }

    /// <summary>Only requests of the same salt share what was computed for common beginnings, so that nobody can time another's prompts.</summary>
    public string CacheSalt { get; init; } = "";
}

/// <summary>What is new of an answer.</summary>
/// <param name="Text">Whole characters that can no longer become a stop text; may be empty.</param>
/// <param name="Tokens">The tokens.</param>
public sealed record GenerationUpdate(string Text, IReadOnlyList<int> Tokens)
{
    /// <summary>Log-probabilities of the tokens, when asked for.</summary>
    public IReadOnlyList<TokenLogProb> LogProbs { get; init; } = [];

    /// <summary>Log-probabilities of the prompt's tokens, when asked for: with the first update.</summary>
    public IReadOnlyList<TokenLogProb> PromptLogProbs { get; init; } = [];

    /// <summary>Why the answer ended; with the last update.</summary>
    public FinishReason? Finish { get; init; }

    /// <summary>What was used so far.</summary>
    public required GenerationUsage Usage { get; init; }
}

/// <summary>What a request has used.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Tokens of the prompt that needed no reading.</param>
/// <param name="AnswerTokens">Tokens of the answer, the one that ended it not counted.</param>
public readonly record struct GenerationUsage(int PromptTokens, int CachedTokens, int AnswerTokens);
