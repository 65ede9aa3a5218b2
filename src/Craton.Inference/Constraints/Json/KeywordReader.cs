using System.Text.Json;
using Craton.Inference.Constraints.Automata;
using Craton.Inference.Constraints.Text;

namespace Craton.Inference.Constraints.Json;

/// <summary>Reads the keywords of one schema that do not refer to other schemas of the same value, and checks their form.</summary>
internal static class KeywordReader
{
    private static readonly HashSet<string> Annotations = new(StringComparer.Ordinal)
    {
        "$schema", "$comment", "$anchor", "$defs", "definitions", "title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly",
        "contentMediaType", "contentEncoding", "contentSchema",
    };

    /// <summary>Narrows a shape by a keyword.</summary>
    /// <returns>False when the keyword combines schemas and is the caller's.</returns>
    /// <exception cref="GrammarException">The keyword is malformed or not supported.</exception>
    public static bool Read(Shape shape, Location at, string keyword, JsonElement value)
    {
        Location place = at.At(keyword, value);
        shape.Described |= TypeThatIsMeant(keyword);
        switch (keyword)
        {
            case "$ref" or "allOf" or "anyOf" or "oneOf":
                return false;
            case "type":
                bool nullable = at.Schema.TryGetProperty("nullable", out JsonElement may) && may.ValueKind == JsonValueKind.True;
                shape.Types &= Types(place) | (nullable ? JsonTypes.Null : JsonTypes.None);
                return true;
            case "enum":
                shape.Narrow(Items(place).Select(l => l.Schema));
                return true;
            case "const":
                shape.Narrow([value]);
                return true;
            case "properties" or "additionalProperties" or "prefixItems" or "items":
                ReadLayer(shape, at, place, keyword);
                return true;
            case "required":
                shape.Required.UnionWith(Items(place).Select(Text));
                return true;
            case "pattern" or "format" or "minLength" or "maxLength":
                ReadString(shape, place, keyword);
                return true;
            case "minimum" or "exclusiveMinimum":
                shape.RaiseLeast(new Bound(Number(place), keyword[0] == 'e'));
                return true;
            case "maximum" or "exclusiveMaximum":
                shape.LowerMost(new Bound(Number(place), keyword[0] == 'e'));
                return true;
            case "multipleOf":
                shape.Divisors.Add(Divisor(place));
                return true;
            case "minItems" or "maxItems" or "minProperties" or "maxProperties":
                ReadCount(shape, Count(place), keyword);
                return true;
            default:
                return HasNoEffect(at, keyword, value)
                    ? true
                    : throw new GrammarException($"{place.Pointer}: the keyword {keyword} is not supported; remove it or express it otherwise");
        }
    }

    /// <summary>The schemas of a keyword whose value is a list of them.</summary>
    public static IReadOnlyList<Location> Schemas(Location place)
    {
        IReadOnlyList<Location> schemas = Items(place);
        return schemas.Count > 0 ? schemas : throw Expected(place, "a list of at least one schema");
    }

    public static string Text(Location place) => place.Schema.ValueKind == JsonValueKind.String ? place.Schema.GetString()! : throw Expected(place, "a string");

    private static bool HasNoEffect(Location at, string keyword, JsonElement value) => keyword switch
    {
        "nullable" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "uniqueItems" => value.ValueKind == JsonValueKind.False,
        "$id" => at.Pointer == "#",
        _ => Annotations.Contains(keyword) || keyword.StartsWith("x-", StringComparison.Ordinal),
    };

    private static JsonTypes TypeThatIsMeant(string keyword) => keyword switch
    {
        "properties" or "additionalProperties" or "required" or "minProperties" or "maxProperties" => JsonTypes.Object,
        "prefixItems" or "items" or "minItems" or "maxItems" => JsonTypes.Array,
        "pattern" or "format" or "minLength" or "maxLength" => JsonTypes.String,
        "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" or "multipleOf" => JsonTypes.Number,
        _ => JsonTypes.None,
    };

    private static JsonTypes Types(Location place) => place.Schema.ValueKind == JsonValueKind.Array
        ? Items(place).Aggregate(JsonTypes.None, (types, item) => types | Type(item))
        : Type(place);

    private static JsonTypes Type(Location place) => Text(place) switch
    {
        "null" => JsonTypes.Null,
        "boolean" => JsonTypes.Boolean,
        "integer" => JsonTypes.Integer,
        "number" => JsonTypes.Number,
        "string" => JsonTypes.String,
        "array" => JsonTypes.Array,
        "object" => JsonTypes.Object,
        _ => throw Expected(place, "null, boolean, integer, number, string, array or object"),
    };

    // Keywords that speak of each other are read together, when the first of them comes by.
    private static void ReadLayer(Shape shape, Location at, Location place, string keyword)
    {
        (string first, string second) = keyword is "items" or "prefixItems" ? ("prefixItems", "items") : ("properties", "additionalProperties");
        bool hasFirst = at.Schema.TryGetProperty(first, out JsonElement named);
        if (keyword == second && hasFirst)
            return;
        Location? rest = at.Schema.TryGetProperty(second, out JsonElement other) ? at.At(second, other) : null;
        if (rest is { } location)
            CheckSchema(location);
        if (first == "prefixItems")
            shape.Arrays.Add(new ArrayLayer(hasFirst ? Schemas(at.At(first, named)) : [], rest));
        else
            shape.Objects.Add(new ObjectLayer(hasFirst ? Properties(place) : null, rest));
    }

    private static OrderedDictionary<string, Location> Properties(Location place)
    {
        if (place.Schema.ValueKind != JsonValueKind.Object)
            throw Expected(place, "an object of schemas");
        var properties = new OrderedDictionary<string, Location>(StringComparer.Ordinal);
        foreach (JsonProperty member in place.Schema.EnumerateObject())
        {
            CheckSchema(place.At(member.Name, member.Value));
            properties.Add(member.Name, place.At(member.Name, member.Value));
        }

        return properties;
    }

    private static void CheckSchema(Location place)
    {
        if (place.Schema.ValueKind is not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False))
            throw Expected(place, "a schema");
    }

    private static void ReadString(Shape shape, Location place, string keyword)
    {
        switch (keyword)
        {
            case "minLength":
                shape.MinLength = Math.Max(shape.MinLength, Count(place));
                break;
            case "maxLength":
                shape.MaxLength = Smaller(shape.MaxLength, Count(place));
                break;
            case "pattern":
                shape.Patterns.Add(Compile(place, RegexParser.ParseSearch(Text(place), place.Pointer)));
                break;
            default:
                string pattern = Formats.Pattern(Text(place))
                    ?? throw new GrammarException($"{place.Pointer}: the format {Text(place)} is not supported; expected one of {Formats.Names}, or a pattern");
                shape.Patterns.Add(Compile(place, RegexParser.ParseWhole(pattern)));
                break;
        }
    }

    private static void ReadCount(Shape shape, int count, string keyword)
    {
        switch (keyword)
        {
            case "minItems":
                shape.MinItems = Math.Max(shape.MinItems, count);
                break;
            case "maxItems":
                shape.MaxItems = Smaller(shape.MaxItems, count);
                break;
            case "minProperties":
                shape.MinProperties = Math.Max(shape.MinProperties, count);
                break;
            default:
                shape.MaxProperties = Smaller(shape.MaxProperties, count);
                break;
        }
    }

    private static Dfa Compile(Location place, Term pattern)
    {
        try
        {
            return Dfa.Of(JsonTerms.Spell(pattern));
        }
        catch (GrammarException e)
        {
            throw new GrammarException($"{place.Pointer}: {e.Message}", e);
        }
    }

    private static IReadOnlyList<Location> Items(Location place) => place.Schema.ValueKind == JsonValueKind.Array
        ? [.. place.Schema.EnumerateArray().Select((item, i) => place.At($"{i}", item))]
        : throw Expected(place, "a list");

    private static decimal Number(Location place) =>
        place.Schema.ValueKind == JsonValueKind.Number && place.Schema.TryGetDecimal(out decimal value) ? value : throw Expected(place, "a number of at most 28 digits");

    private static decimal Divisor(Location place) => Number(place) is var value && NumberTerms.CanDivide(value)
        ? value
        : throw Expected(place, $"a whole number up to {NumberTerms.GreatestDivisor} or one of 0.1, 0.01 and so on");

    private static int Count(Location place)
    {
        if (place.Schema.ValueKind != JsonValueKind.Number || !place.Schema.TryGetDecimal(out decimal value) || value < 0 || value != decimal.Truncate(value))
            throw Expected(place, "a whole number from 0 on");
        return value <= Limits.Repeats
            ? (int)value
            : throw new GrammarException($"{place.Pointer}: {value} is too many; at most {Limits.Repeats} are supported");
    }

    private static int Smaller(int? old, int value) => Math.Min(old ?? value, value);

    private static GrammarException Expected(Location place, string what) => new($"{place.Pointer}: expected {what}, got {Shorten(place.Schema.GetRawText())}");

    private static string Shorten(string text) => text.Length <= 40 ? text : string.Concat(text.AsSpan(0, 40), "…");
}
