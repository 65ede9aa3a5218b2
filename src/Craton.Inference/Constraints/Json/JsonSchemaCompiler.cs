using System.Text.Json;
using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints.Json;

/// <summary>
/// Turns a JSON schema into rules: one for each set of schemas that some value has to satisfy together, so recursion of schemas becomes
/// recursion of rules.
/// </summary>
internal sealed class JsonSchemaCompiler
{
    private readonly GrammarBuilder _builder = new();
    private readonly ShapeReader _shapes;
    private readonly Dictionary<string, int> _rules = new(StringComparer.Ordinal);
    private readonly Queue<(int Rule, IReadOnlyList<Location> Schemas)> _open = [];

    private JsonSchemaCompiler(SchemaDocument document) => _shapes = new ShapeReader(document);

    /// <summary>Compiles the text of a schema.</summary>
    /// <exception cref="GrammarException">See <see cref="Grammar.FromJsonSchema(string)"/>.</exception>
    public static Grammar Compile(string schema)
    {
        SchemaDocument document = SchemaDocument.Parse(schema);
        var compiler = new JsonSchemaCompiler(document);
        _ = compiler.Value([document.Root]);
        compiler.Run();
        return new Grammar(compiler._builder, Limits.JsonDepth);
    }

    private void Run()
    {
        while (_open.TryDequeue(out (int Rule, IReadOnlyList<Location> Schemas) next))
        {
            try
            {
                _builder.Set(next.Rule, new Choice([.. _shapes.Read(next.Schemas).SelectMany(OfShape)]));
            }
            catch (GrammarException e) when (!e.Message.StartsWith('#'))
            {
                throw new GrammarException($"{_builder.Names[next.Rule]}: {e.Message}", e);
            }
        }
    }

    // The rule of the values that satisfy these schemas.
    private Call Value(IEnumerable<Location> schemas)
    {
        Location[] distinct = [.. schemas.Where(s => s.Schema.ValueKind != JsonValueKind.True).DistinctBy(s => s.Pointer)];
        string key = string.Join('\n', distinct.Select(s => s.Pointer).Order(StringComparer.Ordinal));
        if (!_rules.TryGetValue(key, out int rule))
        {
            _rules.Add(key, rule = _builder.AddRule(distinct.Length == 0 ? "any value" : distinct[0].Pointer));
            _open.Enqueue((rule, distinct));
        }

        return new Call(rule);
    }

    private Call Shared(string name, Term term)
    {
        if (!_rules.TryGetValue(name, out int rule))
        {
            _rules.Add(name, rule = _builder.AddRule(name));
            _builder.Set(rule, term);
        }

        return new Call(rule);
    }

    private Call Space() => Shared("white space", JsonTerms.Space);

    private IEnumerable<Term> OfShape(Shape shape)
    {
        if (shape.Values is { } values)
        {
            foreach (JsonElement value in values.Where(v => Fits(shape, v)))
                yield return JsonTerms.Value(value);
            yield break;
        }

        JsonTypes types = shape.Intended;
        if (types.HasFlag(JsonTypes.Null)) yield return Term.Literal("null");
        if (types.HasFlag(JsonTypes.Boolean)) yield return new Choice(Term.Literal("true"), Term.Literal("false"));
        if ((types & JsonTypes.Number) != 0) yield return Number(shape);
        if (types.HasFlag(JsonTypes.String)) yield return String(shape);
        if (types.HasFlag(JsonTypes.Array)) yield return Array(shape);
        if (types.HasFlag(JsonTypes.Object)) yield return new ObjectTerms(shape, Value, Space(), AnyString()).Build();
    }

    private Term Number(Shape shape)
    {
        bool whole = !shape.Intended.HasFlag(JsonTypes.Fraction);
        if (shape.Least is not null || shape.Most is not null || shape.Divisors.Count > 0)
            return NumberTerms.Between(shape.Least, shape.Most, whole, shape.Divisors);
        return whole ? Shared("a whole number", JsonTerms.Integer) : Shared("a number", JsonTerms.Number);
    }

    private Call AnyString() =>
        Shared("a string", new Sequence(Term.Literal("\""), new Repeat(JsonTerms.AnyCharacter, 0, null), Term.Literal("\"")));

    private Term String(Shape shape)
    {
        bool anyLength = shape is { MinLength: 0, MaxLength: null };
        if (shape.MaxLength < shape.MinLength)
            return Term.Nothing;
        if (shape.Patterns.Count == 0)
            return anyLength ? AnyString() : new Sequence(Term.Literal("\""), Characters(shape.MinLength, shape.MaxLength), Term.Literal("\""));
        return new Sequence(Term.Literal("\""), new Accepted(Strings(shape)), Term.Literal("\""));
    }

    private static Dfa Strings(Shape shape)
    {
        IEnumerable<Dfa> all = shape.Patterns;
        if (shape is not { MinLength: 0, MaxLength: null })
            all = all.Prepend(Dfa.Of(new Repeat(JsonTerms.OneCharacter, shape.MinLength, shape.MaxLength)));
        return all.Aggregate((a, b) => a.Intersect(b));
    }

    // Long texts are counted in blocks, so that they need few states.
    private Term Characters(int least, int? most)
    {
        const int Size = 64;
        Term one = JsonTerms.OneCharacter;
        if (Math.Max(least, most ?? 0) <= 4 * Size)
            return new Repeat(one, least, most);
        Term block = Shared($"{Size} characters", new Repeat(one, Size, Size));
        Term begin = new Sequence(Times(block, least / Size), Times(one, least % Size));
        if (most is not int end)
            return new Sequence(begin, new Repeat(one, 0, null));
        (int blocks, int rest) = Math.DivRem(end - least, Size);
        Term atMost = new Sequence(Times(block, blocks), new Repeat(one, 0, rest));
        if (blocks > 0)
            atMost = new Choice(atMost, new Sequence(new Repeat(block, 0, blocks - 1), new Repeat(one, 0, Size - 1)));
        return new Sequence(begin, atMost);
    }

    private static Repeat Times(Term term, int count) => new(term, count, count);

    private Term Array(Shape shape)
    {
        int prefix = shape.Arrays.Select(a => a.Prefix.Count).Append(0).Max();
        int? most = shape.MaxItems;
        // Where an element is forbidden, the array ends before it.
        for (int i = 0; i <= prefix; i++)
        {
            if (shape.Element(i).Any(l => l.IsFalse))
                most = Math.Min(most ?? i, i);
        }

        if (most < shape.MinItems)
            return Term.Nothing;
        int counted = most ?? Math.Max(prefix, shape.MinItems);
        List<Part> parts = [.. Enumerable.Range(0, counted).Select(i => new Part(Value(shape.Element(Math.Min(i, prefix))), Required: i < shape.MinItems))];
        if (most is null)
            parts.Add(new Part(Value(shape.Element(prefix)), Required: false, Repeats: true));
        Term separator = new Sequence(Term.Literal(","), Space());
        return new Sequence(Term.Literal("["), Space(), new Separated(parts, separator, Skips: false), Space(), Term.Literal("]"));
    }

    private static GrammarException ListedAndDescribed(Shape shape, string what) =>
        new($"{shape.Pointer}: {what} that are listed by enum or const cannot be described by other keywords too; keep one of the two");

    // Whether a listed value agrees with what else is said about values of its type.
    private static bool Fits(Shape shape, JsonElement value)
    {
        if (!shape.Types.HasFlag(Shape.TypeOf(value)))
            return false;
        switch (value.ValueKind)
        {
            case JsonValueKind.Number when shape.Least is not null || shape.Most is not null || shape.Divisors.Count > 0:
                return value.TryGetDecimal(out decimal number) && shape.Divisors.TrueForAll(d => number % d == 0)
                    && !(number < shape.Least?.Value) && !(number > shape.Most?.Value)
                    && !(shape.Least is { Exclusive: true } l && number == l.Value) && !(shape.Most is { Exclusive: true } m && number == m.Value);
            case JsonValueKind.String:
                int length = value.GetString()!.EnumerateRunes().Count();
                return length >= shape.MinLength && !(length > shape.MaxLength)
                    && (shape.Patterns.Count == 0 || shape.Patterns.TrueForAll(Dfa.Of(JsonTerms.Spell(Term.Literal(value.GetString()!))).Overlaps));
            case JsonValueKind.Array when shape.Arrays.Count > 0 || shape.MinItems > 0 || shape.MaxItems is not null:
                throw ListedAndDescribed(shape, "arrays");
            case JsonValueKind.Object when shape.Objects.Count > 0 || shape.Required.Count > 0 || shape.MinProperties > 0 || shape.MaxProperties is not null:
                throw ListedAndDescribed(shape, "objects");
            default:
                return true;
        }
    }
}
