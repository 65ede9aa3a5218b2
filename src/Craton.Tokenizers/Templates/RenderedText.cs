namespace Craton.Tokenizers.Templates;

/// <summary>What a template made, and where each part of it came from.</summary>
/// <param name="Text">The text.</param>
/// <param name="Trusted">What the template itself wrote, and not its variables: only there a control token is one. In order, in UTF-16 units.</param>
/// <param name="Generated">The contents of <c>generation</c> blocks: what the assistant says. In order, in UTF-16 units.</param>
public sealed record RenderedText(string Text, IReadOnlyList<TextRange> Trusted, IReadOnlyList<TextRange> Generated)
{
    /// <summary>The beginning of the text.</summary>
    /// <param name="length">Its length in UTF-16 units.</param>
    public RenderedText Start(int length) => new(Text[..length], Cut(Trusted, length), Cut(Generated, length));

    private static TextRange[] Cut(IReadOnlyList<TextRange> ranges, int length) =>
        [.. ranges.Where(r => r.Start < length).Select(r => r with { End = Math.Min(r.End, length) })];
}
