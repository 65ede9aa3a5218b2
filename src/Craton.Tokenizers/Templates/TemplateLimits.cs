namespace Craton.Tokenizers.Templates;

/// <summary>What one rendering may use; templates come with models, so they are not to be trusted.</summary>
public sealed record TemplateLimits
{
    /// <summary>
    /// Steps: an expression or statement is one, and so is every eight characters or one item that an operation makes or reads. This bounds
    /// time (seconds) and memory (a few hundred megabytes) together.
    /// </summary>
    public long Steps { get; init; } = 10_000_000;

    /// <summary>The longest text, in UTF-16 units: the output, and any text on the way to it.</summary>
    public int TextLength { get; init; } = 1 << 24;

    /// <summary>How deep expressions, blocks and macro calls may nest while rendering.</summary>
    public int Depth { get; init; } = 1000;

    /// <summary>The largest <c>range</c>, in items.</summary>
    public int RangeLength { get; init; } = 100_000;

    /// <summary>The largest integer, in bits.</summary>
    public int IntegerBits { get; init; } = 1 << 14;
}
