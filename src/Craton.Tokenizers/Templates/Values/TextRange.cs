namespace Craton.Tokenizers.Templates;

/// <summary>A stretch of a text in UTF-16 units.</summary>
/// <param name="Start">The first one.</param>
/// <param name="End">One past the last one.</param>
public readonly record struct TextRange(int Start, int End);
