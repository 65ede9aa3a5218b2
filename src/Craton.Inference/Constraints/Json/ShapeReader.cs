using System.Text.Json;

namespace Craton.Inference.Constraints.Json;

/// <summary>
/// Finds what schemas say together about a value: <c>$ref</c> and <c>allOf</c> are joined, <c>anyOf</c> and <c>oneOf</c> multiplied out.
/// The alternatives of <c>oneOf</c> must exclude each other, for an automaton cannot count how many of them match.
/// </summary>
internal sealed class ShapeReader(SchemaDocument document)
{
    private const int MostSchemas = 20_000;

    private readonly Disjointness _disjointness = new();
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private int _schemas;

    /// <summary>The alternatives that satisfy all the schemas.</summary>
    /// <exception cref="GrammarException">A keyword is malformed or not supported, or a schema refers to itself alone.</exception>
    public IReadOnlyList<Shape> Read(IReadOnlyList<Location> schemas) => ReadAll(schemas, [new Shape { Pointer = schemas.Count > 0 ? schemas[0].Pointer : "#" }]);

    private List<Shape> ReadAll(IEnumerable<Location> schemas, List<Shape> shapes) => schemas.Aggregate(shapes, (narrowed, schema) => Read(schema, narrowed));

    private List<Shape> Read(Location at, List<Shape> shapes)
    {
        if (++_schemas > MostSchemas)
            throw new GrammarException($"{at.Pointer}: references and combinations lead to more than {MostSchemas} schemas; use fewer");
        if (at.Schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return at.IsFalse ? [] : shapes;
        if (at.Schema.ValueKind != JsonValueKind.Object)
            throw new GrammarException($"{at.Pointer}: expected a schema, that is an object, true or false, got {at.Schema.ValueKind}; correct it");
        if (!_open.Add(at.Pointer))
            throw new GrammarException($"{at.Pointer}: the schema refers to itself without anything in between; put a property or an item there");
        if (_open.Count > 2 * Limits.Nesting)
            throw new GrammarException($"{at.Pointer}: more than {2 * Limits.Nesting} references and combinations within each other; use fewer");
        List<Shape> result = ReadCombinations(at, ReadKeywords(at, shapes));
        _open.Remove(at.Pointer);
        return result;
    }

    private static List<Shape> ReadKeywords(Location at, List<Shape> shapes)
    {
        List<Shape> narrowed = [.. shapes.Select(s => s.Clone())];
        foreach (JsonProperty keyword in at.Schema.EnumerateObject())
        {
            foreach (Shape shape in narrowed)
                _ = KeywordReader.Read(shape, at, keyword.Name, keyword.Value);
        }

        return narrowed;
    }

    private List<Shape> ReadCombinations(Location at, List<Shape> shapes)
    {
        foreach (JsonProperty keyword in at.Schema.EnumerateObject())
        {
            Location place = at.At(keyword.Name, keyword.Value);
            shapes = keyword.Name switch
            {
                "$ref" => Read(document.Resolve(KeywordReader.Text(place), place.Pointer), shapes),
                "allOf" => ReadAll(KeywordReader.Schemas(place), shapes),
                "anyOf" => [.. Alternatives(place, shapes).SelectMany(a => a)],
                "oneOf" => ExactlyOne(place, shapes),
                _ => shapes,
            };
            if (shapes.Count > Limits.Alternatives)
                throw new GrammarException($"{place.Pointer}: the combinations amount to more than {Limits.Alternatives} alternatives; use fewer");
        }

        return shapes;
    }

    private List<Shape> ExactlyOne(Location place, List<Shape> shapes)
    {
        List<Shape>[] alternatives = Alternatives(place, shapes);
        for (int i = 0; i < alternatives.Length; i++)
        {
            for (int j = i + 1; j < alternatives.Length; j++)
            {
                if (!_disjointness.Of(Read, alternatives[i], alternatives[j]))
                {
                    throw new GrammarException(
                        $"{place.Pointer}: alternatives {i} and {j} may both match; tell them apart by a type or a required property with a constant, or use anyOf");
                }
            }
        }

        List<Shape> all = [.. alternatives.SelectMany(a => a)];
        // The proof holds for what is written now: what other schemas speak of does not widen it.
        foreach (Shape shape in all)
            shape.Types = shape.Intended;
        return all;
    }

    private List<Shape>[] Alternatives(Location place, List<Shape> shapes) => [.. KeywordReader.Schemas(place).Select(s => Read(s, shapes))];
}
