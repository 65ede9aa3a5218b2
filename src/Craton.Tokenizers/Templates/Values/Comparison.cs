using System.Numerics;
using System.Runtime.CompilerServices;

namespace Craton.Tokenizers.Templates;

/// <summary>Equality, order and membership of values, as in Python.</summary>
internal static class Comparison
{
    /// <summary>Whether two values are equal: numbers by value, containers by content.</summary>
    public static bool AreEqual(Run run, object a, object b)
    {
        run.Meter.Steps(1);
        switch (a, b)
        {
            case (Text x, Text y):
                return x.Length == y.Length && Paid(run, x.Length) && x.Equals(y);
            case (Sequence x, Sequence y):
                return x is ListValue == y is ListValue && x.Items.Length == y.Items.Length && x.Items.Zip(y.Items).All(p => AreEqual(run, p.First, p.Second));
            case (DictValue x, DictValue y):
                return x.Entries.Count == y.Entries.Count && x.Entries.All(e => Find(run, y, e.Key) is { } other && AreEqual(run, e.Value, other));
            case (RangeValue x, RangeValue y):
                return x.Count == y.Count && (x.Count == 0 || x.Start == y.Start && (x.Count == 1 || x.Step == y.Step));
            case (Undefined, Undefined):
                return true;
            default:
                return ReferenceEquals(a, b) || CompareNumbers(a, b) == 0;
        }
    }

    /// <summary>The order of two values: negative, zero, positive; null where one is not a number.</summary>
    /// <exception cref="RenderFault">They have no order.</exception>
    public static int? Compare(Run run, string op, object a, object b)
    {
        run.Meter.Steps(1);
        switch (a, b)
        {
            case (Text x, Text y):
                run.Meter.Text(Math.Min(x.Length, y.Length));
                return ComparePoints(x.Value, y.Value);
            case (ListValue or TupleValue, Sequence y) when a is ListValue == b is ListValue:
                object[] items = ((Sequence)a).Items;
                for (int i = 0; i < Math.Min(items.Length, y.Items.Length); i++)
                {
                    if (!AreEqual(run, items[i], y.Items[i]))
                        return Compare(run, op, items[i], y.Items[i]);
                }

                return items.Length.CompareTo(y.Items.Length);
            case (Undefined, _) or (_, Undefined):
                throw (a as Undefined ?? (Undefined)b).Fault();
            default:
                if (Numbers.IsNumber(a, out double left) && Numbers.IsNumber(b, out double right))
                    return double.IsNaN(left) || double.IsNaN(right) ? null : CompareNumbers(a, b);
                throw new RenderFault($"'{op}' not supported between instances of '{Types.NameOf(a)}' and '{Types.NameOf(b)}'");
        }
    }

    /// <summary>Whether a container holds a value, or a string a string.</summary>
    public static bool Contains(Run run, object container, object value)
    {
        switch (container)
        {
            case Text text:
                run.Meter.Text(text.Length);
                return value switch
                {
                    Text part => text.Find(part.Value) >= 0,
                    Undefined undefined => throw undefined.Fault(),
                    _ => throw new RenderFault($"'in <string>' requires string as left operand, not {Types.NameOf(value)}"),
                };
            case DictValue dictionary:
                return Find(run, dictionary, value) is not null;
            default:
                object[] items = Types.TryIterate(run, container)
                    ?? throw new RenderFault($"argument of type '{Types.NameOf(container)}' is not iterable");
                return Array.Exists(items, item => AreEqual(run, item, value));
        }
    }

    /// <summary>The value of a key, or null.</summary>
    public static object? Find(Run run, DictValue dictionary, object key) => dictionary.Entries.GetValueOrDefault(Key(run, key));

    /// <summary>A value that may be a key; hashing it is paid for.</summary>
    /// <exception cref="RenderFault">It may not: a list or a dictionary.</exception>
    public static object Key(Run run, object value)
    {
        run.Meter.Steps(1);
        switch (value)
        {
            case ListValue or DictValue: throw new RenderFault($"unhashable type: '{Types.NameOf(value)}'");
            case Text text: run.Meter.Text(text.Length); break;
            case TupleValue tuple: Array.ForEach(tuple.Items, item => Key(run, item)); break;
        }

        return value;
    }

    /// <summary>Sorts stably; the comparison may fail.</summary>
    public static T[] Sort<T>(IReadOnlyList<T> items, Comparison<T> compare)
    {
        if (items.Count < 2)
            return [.. items];
        int half = items.Count / 2;
        T[] left = Sort([.. items.Take(half)], compare), right = Sort([.. items.Skip(half)], compare);
        var merged = new T[items.Count];
        for (int i = 0, l = 0, r = 0; i < merged.Length; i++)
            merged[i] = r == right.Length || l < left.Length && compare(left[l], right[r]) <= 0 ? left[l++] : right[r++];
        return merged;
    }

    /// <summary>The order of two numbers; null where one is none, or not a number.</summary>
    public static int? CompareNumbers(object a, object b)
    {
        if (Numbers.IsInteger(a, out BigInteger x) && Numbers.IsInteger(b, out BigInteger y))
            return x.CompareTo(y);
        if (!Numbers.IsNumber(a, out double left) || !Numbers.IsNumber(b, out double right) || double.IsNaN(left) || double.IsNaN(right))
            return null;
        // An integer and a finite double are compared exactly.
        if (a is not double && double.IsFinite(right) && double.IsInteger(right))
            return x.CompareTo(new BigInteger(right));
        if (b is not double && double.IsFinite(left) && double.IsInteger(left))
            return new BigInteger(left).CompareTo(Numbers.IsInteger(b, out y) ? y : 0);
        return left.CompareTo(right);
    }

    private static bool Paid(Run run, int length)
    {
        run.Meter.Text(length);
        return true;
    }

    // Surrogates stand for the highest code points, but are not the highest units.
    private static int ComparePoints(string a, string b)
    {
        int common = a.AsSpan().CommonPrefixLength(b);
        if (common == Math.Min(a.Length, b.Length))
            return a.Length.CompareTo(b.Length);
        bool isHigh = char.IsSurrogate(a[common]), otherIsHigh = char.IsSurrogate(b[common]);
        return isHigh == otherIsHigh ? a[common].CompareTo(b[common]) : isHigh ? 1 : -1;
    }
}

/// <summary>Equality of keys, which <see cref="Comparison.Key"/> has admitted.</summary>
internal sealed class KeyComparer : IEqualityComparer<object>
{
    public static readonly KeyComparer Instance = new();

    public new bool Equals(object? a, object? b) => (a, b) switch
    {
        (Text x, Text y) => x.Equals(y),
        (TupleValue x, TupleValue y) => x.Items.SequenceEqual(y.Items, this),
        _ => ReferenceEquals(a, b) || Comparison.CompareNumbers(a!, b!) == 0,
    };

    public int GetHashCode(object value) => value switch
    {
        Text text => text.GetHashCode(),
        TupleValue tuple => tuple.Items.Aggregate(17, (hash, item) => HashCode.Combine(hash, GetHashCode(item))),
        _ when Numbers.IsInteger(value, out BigInteger integer) => integer.GetHashCode(),
        double real when double.IsFinite(real) && double.IsInteger(real) => new BigInteger(real).GetHashCode(),
        double real => real.GetHashCode(),
        _ => RuntimeHelpers.GetHashCode(value),
    };
}
