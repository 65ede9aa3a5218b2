using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary>Filters that take lists, in their order or another one.</summary>
internal static class ListFilters
{
    public static IEnumerable<Function> All =>
    [
        new("list", "value", (run, a) => new ListValue(Types.Iterate(run, a[0]))),
        new("items", "value", (run, a) => a[0] switch
        {
            Undefined => new Generator([]),
            DictValue dictionary => new Generator(Paid(run, dictionary.Pairs())),
            _ => throw new RenderFault("Can only get item pairs from a mapping."),
        }),
        new("first", "value", (run, a) => Types.Iterate(run, a[0]) is [object first, ..] ? first : new Undefined("No first item, sequence was empty.")),
        new("last", "value", (run, a) => Types.Iterate(run, a[0]) is [.., object last] ? last : new Undefined("No last item, sequence was empty.")),
        new("random", "value", (run, a) => Types.Iterate(run, a[0]) is [object first, ..] ? first : new Undefined("No random item, sequence was empty.")),
        new("reverse", "value", Reverse),
        new("join", "value d? attribute?", Join),
        new("sort", "value reverse? case_sensitive? attribute?", (run, a) =>
            new ListValue(Sort(run, Types.Iterate(run, a[0]), KeyOf(run, a.Flag(2), Attribute(a, 3)), a.Flag(1)))),
        new("dictsort", "value case_sensitive? by? reverse?", DictSort),
        new("unique", "value case_sensitive? attribute?", Unique),
        new("groupby", "value attribute default? case_sensitive?", GroupBy),
        new("min", "value case_sensitive? attribute?", (run, a) => Extreme(run, a, -1)),
        new("max", "value case_sensitive? attribute?", (run, a) => Extreme(run, a, 1)),
        new("sum", "iterable attribute? start?", (run, a) => Types.Iterate(run, a[0])
            .Aggregate(a.Find(2) ?? BigInteger.Zero, (sum, item) => Arithmetic.Apply(run, "+", sum, a.Has(1) ? Access.Path(run, item, a[1]) : item))),
        new("batch", "value linecount fill_with?", Batch),
        new("slice", "value slices fill_with?", Slices),
    ];

    /// <summary>What an item is sorted or compared by: itself or an attribute, texts in lower case unless case counts.</summary>
    private static Func<object, object> KeyOf(Run run, bool caseSensitive, object? attribute, object? otherwise = null) => item =>
    {
        run.Meter.Steps(1);
        if (attribute is Text { Value: var paths } && paths.Contains(','))
            return new ListValue([.. paths.Split(',').Select(p => Fold(run, Access.Path(run, item, Text.Own(p)), caseSensitive))]);
        return Fold(run, attribute is null ? item : Access.Path(run, item, attribute, otherwise), caseSensitive);
    };

    private static object Fold(Run run, object value, bool caseSensitive)
    {
        if (caseSensitive || value is not Text text)
            return value;
        run.Meter.Text(text.Length);
        return text.With(TextCase.Lower(text.Value));
    }

    private static object? Attribute(Bound a, int i) => a.Has(i) ? a[i] : null;

    private static object[] Sort(Run run, object[] items, Func<object, object> key, bool reverse)
    {
        int sign = reverse ? -1 : 1;
        (object Key, object Item)[] keyed = [.. items.Select(i => (key(i), i))];
        return [.. Comparison.Sort(keyed, (x, y) => sign * (Comparison.Compare(run, "<", x.Key, y.Key) ?? 0)).Select(k => k.Item)];
    }

    private static object Reverse(Run run, Bound a)
    {
        object[] items = [.. Types.Iterate(run, a[0]).Reverse()];
        return a[0] is Text ? Arithmetic.Join(run, [.. items.Cast<Text>()]) : new Generator(items);
    }

    private static Text Join(Run run, Bound a)
    {
        Text separator = a.Find(1) is { } given ? Printing.Str(run, given) : Text.Empty;
        object[] items = Types.Iterate(run, a[0]);
        var joined = new TextBuilder(run.Meter);
        for (int i = 0; i < items.Length; i++)
        {
            if (i > 0)
                joined.Append(separator);
            joined.Append(Printing.Str(run, a.Has(2) ? Access.Path(run, items[i], a[2]) : items[i]));
        }

        return joined.ToText();
    }

    private static ListValue DictSort(Run run, Bound a)
    {
        DictValue dictionary = a[0] as DictValue ?? throw (a[0] as Undefined)?.Fault() ?? new RenderFault($"dictsort: expected a mapping, got {Types.NameOf(a[0])}");
        int place = a.Text(2, "key").Value switch { "key" => 0, "value" => 1, _ => throw new RenderFault("dictsort: 'by' must be 'key' or 'value'") };
        bool caseSensitive = a.Flag(1);
        return new ListValue(Sort(run, Paid(run, dictionary.Pairs()), pair => Fold(run, ((TupleValue)pair).Items[place], caseSensitive), a.Flag(3)));
    }

    private static Generator Unique(Run run, Bound a)
    {
        Func<object, object> key = KeyOf(run, a.Flag(1), Attribute(a, 2));
        var seen = new HashSet<object>(KeyComparer.Instance);
        return new Generator([.. Types.Iterate(run, a[0]).Where(item => seen.Add(Comparison.Key(run, key(item))))]);
    }

    private static ListValue GroupBy(Run run, Bound a)
    {
        object? otherwise = a.Find(2);
        bool caseSensitive = a.Flag(3);
        Func<object, object> key = KeyOf(run, caseSensitive, a[1], otherwise);
        var groups = new List<object>();
        var members = new List<object>();
        object[] sorted = Sort(run, Types.Iterate(run, a[0]), key, reverse: false);
        for (int i = 0; i < sorted.Length; i++)
        {
            members.Add(sorted[i]);
            if (i + 1 < sorted.Length && Comparison.AreEqual(run, key(sorted[i]), key(sorted[i + 1])))
                continue;
            object grouper = caseSensitive ? key(members[0]) : Access.Path(run, members[0], a[1], otherwise);
            groups.Add(new TupleValue([grouper, new ListValue([.. members])], "grouper", "list"));
            members.Clear();
        }

        return new ListValue([.. groups]);
    }

    private static object Extreme(Run run, Bound a, int sign)
    {
        object[] items = Types.Iterate(run, a[0]);
        if (items.Length == 0)
            return new Undefined("No aggregated item, sequence was empty.");
        Func<object, object> key = KeyOf(run, a.Flag(1), Attribute(a, 2));
        object best = items[0], bestKey = key(best);
        foreach (object item in items.Skip(1))
        {
            object candidate = key(item);
            if (Comparison.Compare(run, "<", candidate, bestKey) * sign > 0)
                (best, bestKey) = (item, candidate);
        }

        return best;
    }

    private static Generator Batch(Run run, Bound a)
    {
        int size = a.Int(1);
        if (size < 1)
            throw new RenderFault($"batch: expected a positive count, got {size}");
        List<object[]> rows = [.. Types.Iterate(run, a[0]).Chunk(size)];
        if (a.Has(2) && rows is [.., object[] last] && last.Length < size)
        {
            run.Meter.Steps(size);
            rows[^1] = [.. last, .. Enumerable.Repeat(a[2], size - last.Length)];
        }

        return new Generator([.. rows.Select(row => new ListValue(row))]);
    }

    private static Generator Slices(Run run, Bound a)
    {
        object[] items = Types.Iterate(run, a[0]);
        int count = a.Int(1);
        if (count < 1)
            throw new RenderFault($"slice: expected a positive count, got {count}");
        run.Meter.Steps(count);
        int least = items.Length / count, longer = items.Length % count, at = 0;
        var slices = new object[count];
        for (int i = 0; i < count; i++)
        {
            int length = least + (i < longer ? 1 : 0);
            IEnumerable<object> slice = items.Skip(at).Take(length);
            slices[i] = new ListValue([.. a.Has(2) && i >= longer ? slice.Append(a[2]) : slice]);
            at += length;
        }

        return new Generator(slices);
    }

    private static object[] Paid(Run run, object[] items)
    {
        run.Meter.Steps(items.Length);
        return items;
    }
}
