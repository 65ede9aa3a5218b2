using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary>What can stand behind <c>|</c>: the filters of texts, lists and numbers.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Function> _filters =
        Methods.Named([.. TextFilters.All, .. ListFilters.All, .. SelectFilters.All, .. NumberFilters, .. General]);

    public static bool Has(string name) => _filters.ContainsKey(name);

    /// <summary>The filter of a name.</summary>
    /// <exception cref="RenderFault">There is none.</exception>
    public static Function Get(string name) => _filters.GetValueOrDefault(name) ?? throw new RenderFault($"no filter named '{name}'");

    private static IEnumerable<Function> General =>
    [
        ToJson.Filter,
        new("default", "value default_value? boolean?", Default),
        new("d", "value default_value? boolean?", Default),
        new("attr", "value name", (run, a) => a[0] is DictValue ? Methods.Find(a[0], a.Text(1).Value) is { } method ? new BoundMethod(a[0], method) : new Undefined("there is no such attribute")
            : Access.Attribute(run, a[0], a.Text(1).Value)),
        new("length", "value", Length),
        new("count", "value", Length),
        new("pprint", "value", (run, a) => Printing.Repr(run, a[0])),
    ];

    private static IEnumerable<Function> NumberFilters =>
    [
        new("abs", "value", (_, a) => a[0] switch
        {
            double real => Math.Abs(real),
            _ when Numbers.IsInteger(a[0], out BigInteger number) => BigInteger.Abs(number),
            Undefined undefined => throw undefined.Fault(),
            _ => throw new RenderFault($"abs: expected a number, got {Types.NameOf(a[0])}"),
        }),
        new("int", "value default? base?", (run, a) => Conversions.ToInteger(run, a[0], a.Int(2, 10)) ?? a.Find(1) ?? BigInteger.Zero),
        new("float", "value default?", (run, a) => Conversions.ToDouble(run, a[0]) ?? a.Find(1) ?? 0.0),
        new("round", "value precision? method?", (_, a) => Conversions.Round(a[0], a.Int(1, 0), a.Text(2, "common").Value)),
        new("filesizeformat", "value binary?", (run, a) => Conversions.FileSize(Conversions.ToDouble(run, a[0]) is double size ? size : throw new RenderFault("filesizeformat: expected a number"), a.Flag(1))),
    ];

    private static object Default(Run run, Bound a) =>
        a[0] is Undefined || (a.Flag(2) && !Truth.Of(a[0])) ? a.Find(1) ?? Text.Empty : a[0];

    private static object Length(Run run, Bound a)
    {
        if (a[0] is Text text)
            run.Meter.Text(text.Length);
        return new BigInteger(Types.SizeOf(a[0]) ?? throw new RenderFault($"object of type '{Types.NameOf(a[0])}' has no len()"));
    }
}
