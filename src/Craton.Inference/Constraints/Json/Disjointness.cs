using System.Text.Json;

namespace Craton.Inference.Constraints.Json;

/// <summary>Proofs that no value fits two shapes: by their types, values, ranges, patterns, or a member that differs.</summary>
internal sealed class Disjointness
{
    private const int MostLevels = 4;
    private const int MostComparisons = 20_000;

    private int _levels;
    private int _comparisons;

    /// <summary>True when it is certain that no value fits one of <paramref name="left"/> and one of <paramref name="right"/>.</summary>
    public bool Of(Func<IReadOnlyList<Location>, IReadOnlyList<Shape>> read, IReadOnlyList<Shape> left, IReadOnlyList<Shape> right) =>
        left.All(a => right.All(b => Of(read, a, b)));

    private bool Of(Func<IReadOnlyList<Location>, IReadOnlyList<Shape>> read, Shape a, Shape b)
    {
        if (++_comparisons > MostComparisons)
            return false;
        // What is written for one, of what the other takes.
        JsonTypes common = (a.Intended & b.Types) | (b.Intended & a.Types);
        if (a.Values is { } left && b.Values is { } right)
            return !left.Any(v => right.Any(w => JsonElement.DeepEquals(v, w)));
        if (a.Values is not null || b.Values is not null)
            common = (a.Values ?? b.Values)!.Aggregate(JsonTypes.None, (types, value) => types | Shape.TypeOf(value)) & common;
        return (common & (JsonTypes.Null | JsonTypes.Boolean | JsonTypes.Array)) == 0
            && ((common & JsonTypes.Number) == 0 || Below(a, b) || Below(b, a))
            && ((common & JsonTypes.String) == 0 || StringsDiffer(a, b))
            && ((common & JsonTypes.Object) == 0 || MembersDiffer(read, a, b));
    }

    private static bool Below(Shape a, Shape b) =>
        a.Most is { } most && b.Least is { } least && (most.Value < least.Value || (most.Value == least.Value && (most.Exclusive || least.Exclusive)));

    private static bool StringsDiffer(Shape a, Shape b) =>
        a.MaxLength < b.MinLength || b.MaxLength < a.MinLength || a.Patterns.Any(p => b.Patterns.Any(q => !p.Overlaps(q)));

    private bool MembersDiffer(Func<IReadOnlyList<Location>, IReadOnlyList<Shape>> read, Shape a, Shape b)
    {
        if (a.Required.Any(name => b.Member(name).Any(l => l.IsFalse)) || b.Required.Any(name => a.Member(name).Any(l => l.IsFalse)))
            return true;
        if (_levels == MostLevels)
            return false;
        _levels++;
        // A member that one requires and both speak about: where it is there, it fits one only.
        bool differ = a.Required.Union(b.Required, StringComparer.Ordinal)
            .Any(name => a.Member(name) is { Count: > 0 } left && b.Member(name) is { Count: > 0 } right && Of(read, read(left), read(right)));
        _levels--;
        return differ;
    }
}
