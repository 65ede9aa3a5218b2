using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary>The arguments of a built-in function in the order of its parameters.</summary>
internal readonly struct Bound(string function, object?[] values, Arguments all)
{
    /// <summary>All arguments as they were written, for functions that take any.</summary>
    public Arguments All => all;

    /// <summary>An argument that must be there.</summary>
    public object this[int i] => values[i]!;

    /// <summary>An argument, or null where it was left out.</summary>
    public object? Find(int i) => values[i];

    /// <summary>Whether an argument was given and is not <c>None</c>.</summary>
    public bool Has(int i) => values[i] is not (null or None);

    /// <summary>An argument that must be a string.</summary>
    public Text Text(int i) => values[i] as Text ?? throw Wrong(i, "a string");

    /// <summary>An optional string.</summary>
    public Text Text(int i, string otherwise) => values[i] is null ? Templates.Text.Own(otherwise) : Text(i);

    /// <summary>An integer; far larger ones than any length are cut.</summary>
    public int Int(int i) => Numbers.IsInteger(values[i], out BigInteger number)
        ? (int)BigInteger.Clamp(number, -int.MaxValue, int.MaxValue)
        : throw Wrong(i, "an integer");

    /// <summary>An optional integer.</summary>
    public int Int(int i, int otherwise) => Has(i) ? Int(i) : otherwise;

    /// <summary>An optional truth value.</summary>
    public bool Flag(int i, bool otherwise = false) => values[i] is { } value ? Truth.Of(value) : otherwise;

    private RenderFault Wrong(int i, string expected) => values[i] is Undefined undefined
        ? undefined.Fault()
        : new($"{function}: expected {expected}, got {Types.NameOf(values[i]!)}");
}
