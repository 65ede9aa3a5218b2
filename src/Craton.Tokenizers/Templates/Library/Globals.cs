using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary>The functions that every template can call.</summary>
internal static class Globals
{
    private static readonly Function[] _functions =
    [
        new("range", "start stop? step?", (run, a) => Range(run, a)),
        new("dict", "*", (run, a) => new DictValue(Collect(run, a.All))),
        new("namespace", "*", (run, a) => new Namespace(Collect(run, a.All))),
        new("cycler", "*", (_, a) => new Cycler([.. a.All.Positional])),
        new("joiner", "sep?", (_, a) => new Joiner(a.Text(0, ", "))),
        new("lipsum", "*", (_, _) => throw new RenderFault("lipsum makes random text, which a chat template has no use for")),
        new("raise_exception", "message", (run, a) => throw new TemplateException(Printing.Str(run, a[0]).Value)),
        new("strftime_now", "format", (run, a) => TimeFormat.Apply(run, a.Text(0))),
    ];

    /// <summary>A scope with all of them.</summary>
    public static Scope NewScope()
    {
        var scope = new Scope(null);
        foreach (Function function in _functions)
            scope.Set(function.Name, function);
        scope.Set("self", TemplateReference.Instance);
        return scope;
    }

    private static RangeValue Range(Run run, Bound a)
    {
        bool hasStop = a.Find(1) is not null;
        BigInteger start = hasStop ? Integer(a, 0) : 0, stop = Integer(a, hasStop ? 1 : 0), step = a.Find(2) is null ? 1 : Integer(a, 2);
        if (step.IsZero)
            throw new RenderFault("range: the step cannot be zero");
        run.Meter.Range(BigInteger.Max(0, (stop - start + step - step.Sign) / step));
        // With so few items only bounds that are never reached can be larger than this.
        BigInteger limit = long.MaxValue / 4;
        if (BigInteger.Abs(start) > limit || BigInteger.Abs(step) > limit)
            throw new RenderFault("range: a bound is too large");
        return new RangeValue((long)start, (long)BigInteger.Clamp(stop, -limit, limit), (long)step);
    }

    private static BigInteger Integer(Bound a, int i) => Numbers.IsInteger(a[i], out BigInteger value)
        ? value
        : throw (a[i] as Undefined)?.Fault() ?? new RenderFault($"range: expected an integer, got {Types.NameOf(a[i])}");

    // A mapping or pairs, and keywords, as for Python's dict().
    private static OrderedDictionary<object, object> Collect(Run run, Arguments arguments)
    {
        OrderedDictionary<object, object> entries = DictValue.NewEntries();
        if (arguments.Positional is [object content, ..])
        {
            object[] pairs = content is DictValue dictionary ? dictionary.Pairs() : Types.Iterate(run, content);
            run.Meter.Steps(pairs.Length);
            foreach (object pair in pairs)
            {
                entries[pair is Sequence { Items: [object key, _] } ? Comparison.Key(run, key) : throw new RenderFault("dict: expected a mapping or pairs")] =
                    ((Sequence)pair).Items[1];
            }
        }

        foreach ((string name, object value) in arguments.Named)
            entries[Text.Own(name)] = value;
        return entries;
    }
}

/// <summary>What <c>namespace()</c> makes: the only value that a template can change.</summary>
internal sealed class Namespace : IAttributes
{
    private readonly Dictionary<string, object> _values = [];

    public Namespace(OrderedDictionary<object, object> content)
    {
        foreach ((object name, object value) in content)
            Set((name as Text ?? throw new RenderFault("namespace: names must be strings")).Value, value);
    }

    public void Set(string name, object value) =>
        _values[name] = name.StartsWith('_') ? throw new RenderFault($"namespace: the name '{name}' is refused, it begins with an underscore") : value;

    public object? Attribute(Run run, string name) => _values.GetValueOrDefault(name);
}

/// <summary>What <c>cycler()</c> makes: gives its items in turn.</summary>
internal sealed class Cycler(object[] items) : IAttributes
{
    private readonly object[] _items = items.Length > 0 ? items : throw new RenderFault("cycler: at least one item has to be provided");
    private int _at;

    public object? Attribute(Run run, string name) => name switch
    {
        "current" => _items[_at],
        "next" => new Function("cycler.next", "", (_, _) =>
        {
            object item = _items[_at];
            _at = (_at + 1) % _items.Length;
            return item;
        }),
        "reset" => new Function("cycler.reset", "", (_, _) =>
        {
            _at = 0;
            return None.Value;
        }),
        _ => null,
    };
}

/// <summary>What <c>joiner()</c> makes: empty at the first call, the separator at all others.</summary>
internal sealed class Joiner(Text separator) : ICallable
{
    private bool _used;

    public object Call(Run run, Arguments arguments)
    {
        Text text = _used ? separator : Text.Empty;
        _used = true;
        return text;
    }
}

/// <summary>The global <c>self</c>: without blocks there is nothing in it.</summary>
internal sealed class TemplateReference
{
    public static readonly TemplateReference Instance = new();
}
