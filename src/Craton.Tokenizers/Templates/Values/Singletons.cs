namespace Craton.Tokenizers.Templates;

/// <summary>Python's <c>None</c>.</summary>
internal sealed class None
{
    public static readonly None Value = new();

    private None() { }
}

/// <summary>The value of a name or attribute that does not exist: prints nothing, is false, and may hardly be used otherwise.</summary>
/// <param name="what">How the error says it, such as <c>'x' is undefined</c>.</param>
internal sealed class Undefined(string what)
{
    /// <summary>The error of using it.</summary>
    public RenderFault Fault() => new(what);
}
