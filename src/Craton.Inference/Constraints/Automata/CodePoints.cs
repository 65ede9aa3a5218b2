namespace Craton.Inference.Constraints.Automata;

/// <summary>A set of Unicode scalar values, as sorted ranges that neither touch nor hold surrogates.</summary>
internal sealed class CodePoints
{
    private const int Last = 0x10FFFF;

    private Utf8Automaton? _utf8;

    private CodePoints(List<(int First, int Last)> ranges) => Ranges = ranges;

    /// <summary>Every scalar value.</summary>
    public static CodePoints Any { get; } = Of((0, Last));

    /// <summary>The ranges, ends included.</summary>
    public IReadOnlyList<(int First, int Last)> Ranges { get; }

    /// <summary>The spelling of the characters in UTF-8.</summary>
    public Utf8Automaton Utf8 => _utf8 ??= new Utf8Automaton(this);

    /// <summary>The set of the ranges' scalar values; ranges may overlap, surrogates are left out.</summary>
    public static CodePoints Of(params IEnumerable<(int First, int Last)> ranges)
    {
        var sorted = new List<(int First, int Last)>();
        foreach ((int first, int last) in ranges)
        {
            if (first < 0xD800)
                sorted.Add((first, Math.Min(last, 0xD7FF)));
            if (last > 0xDFFF)
                sorted.Add((Math.Max(first, 0xE000), last));
        }

        sorted.Sort();
        var merged = new List<(int First, int Last)>();
        foreach ((int first, int last) in sorted)
        {
            if (merged.Count > 0 && first <= merged[^1].Last + 1)
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, last));
            else
                merged.Add((first, last));
        }

        return new CodePoints(merged);
    }

    /// <summary>The set of these characters.</summary>
    public static CodePoints Of(string characters) => Of(characters.EnumerateRunes().Select(r => (r.Value, r.Value)));

    public CodePoints Union(CodePoints other) => Of(Ranges.Concat(other.Ranges));

    public CodePoints Complement()
    {
        var gaps = new List<(int, int)>();
        int next = 0;
        foreach ((int first, int last) in Ranges)
        {
            if (first > next)
                gaps.Add((next, first - 1));
            next = last + 1;
        }

        if (next <= Last)
            gaps.Add((next, Last));
        return Of(gaps);
    }

    public CodePoints Intersect(CodePoints other) => Complement().Union(other.Complement()).Complement();
}
