using System.Globalization;
using System.Numerics;
using System.Text;

namespace Craton.Tokenizers.Templates;

/// <summary>The filter <c>tojson</c>: writes as Python's <c>json.dumps</c> does, without HTML escapes.</summary>
internal sealed class ToJson
{
    private readonly Run _run;
    private readonly TextBuilder _text;
    private readonly string _itemSeparator, _keySeparator;
    private readonly string? _indent;
    private readonly bool _ascii, _sorted;

    private ToJson(Run run, Bound a)
    {
        (_run, _text, _ascii, _sorted) = (run, new TextBuilder(run.Meter), a.Flag(1), a.Flag(4));
        if (a.Has(2))
        {
            int width = a[2] is Text ? 0 : Math.Max(0, a.Int(2));
            run.Meter.Text(width);
            _indent = a[2] is Text text ? text.Value : new string(' ', width);
        }

        (_itemSeparator, _keySeparator) = (_indent is null ? ", " : ",", ": ");
        if (a.Has(3))
        {
            (_itemSeparator, _keySeparator) = a[3] is Sequence { Items: [Text item, Text key] }
                ? (item.Value, key.Value) : throw new RenderFault("tojson: separators must be two strings");
        }
    }

    public static Function Filter { get; } = new("tojson", "value ensure_ascii? indent? separators? sort_keys?", (run, a) =>
    {
        var json = new ToJson(run, a);
        json.Write(a[0], 0);
        return json._text.ToText();
    });

    private void Write(object value, int level)
    {
        _run.Meter.Steps(1);
        switch (value)
        {
            case None: _text.Append("null"); break;
            case bool flag: _text.Append(flag ? "true" : "false"); break;
            case BigInteger number: _text.Append(number.ToString(CultureInfo.InvariantCulture)); break;
            case double number: _text.Append(Number(number)); break;
            case Text text: WriteString(text.Value); break;
            case Sequence sequence: WriteItems(sequence.Items, "[", "]", level, item => Write(item, level + 1)); break;
            case DictValue dictionary: WriteEntries(dictionary, level); break;
            default: throw new RenderFault($"tojson: an object of type {(value is Undefined ? "Undefined" : Types.NameOf(value))} is not JSON serializable");
        }
    }

    private void WriteEntries(DictValue dictionary, int level)
    {
        IReadOnlyList<KeyValuePair<object, object>> entries = [.. dictionary.Entries];
        _run.Meter.Steps(entries.Count);
        if (_sorted)
            entries = Comparison.Sort(entries, (x, y) => Comparison.Compare(_run, "<", x.Key, y.Key) ?? 0);
        WriteItems(entries, "{", "}", level, entry =>
        {
            WriteString(Key(entry.Key));
            _text.Append(_keySeparator);
            Write(entry.Value, level + 1);
        });
    }

    private void WriteItems<T>(IReadOnlyList<T> items, string open, string close, int level, Action<T> write)
    {
        _text.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0)
                _text.Append(_itemSeparator);
            NewLine(level + 1);
            write(items[i]);
        }

        if (items.Count > 0)
            NewLine(level);
        _text.Append(close);
    }

    private void NewLine(int level)
    {
        if (_indent is null)
            return;
        _text.Append("\n");
        for (int i = 0; i < level; i++)
            _text.Append(_indent);
    }

    private static string Key(object key) => key switch
    {
        Text text => text.Value,
        None => "null",
        bool flag => flag ? "true" : "false",
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        double number => Number(number),
        _ => throw new RenderFault($"tojson: keys must be strings, numbers, true, false or null, not {Types.NameOf(key)}"),
    };

    private static string Number(double value) =>
        double.IsNaN(value) ? "NaN" : double.IsInfinity(value) ? (value > 0 ? "Infinity" : "-Infinity") : Numbers.Print(value);

    private void WriteString(string value)
    {
        _run.Meter.Text(value.Length);
        var text = new StringBuilder("\"", value.Length + 2);
        foreach (char c in value)
        {
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append(@"\\"),
                '\n' => text.Append(@"\n"),
                '\r' => text.Append(@"\r"),
                '\t' => text.Append(@"\t"),
                '\b' => text.Append(@"\b"),
                '\f' => text.Append(@"\f"),
                _ when c < ' ' || _ascii && c > '~' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        }

        _text.Append(text.Append('"').ToString());
    }
}
