using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary>What can stand behind <c>is</c>.</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Function> _tests = Methods.Named(
    [
        new("defined", "value", (_, a) => a[0] is not Undefined),
        new("undefined", "value", (_, a) => a[0] is Undefined),
        new("none", "value", (_, a) => a[0] is None),
        new("true", "value", (_, a) => a[0] is true),
        new("false", "value", (_, a) => a[0] is false),
        new("boolean", "value", (_, a) => a[0] is bool),
        new("integer", "value", (_, a) => a[0] is BigInteger),
        new("float", "value", (_, a) => a[0] is double),
        new("number", "value", (_, a) => Numbers.IsNumber(a[0], out double _)),
        new("string", "value", (_, a) => a[0] is Text),
        new("mapping", "value", (_, a) => a[0] is DictValue),
        new("iterable", "value", (_, a) => a[0] is Sequence or DictValue or DictView or RangeValue or Generator or Text or Undefined or BytesValue),
        new("sequence", "value", (_, a) => a[0] is Sequence or DictValue or RangeValue or Text or Undefined or BytesValue),
        new("callable", "value", (_, a) => a[0] is ICallable or Undefined),
        new("escaped", "value", (_, a) => a[0] is Text { IsEscaped: true }),
        new("sameas", "value other", (run, a) => IsSame(run, a[0], a[1])),
        new("odd", "value", (run, a) => Remainder(run, a[0], 2) == 1),
        new("even", "value", (run, a) => Remainder(run, a[0], 2) == 0),
        new("divisibleby", "value num", (run, a) => Remainder(run, a[0], a[1]) == 0),
        new("lower", "value", (run, a) => Methods.Find(Text.Empty, "islower")!.Call(run, new Arguments([Printing.Str(run, a[0])], Arguments.None.Named))),
        new("upper", "value", (run, a) => Methods.Find(Text.Empty, "isupper")!.Call(run, new Arguments([Printing.Str(run, a[0])], Arguments.None.Named))),
        new("filter", "value", (_, a) => Filters.Has(a.Text(0).Value)),
        new("test", "value", (_, a) => Has(a.Text(0).Value)),
        .. Compared("==", "eq", "equalto", "=="),
        .. Compared("!=", "ne", "!="),
        .. Compared("<", "lt", "lessthan", "<"),
        .. Compared("<=", "le", "<="),
        .. Compared(">", "gt", "greaterthan", ">"),
        .. Compared(">=", "ge", ">="),
        .. Compared("in", "in"),
    ]);

    public static bool Has(string name) => _tests.ContainsKey(name);

    /// <summary>The test of a name.</summary>
    /// <exception cref="RenderFault">There is none.</exception>
    public static Function Get(string name) => _tests.GetValueOrDefault(name) ?? throw new RenderFault($"no test named '{name}'");

    private static IEnumerable<Function> Compared(string op, params string[] names) =>
        names.Select(name => new Function(name, "value other", (run, a) => Comparisons.Holds(run, op, a[0], a[1])));

    private static bool IsSame(Run run, object a, object b) => ReferenceEquals(a, b)
        || a.GetType() == b.GetType() && a is not (Container or DictView or RangeValue or Undefined) && Comparison.AreEqual(run, a, b);

    private static double Remainder(Run run, object value, object by) =>
        Numbers.IsNumber(Arithmetic.Apply(run, "%", value is Text ? throw new RenderFault("expected a number, got a string") : value, by), out double rest) ? rest : 0;

    private static double Remainder(Run run, object value, int by) => Remainder(run, value, new BigInteger(by));
}
