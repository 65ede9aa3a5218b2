using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary>What kinds of values there are: <see cref="None"/>, <see cref="Undefined"/>, bool, <see cref="BigInteger"/>, double, <see cref="Text"/>, containers, callables.</summary>
internal static class Types
{
    /// <summary>The name of a value's type in Python.</summary>
    public static string NameOf(object value) => value switch
    {
        None => "NoneType",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        Text => "str",
        ListValue => "list",
        TupleValue => "tuple",
        DictValue => "dict",
        DictView view => view.Type,
        RangeValue => "range",
        Generator => "generator",
        BytesValue => "bytes",
        Macro => "Macro",
        Namespace => "Namespace",
        ICallable => "function",
        _ => value.GetType().Name,
    };

    /// <summary>The items of a value that can be looped over.</summary>
    /// <exception cref="RenderFault">It cannot.</exception>
    public static object[] Iterate(Run run, object value)
    {
        object[]? items = TryIterate(run, value);
        return items ?? throw new RenderFault($"'{NameOf(value)}' object is not iterable");
    }

    /// <summary>The same; null where it cannot be looped over.</summary>
    public static object[]? TryIterate(Run run, object value)
    {
        run.Meter.Steps(SizeOf(value) ?? 0);
        return value switch
        {
            Sequence sequence => sequence.Items,
            DictValue dictionary => [.. dictionary.Entries.Keys],
            DictView view => view.Items,
            RangeValue range => range.Items(),
            Generator generator => generator.Take(),
            Text text => [.. text.Characters()],
            Undefined => [],
            _ => null,
        };
    }

    /// <summary>The length of a value that has one; null for others.</summary>
    public static int? SizeOf(object value) => value switch
    {
        Sequence sequence => sequence.Items.Length,
        DictValue dictionary => dictionary.Entries.Count,
        DictView view => view.Items.Length,
        RangeValue range => range.Count,
        Text text => text.CodePoints,
        BytesValue bytes => bytes.Content.Length,
        Undefined => 0,
        _ => null,
    };
}

/// <summary>What counts as true.</summary>
internal static class Truth
{
    /// <summary>False for <c>None</c>, undefined, zero, and what is empty.</summary>
    public static bool Of(object value) => value switch
    {
        None or Undefined => false,
        bool flag => flag,
        BigInteger number => !number.IsZero,
        double number => number != 0,
        Text text => text.Length > 0,
        _ => Types.SizeOf(value) != 0,
    };
}
