using System.Text.Json;
using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints.Json;

/// <summary>The types of values, whole numbers apart from others.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Fraction = 8,
    Number = Integer | Fraction,
    String = 16,
    Array = 32,
    Object = 64,
    Any = Null | Boolean | Number | String | Array | Object,
}

/// <summary>A schema within the document.</summary>
internal readonly record struct Location(JsonElement Schema, string Pointer)
{
    public bool IsFalse => Schema.ValueKind == JsonValueKind.False;

    public Location At(string name, JsonElement schema)
    {
        string escaped = name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
        return new Location(schema, $"{Pointer}/{escaped}");
    }
}

/// <summary><c>properties</c> and <c>additionalProperties</c> of one schema: they speak of each other, so they stay together.</summary>
/// <param name="Properties">The named members; null where <c>properties</c> is missing.</param>
/// <param name="Additional">What holds for others, where it is said.</param>
internal sealed record ObjectLayer(OrderedDictionary<string, Location>? Properties, Location? Additional);

/// <summary><c>prefixItems</c> and <c>items</c> of one schema.</summary>
internal sealed record ArrayLayer(IReadOnlyList<Location> Prefix, Location? Items);

/// <summary>
/// What several schemas say together about a value, after references and combinations have been resolved: one alternative of those the
/// schemas allow. What concerns a type holds for values of that type only.
/// </summary>
internal sealed class Shape
{
    /// <summary>Where in the document it was found, for messages.</summary>
    public required string Pointer { get; init; }

    public JsonTypes Types { get; set; } = JsonTypes.Any;

    /// <summary>The types that keywords speak of: what is meant where no type is stated.</summary>
    public JsonTypes Described { get; set; }

    /// <summary>The types to write.</summary>
    public JsonTypes Intended => Types == JsonTypes.Any && Described != JsonTypes.None ? Described : Types;

    /// <summary>The only values, where they are listed.</summary>
    public IReadOnlyList<JsonElement>? Values { get; set; }

    public List<ObjectLayer> Objects { get; private init; } = [];

    public SortedSet<string> Required { get; private init; } = new(StringComparer.Ordinal);

    public int MinProperties { get; set; }

    public int? MaxProperties { get; set; }

    public List<ArrayLayer> Arrays { get; private init; } = [];

    public int MinItems { get; set; }

    public int? MaxItems { get; set; }

    public int MinLength { get; set; }

    public int? MaxLength { get; set; }

    /// <summary>Automata of spelt strings, each of which has to accept.</summary>
    public List<Dfa> Patterns { get; private init; } = [];

    /// <summary>Each number is a multiple of these.</summary>
    public List<decimal> Divisors { get; private init; } = [];

    public Bound? Least { get; private set; }

    public Bound? Most { get; private set; }

    public Shape Clone() => new()
    {
        Pointer = Pointer,
        Types = Types,
        Described = Described,
        Values = Values,
        Objects = [.. Objects],
        Required = new(Required, StringComparer.Ordinal),
        MinProperties = MinProperties,
        MaxProperties = MaxProperties,
        Arrays = [.. Arrays],
        MinItems = MinItems,
        MaxItems = MaxItems,
        MinLength = MinLength,
        MaxLength = MaxLength,
        Patterns = [.. Patterns],
        Divisors = [.. Divisors],
        Least = Least,
        Most = Most,
    };

    public void Narrow(IEnumerable<JsonElement> values) =>
        Values = [.. values.Where(v => Values is null || Values.Any(other => JsonElement.DeepEquals(v, other)))];

    public void RaiseLeast(Bound bound)
    {
        if (Least is not { } old || bound.Value > old.Value || (bound.Value == old.Value && bound.Exclusive))
            Least = bound;
    }

    public void LowerMost(Bound bound)
    {
        if (Most is not { } old || bound.Value < old.Value || (bound.Value == old.Value && bound.Exclusive))
            Most = bound;
    }

    /// <summary>The schemas a member has to satisfy.</summary>
    public IReadOnlyList<Location> Member(string name) =>
        [.. Objects.SelectMany<ObjectLayer, Location>(o => o.Properties?.TryGetValue(name, out Location named) == true ? [named] : o.Additional is { } other ? [other] : [])];

    /// <summary>The schemas an element has to satisfy.</summary>
    public IReadOnlyList<Location> Element(int index) =>
        [.. Arrays.SelectMany<ArrayLayer, Location>(a => index < a.Prefix.Count ? [a.Prefix[index]] : a.Items is { } rest ? [rest] : [])];

    /// <summary>The type of a value; a number without a fraction is an integer however it is written.</summary>
    public static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Number when value.TryGetDecimal(out decimal number) && number == decimal.Truncate(number) => JsonTypes.Integer,
        JsonValueKind.Number => JsonTypes.Fraction,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Array => JsonTypes.Array,
        _ => JsonTypes.Object,
    };
}
