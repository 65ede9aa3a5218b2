namespace Craton.Inference;

/// <summary>
/// Guesses how texts go on. A guess costs a pass over several tokens in place of one; every token that the model would have chosen itself is
/// then kept (Leviathan et al. 2023), so that answers are the same with and without.
/// </summary>
public abstract class Drafter
{
    /// <summary>Begins a text. Called on the engine's thread, as its guesses are.</summary>
    /// <param name="longest">Most tokens it may come to have.</param>
    internal abstract IDraft Begin(int longest);
}

/// <summary>The guesses for one text.</summary>
internal interface IDraft
{
    /// <summary>Guesses the tokens that follow.</summary>
    /// <param name="text">All tokens so far. Only grows from call to call.</param>
    /// <param name="guess">Receives as many tokens as it has room for, or fewer.</param>
    /// <returns>How many.</returns>
    int Propose(ReadOnlySpan<int> text, Span<int> guess);
}
