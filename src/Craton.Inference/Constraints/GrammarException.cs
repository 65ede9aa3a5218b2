using Craton.Tensors;

namespace Craton.Inference.Constraints;

/// <summary>
/// A schema, pattern or grammar that cannot constrain a text: it is malformed, uses what is not supported, is too large, or no text
/// satisfies it. The message is one sentence that names the place (a JSON pointer, a position, a rule) and what to change.
/// </summary>
public sealed class GrammarException : CratonException
{
    /// <summary>Creates the exception with its sentence.</summary>
    public GrammarException(string message) : base(message) { }

    /// <summary>Creates the exception with its sentence and what caused it.</summary>
    public GrammarException(string message, Exception inner) : base(message, inner) { }
}
