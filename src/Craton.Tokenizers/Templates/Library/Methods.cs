namespace Craton.Tokenizers.Templates;

/// <summary>
/// The methods that values have: those of Python's types that change nothing and run nothing. <c>append</c>, <c>update</c>, <c>pop</c> and their
/// like do not exist here.
/// </summary>
internal static class Methods
{
    private static readonly Dictionary<string, Function> _ofLists = Named(
    [
        new("index", "self value", (run, a) => Array.FindIndex(Items(a), i => Comparison.AreEqual(run, i, a[1])) is >= 0 and int place
            ? new System.Numerics.BigInteger(place) : throw new RenderFault("the value is not in the list")),
        new("count", "self value", (run, a) => new System.Numerics.BigInteger(Items(a).Count(i => Comparison.AreEqual(run, i, a[1])))),
        new("copy", "self", (_, a) => a[0]),
    ]);

    private static readonly Dictionary<string, Function> _ofDictionaries = Named(
    [
        new("get", "self key default?", (run, a) => Comparison.Find(run, (DictValue)a[0], a[1]) ?? a.Find(2) ?? None.Value),
        new("items", "self", (run, a) => View(run, "dict_items", ((DictValue)a[0]).Pairs())),
        new("keys", "self", (run, a) => View(run, "dict_keys", [.. ((DictValue)a[0]).Entries.Keys])),
        new("values", "self", (run, a) => View(run, "dict_values", [.. ((DictValue)a[0]).Entries.Values])),
        new("copy", "self", (_, a) => a[0]),
    ]);

    private static readonly Dictionary<string, Function> _ofDoubles = Named(
    [
        new("is_integer", "self", (_, a) => double.IsInteger((double)a[0])),
    ]);

    private static readonly Dictionary<string, Function> _ofIntegers = Named(
    [
        new("bit_length", "self", (_, a) => Numbers.IsInteger(a[0], out System.Numerics.BigInteger n)
            ? new System.Numerics.BigInteger(System.Numerics.BigInteger.Abs(n).GetBitLength()) : n),
        new("is_integer", "self", (_, _) => true),
    ]);

    /// <summary>The method of a value, or null where there is none.</summary>
    public static Function? Find(object value, string name) => value switch
    {
        Text => TextMethods.All.GetValueOrDefault(name),
        Sequence => _ofLists.GetValueOrDefault(name),
        DictValue => _ofDictionaries.GetValueOrDefault(name),
        double => _ofDoubles.GetValueOrDefault(name),
        bool or System.Numerics.BigInteger => _ofIntegers.GetValueOrDefault(name),
        _ => null,
    };

    /// <summary>Functions by name.</summary>
    public static Dictionary<string, Function> Named(params Function[] functions) => functions.ToDictionary(f => f.Name);

    private static object[] Items(Bound a) => ((Sequence)a[0]).Items;

    private static DictView View(Run run, string type, object[] items)
    {
        run.Meter.Steps(items.Length);
        return new DictView(type, items);
    }
}
