namespace Craton.Tokenizers;

/// <summary>
/// One token and the text it came from. A token that holds a part of a character has the range of the whole character.
/// </summary>
/// <param name="Id">The token id.</param>
/// <param name="Start">First UTF-16 unit of the original text.</param>
/// <param name="End">One past the last UTF-16 unit.</param>
public readonly record struct TokenSpan(int Id, int Start, int End);
