using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary><c>a.b</c>, <c>a[b]</c> and <c>a[b:c:d]</c>. Only data, and the methods of <see cref="Methods"/>, can be reached: the host has no names here.</summary>
internal static class Access
{
    /// <summary><c>value.name</c>: a method or attribute, else an item.</summary>
    public static object Attribute(Run run, object value, string name)
    {
        if (value is Undefined undefined)
            throw undefined.Fault();
        return OwnAttribute(run, value, name) ?? (value is DictValue d ? Comparison.Find(run, d, Text.Own(name)) : null) ?? Missing(value, name);
    }

    /// <summary><c>value[key]</c>: an item, else a method or attribute.</summary>
    public static object Item(Run run, object value, object key)
    {
        if (value is Undefined undefined)
            throw undefined.Fault();
        if (value is Text text && text.Length > 0)
            run.Meter.Text(text.Length);
        object? item = value switch
        {
            DictValue dictionary when key is not (ListValue or DictValue) => Comparison.Find(run, dictionary, key),
            Sequence or Text or RangeValue when Numbers.IsInteger(key, out BigInteger index) => At(value, index),
            _ => null,
        };
        return item ?? (key is Text name ? OwnAttribute(run, value, name.Value) : null) ?? Missing(value, Printing.Str(run, key).Value);
    }

    /// <summary><c>value[start:stop:step]</c>.</summary>
    public static object Slice(Run run, object value, object? start, object? stop, object? step)
    {
        if (value is Undefined undefined)
            throw undefined.Fault();
        if (value is not (Sequence or Text or RangeValue))
            throw new RenderFault($"'{Types.NameOf(value)}' object cannot be sliced");
        int length = Types.SizeOf(value)!.Value, by = Bound(step, 1);
        if (by == 0)
            throw new RenderFault("slice step cannot be zero");
        (int low, int high) = by > 0 ? (0, length) : (-1, length - 1);
        int first = Place(start, by > 0 ? low : high), end = Place(stop, by > 0 ? high : low);
        if (value is Text text && by == 1)
        {
            run.Meter.Text(text.Length);
            return text.Slice(text.Place(first), text.Place(Math.Max(first, end)));
        }

        if (value is RangeValue range)
            return new RangeValue(range.Start + first * range.Step, range.Start + end * range.Step, range.Step * by);
        object[] items = Types.Iterate(run, value);
        var chosen = new List<object>();
        for (long i = first; by > 0 ? i < end : i > end; i += by)
            chosen.Add(items[i]);
        run.Meter.Steps(chosen.Count);
        return value is Sequence sequence ? sequence.With([.. chosen]) : Arithmetic.Join(run, [.. chosen.Cast<Text>()]);

        int Place(object? bound, int otherwise)
        {
            if (bound is null or None)
                return otherwise;
            long place = Bound(bound, 0);
            return (int)Math.Clamp(place < 0 ? place + length : place, low, high);
        }
    }

    /// <summary>The value behind a path such as <c>a.b.0</c>, as filters name attributes; an integer is an index.</summary>
    public static object Path(Run run, object value, object path, object? otherwise = null)
    {
        object[] parts = path is Text text
            ? [.. text.Value.Split('.').Select(p => p.Length > 0 && p.All(char.IsAsciiDigit) ? BigInteger.Parse(p, null) : (object)Text.Own(p))]
            : [path];
        run.Meter.Steps(parts.Length);
        foreach (object part in parts)
        {
            value = Item(run, value, part);
            if (value is Undefined && otherwise is not null)
                return otherwise;
        }

        return value;
    }

    private static object? OwnAttribute(Run run, object value, string name) =>
        (value as IAttributes)?.Attribute(run, name) ?? (Methods.Find(value, name) is { } method ? new BoundMethod(value, method) : null);

    private static object? At(object value, BigInteger index)
    {
        int length = Types.SizeOf(value)!.Value;
        if (index < 0)
            index += length;
        if (index < 0 || index >= length)
            return null;
        int place = (int)index;
        return value switch
        {
            Sequence sequence => sequence.Items[place],
            RangeValue range => new BigInteger(range.Start + place * range.Step),
            Text text => text.Slice(text.Place(place), text.Place(place + 1)),
            _ => null,
        };
    }

    private static int Bound(object? bound, int otherwise)
    {
        if (bound is null or None)
            return otherwise;
        if (!Numbers.IsInteger(bound, out BigInteger number))
            throw new RenderFault("slice indices must be integers or None");
        return (int)BigInteger.Clamp(number, -int.MaxValue, int.MaxValue);
    }

    private static Undefined Missing(object value, string name) =>
        new($"'{Types.NameOf(value)} object' has no attribute '{(name.Length > 80 ? name[..80] : name)}'");
}
