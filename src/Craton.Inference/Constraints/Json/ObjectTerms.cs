using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints.Json;

/// <summary>
/// Objects of a shape: the named members in the order of the schema, each once, then any others. Others are allowed when the schema says
/// so, or names none.
/// </summary>
/// <param name="shape">What is said about the object.</param>
/// <param name="value">Gives the rule of values that satisfy schemas.</param>
/// <param name="space">White space.</param>
/// <param name="anyString">A string.</param>
internal sealed class ObjectTerms(Shape shape, Func<IEnumerable<Location>, Call> value, Call space, Call anyString)
{
    /// <summary>Builds the term.</summary>
    public Term Build()
    {
        string[] names = [.. shape.Objects.SelectMany(o => o.Properties?.Keys ?? Enumerable.Empty<string>()).Concat(shape.Required).Distinct(StringComparer.Ordinal)];
        if (shape.Required.Any(IsForbidden))
            return Term.Nothing;
        List<Part> parts = [.. names.Where(n => !IsForbidden(n)).Select(n => new Part(Member(JsonTerms.String(n), shape.Member(n)), shape.Required.Contains(n)))];
        Term? other = Others(names);
        if (shape.MaxProperties < shape.Required.Count || (other is null && parts.Count < shape.MinProperties))
            return Term.Nothing;
        AddOthers(parts, other);
        Term separator = new Sequence(Term.Literal(","), space);
        return new Sequence(Term.Literal("{"), space, new Separated(parts, separator, Skips: true), space, Term.Literal("}"));
    }

    private bool IsForbidden(string name) => shape.Member(name).Any(l => l.IsFalse);

    private Sequence Member(Term name, IEnumerable<Location> schemas) => new(name, Term.Literal(":"), space, value(schemas));

    private Term? Others(string[] names)
    {
        Location[] schemas = [.. shape.Objects.Select(o => o.Additional).OfType<Location>()];
        bool closed = schemas.Length == 0 && shape.Objects.Any(o => o.Properties is not null);
        if (closed || schemas.Any(l => l.IsFalse))
            return null;
        if (names.Length == 0)
            return Member(anyString, schemas);
        Dfa taken = Dfa.Of(new Choice([.. names.Select(n => JsonTerms.Spell(Term.Literal(n)))]));
        Dfa free = Dfa.Of(new Repeat(JsonTerms.OneCharacter, 0, null)).Except(taken);
        return Member(new Sequence(Term.Literal("\""), new Accepted(free), Term.Literal("\"")), schemas);
    }

    // The numbers of members are kept where they can be counted: names that come twice are one member for a reader.
    private void AddOthers(List<Part> parts, Term? other)
    {
        int named = parts.Count;
        bool allRequired = parts.TrueForAll(p => p.Required);
        bool least = shape.MinProperties <= shape.Required.Count;
        bool oneOther = named == 0 && shape.MinProperties == 1;
        if (!least && !oneOther)
            throw Unsupported("minProperties", "at most 1, or no more than there are required properties");
        if (other is null)
        {
            if (shape.MaxProperties < named)
                throw Unsupported("maxProperties", "no fewer than there are properties");
        }
        else if (shape.MaxProperties is not int most)
        {
            parts.Add(new Part(other, Required: oneOther, Repeats: true));
        }
        else if (allRequired)
        {
            parts.AddRange(Enumerable.Range(named, most - named).Select(i => new Part(other, Required: oneOther && i == 0)));
        }
        else
        {
            throw Unsupported("maxProperties", "that all properties are required, or that there are no others");
        }
    }

    private GrammarException Unsupported(string keyword, string expected) =>
        new($"{shape.Pointer}/{keyword}: supported is {expected}; remove the keyword or change the properties");
}
