namespace Craton.Tokenizers.Templates;

/// <summary>Filters that apply other filters and tests to each item of a list.</summary>
internal static class SelectFilters
{
    public static IEnumerable<Function> All =>
    [
        new("map", "value *", Map),
        new("select", "value *", (run, a) => Choose(run, a, byAttribute: false, keep: true)),
        new("reject", "value *", (run, a) => Choose(run, a, byAttribute: false, keep: false)),
        new("selectattr", "value *", (run, a) => Choose(run, a, byAttribute: true, keep: true)),
        new("rejectattr", "value *", (run, a) => Choose(run, a, byAttribute: true, keep: false)),
    ];

    private static Generator Map(Run run, Bound a)
    {
        Arguments all = a.All;
        if (all.Named.TryGetValue("attribute", out object? attribute) && all.Positional.Count == 1)
        {
            object? otherwise = all.Named.GetValueOrDefault("default");
            return new Generator([.. Items(run, a).Select(item => Access.Path(run, item, attribute, otherwise))]);
        }

        Function filter = Filters.Get(Word(all, 1, "map: expected the name of a filter, or attribute=…"));
        var rest = new Arguments([.. all.Positional.Skip(2)], all.Named);
        return new Generator([.. Items(run, a).Select(item => filter.Call(run, rest.Before(item)))]);
    }

    private static Generator Choose(Run run, Bound a, bool byAttribute, bool keep)
    {
        Arguments all = a.All;
        int place = byAttribute ? 2 : 1;
        if (byAttribute && all.Positional.Count < 2)
            throw new RenderFault("expected the name of an attribute");
        Function? test = all.Positional.Count > place ? Tests.Get(Word(all, place, "expected the name of a test")) : null;
        var rest = new Arguments([.. all.Positional.Skip(place + 1)], all.Named);
        return new Generator([.. Items(run, a).Where(item =>
        {
            object value = byAttribute ? Access.Path(run, item, all.Positional[1]) : item;
            return Truth.Of(test is null ? value : test.Call(run, rest.Before(value))) == keep;
        })]);
    }

    // What is false, such as None, counts as an empty list here.
    private static object[] Items(Run run, Bound a) => Truth.Of(a[0]) ? Types.Iterate(run, a[0]) : [];

    private static string Word(Arguments arguments, int place, string problem) =>
        arguments.Positional.Count > place && arguments.Positional[place] is Text word ? word.Value : throw new RenderFault(problem);
}
