namespace Craton.Tokenizers.Templates;

/// <summary>A value that holds values. Containers never change once made, so none can contain itself.</summary>
internal abstract class Container
{
    private const int MaxDepth = 200;

    /// <summary>Containers inside containers, this one included; bounded, so walks over a value may recurse.</summary>
    public int Depth { get; private init; }

    protected Container(IEnumerable<object> content)
    {
        int inner = 0;
        foreach (object item in content)
            inner = Math.Max(inner, (item as Container)?.Depth ?? 0);
        Depth = inner + 1;
        if (Depth > MaxDepth)
            throw new TemplateLimitException($"the chat template nests lists or mappings more than {MaxDepth} deep");
    }
}

/// <summary>A list or a tuple.</summary>
internal abstract class Sequence(object[] items) : Container(items)
{
    public object[] Items => items;

    /// <summary>Another sequence of the same type.</summary>
    public abstract Sequence With(object[] items);
}

/// <summary>Python's <c>list</c>.</summary>
internal sealed class ListValue(object[] items) : Sequence(items)
{
    public override Sequence With(object[] items) => new ListValue(items);
}

/// <summary>Python's <c>tuple</c>, which may name its items as a named tuple does.</summary>
internal sealed class TupleValue(object[] items, params string[] names) : Sequence(items), IAttributes
{
    public override Sequence With(object[] items) => new TupleValue(items);

    public object? Attribute(Run run, string name) => Array.IndexOf(names, name) is >= 0 and int place ? Items[place] : null;
}

/// <summary>Python's <c>dict</c>, in order of insertion.</summary>
internal sealed class DictValue(OrderedDictionary<object, object> entries) : Container(entries.Keys.Concat(entries.Values))
{
    public OrderedDictionary<object, object> Entries => entries;

    /// <summary>The entries as a list of pairs.</summary>
    public object[] Pairs() => [.. entries.Select(e => new TupleValue([e.Key, e.Value]))];

    /// <summary>Collects entries; a later value of the same key takes the place of the earlier one.</summary>
    public static OrderedDictionary<object, object> NewEntries() => new(KeyComparer.Instance);
}

/// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> of a dictionary give: can be looped over, has a length.</summary>
/// <param name="Type">Its name in Python.</param>
/// <param name="Items">Its content.</param>
internal sealed record DictView(string Type, object[] Items);

/// <summary>What filters such as <c>map</c> give: can be looped over once.</summary>
internal sealed class Generator(object[] items)
{
    private object[] _left = items;

    public object[] Take()
    {
        object[] items = _left;
        _left = [];
        return items;
    }
}

/// <summary>Python's <c>range</c>.</summary>
internal sealed record RangeValue(long Start, long Stop, long Step)
{
    public int Count => (int)Math.Max(0, (Stop - Start + Step - Math.Sign(Step)) / Step);

    public object[] Items() => [.. Enumerable.Range(0, Count).Select(i => (object)new System.Numerics.BigInteger(Start + i * Step))];
}

/// <summary>Python's <c>bytes</c>, which a template can only print.</summary>
internal sealed record BytesValue(byte[] Content);
