namespace Craton.Inference;

/// <summary>What an engine did until its last step.</summary>
public sealed record EngineStatistics
{
    /// <summary>Requests that are being answered.</summary>
    public int Running { get; init; }

    /// <summary>Requests that wait.</summary>
    public int Waiting { get; init; }

    /// <summary>Pages for keys and values.</summary>
    public int Pages { get; init; }

    /// <summary>Pages that requests use; others may still hold what some texts began with.</summary>
    public int PagesInUse { get; init; }

    /// <summary>Passes through the model.</summary>
    public long Steps { get; init; }

    /// <summary>Tokens read in them, guesses included.</summary>
    public long ReadTokens { get; init; }

    /// <summary>Tokens of prompts that needed no reading.</summary>
    public long CachedTokens { get; init; }

    /// <summary>Tokens that were guessed.</summary>
    public long GuessedTokens { get; init; }

    /// <summary>How often a request had to give its pages back and was read again later.</summary>
    public long Preemptions { get; init; }
}
