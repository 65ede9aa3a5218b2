using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary>Python's <c>str.format</c>: <c>{}</c>, <c>{0}</c>, <c>{name}</c>, <c>{a.b[c]}</c>, <c>!r</c> and format specifications.</summary>
internal sealed class BraceFormat
{
    private readonly Run _run;
    private readonly Arguments _arguments;
    private int _next;
    private bool _isNumbered;

    private BraceFormat(Run run, Arguments arguments) => (_run, _arguments) = (run, arguments);

    public static Text Apply(Run run, Text format, Arguments arguments) => new BraceFormat(run, arguments).Format(format, depth: 0);

    private Text Format(Text format, int depth)
    {
        if (depth > 1)
            throw new RenderFault("format: fields nest too deep");
        var text = new TextBuilder(_run.Meter);
        int done = 0;
        for (int at; (at = format.Value.AsSpan(done).IndexOfAny('{', '}')) >= 0;)
        {
            at += done;
            text.Append(format, done, at);
            if (at + 1 < format.Length && format.Value[at + 1] == format.Value[at])
            {
                text.Append(format, at, at + 1);
                done = at + 2;
            }
            else if (format.Value[at] == '}')
            {
                throw new RenderFault("format: a single '}' stands outside of a field");
            }
            else
            {
                int end = FieldEnd(format.Value, at);
                text.Append(Field(format.Slice(at + 1, end), depth));
                done = end + 1;
            }
        }

        text.Append(format, done, format.Length);
        return text.ToText();
    }

    private static int FieldEnd(string format, int at)
    {
        int depth = 0;
        for (int i = at; i < format.Length; i++)
        {
            if (format[i] == '{')
                depth++;
            else if (format[i] == '}' && --depth == 0)
                return i;
        }

        throw new RenderFault("format: expected '}' before the end");
    }

    private Text Field(Text field, int depth)
    {
        int colon = field.Find(":") is >= 0 and int place ? place : field.Length;
        string name = field.Value[..colon];
        int mark = name.IndexOf('!', StringComparison.Ordinal);
        object value = Value(mark < 0 ? name : name[..mark]);
        if (mark >= 0)
        {
            value = name[mark..] switch
            {
                "!r" or "!a" => Printing.Repr(_run, value),
                "!s" => Printing.Str(_run, value),
                _ => throw new RenderFault("format: unknown conversion, expected !r, !s or !a"),
            };
        }

        Text spec = colon < field.Length ? Format(field.Slice(colon + 1, field.Length), depth + 1) : Text.Empty;
        if (value is Undefined undefined)
            throw undefined.Fault();
        if (spec.Length == 0)
            return Printing.Str(_run, value);
        if (value is not (Text or bool or BigInteger or double))
            throw new RenderFault($"format: a value of type {Types.NameOf(value)} takes no format specification");
        return Spec(spec.Value).Apply(_run, value);
    }

    private object Value(string path)
    {
        int end = path.AsSpan().IndexOfAny('.', '[') is >= 0 and int found ? found : path.Length;
        object value = First(path[..end]);
        while (end < path.Length)
        {
            bool isItem = path[end] == '[';
            int start = end + 1, stop = isItem ? path.IndexOf(']', start) : path.AsSpan(start).IndexOfAny('.', '[') is >= 0 and int next ? start + next : path.Length;
            if (stop <= start)
                throw new RenderFault("format: an attribute has no name");
            string part = path[start..stop];
            value = !isItem ? Access.Attribute(_run, value, part)
                : Access.Item(_run, value, part.All(char.IsAsciiDigit) ? Literals.Digits(part, 10) ?? BigInteger.Zero : Text.Foreign(part));
            end = isItem ? stop + 1 : stop;
        }

        return value;
    }

    private object First(string name)
    {
        bool isNumber = name.Length > 0 && name.All(char.IsAsciiDigit);
        if ((name.Length == 0 && _isNumbered) || (isNumber && _next > 0))
            throw new RenderFault("format: numbered and unnumbered fields cannot be mixed");
        if (!isNumber && name.Length > 0)
            return _arguments.Named.GetValueOrDefault(name) ?? throw new RenderFault($"format: there is no argument '{name}'");
        _isNumbered |= isNumber;
        int place = !isNumber ? _next++ : int.TryParse(name, out int number) ? number : int.MaxValue;
        return place < _arguments.Positional.Count ? _arguments.Positional[place] : throw new RenderFault($"format: there is no argument {place}");
    }

    // [[fill]align][sign][#][0][width][grouping][.precision][type]
    private FormatSpec Spec(string text)
    {
        int at = 0;
        string fill = " ";
        char align = '\0';
        int first = text.Length > 0 && char.IsHighSurrogate(text[0]) ? 2 : 1;
        if (text.Length > first && text[first] is '<' or '>' or '^' or '=')
            (fill, align, at) = (text[..first], text[first], first + 1);
        else if (text.Length > 0 && text[0] is '<' or '>' or '^' or '=')
            (align, at) = (text[0], 1);
        char sign = Take("+- ");
        bool alternate = Take("#") != '\0';
        if (Take("0") != '\0' && align == '\0')
            (fill, align) = ("0", '=');
        int width = Number() ?? 0;
        char grouping = Take(",_");
        int precision = Take(".") != '\0' ? Number() ?? throw new RenderFault("format: the precision is missing") : -1;
        char type = at < text.Length ? text[at++] : '\0';
        if (at < text.Length)
            throw new RenderFault("format: invalid format specification");
        return new FormatSpec { Fill = fill, Align = align, Sign = sign == '-' ? '\0' : sign, Alternate = alternate, Width = width, Grouping = grouping, Precision = precision, Type = type };

        char Take(string allowed) => at < text.Length && allowed.Contains(text[at]) ? text[at++] : '\0';

        int? Number()
        {
            int start = at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
                at++;
            if (at > start && !int.TryParse(text.AsSpan(start, at - start), out _))
                _run.Meter.Text(long.MaxValue);
            return at > start ? int.Parse(text.AsSpan(start, at - start), null) : null;
        }
    }
}
