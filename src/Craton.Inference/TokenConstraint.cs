namespace Craton.Inference.Constraints;

/// <summary>What an answer must look like, token by token.</summary>
public abstract class TokenConstraint
{
    /// <summary>The text so far is whole: end-of-text is allowed.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>Says which tokens may come next.</summary>
    /// <param name="mask">Receives one bit for each token id, id 0 in the lowest bit of the first word.</param>
    public abstract void Allowed(Span<uint> mask);

    /// <summary>Takes the token that was chosen.</summary>
    public abstract void Accept(int token);

    /// <summary>A constraint of its own that continues from here.</summary>
    public abstract TokenConstraint Clone();
}
