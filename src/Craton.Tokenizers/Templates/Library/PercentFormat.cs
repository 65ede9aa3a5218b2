namespace Craton.Tokenizers.Templates;

/// <summary>Python's <c>format % values</c>.</summary>
internal static class PercentFormat
{
    public static Text Apply(Run run, Text format, object values)
    {
        object[] given = values is TupleValue tuple ? tuple.Items : [values];
        int next = 0, done = 0;
        var text = new TextBuilder(run.Meter);
        for (int at; (at = format.Find("%", done)) >= 0;)
        {
            text.Append(format, done, at);
            var reader = new Reader(run, format.Value, at + 1);
            object? named = reader.Name() is { } name
                ? Access.Item(run, values as DictValue ?? throw new RenderFault("format requires a mapping"), Text.Foreign(name)) : null;
            FormatSpec spec = reader.Spec(() => Next());
            done = reader.At;
            text.Append(spec.Type == '%' ? Text.Own("%") : Format(run, spec, named ?? Next()));
        }

        text.Append(format, done, format.Length);
        if (next < given.Length && values is not (DictValue or ListValue or RangeValue or Undefined))
            throw new RenderFault("not all arguments converted during string formatting");
        return text.ToText();

        object Next() => next < given.Length ? given[next++] : throw new RenderFault("not enough arguments for format string");
    }

    private static Text Format(Run run, FormatSpec spec, object value)
    {
        switch (spec.Type)
        {
            case 's':
                return spec.Apply(run, Printing.Str(run, value));
            case 'r' or 'a':
                return (spec with { Type = 's' }).Apply(run, Printing.Repr(run, value));
            case 'c' when value is Text { CodePoints: 1 } character:
                return (spec with { Type = 's' }).Apply(run, character);
            case 'd' or 'i' or 'u' when value is double real && double.IsFinite(real):
                return (spec with { Type = 'd' }).Apply(run, new System.Numerics.BigInteger(real));
            case 'i' or 'u':
                return Format(run, spec with { Type = 'd' }, value);
            default:
                if (value is Undefined undefined)
                    throw undefined.Fault();
                return Numbers.IsNumber(value, out _) ? spec.Apply(run, value) : throw new RenderFault($"%{spec.Type} format: a number is required, not {Types.NameOf(value)}");
        }
    }

    /// <summary>Reads what stands behind a percent sign.</summary>
    private sealed class Reader(Run run, string format, int at)
    {
        public int At { get; private set; } = at;

        public string? Name()
        {
            if (Peek() != '(')
                return null;
            int end = format.IndexOf(')', At);
            if (end < 0)
                throw new RenderFault("incomplete format key");
            string name = format[(At + 1)..end];
            At = end + 1;
            return name;
        }

        public FormatSpec Spec(Func<object> next)
        {
            int flags = At;
            while (Peek() is '#' or '0' or '-' or ' ' or '+')
                At++;
            string chosen = format[flags..At];
            bool toLeft = chosen.Contains('-');
            int width = Number(next) ?? 0;
            int precision = -1;
            if (Peek() == '.')
            {
                At++;
                precision = Number(next) ?? 0;
            }

            while (Peek() is 'h' or 'l' or 'L')
                At++;
            char type = Peek();
            if (type == '\0')
                throw new RenderFault("incomplete format");
            if (!"diouxXeEfFgGcrsa%".Contains(type))
                throw new RenderFault($"unsupported format character '{type}'");
            At++;
            bool zeros = chosen.Contains('0') && !toLeft && type is not ('s' or 'r' or 'a' or 'c');
            return new FormatSpec
            {
                Fill = zeros ? "0" : " ",
                Align = toLeft ? '<' : zeros ? '=' : '>',
                Sign = chosen.Contains('+') ? '+' : chosen.Contains(' ') ? ' ' : '\0',
                Alternate = chosen.Contains('#'),
                Width = width,
                Precision = precision,
                Type = type,
            };
        }

        private int? Number(Func<object> next)
        {
            if (Peek() == '*')
            {
                At++;
                return Numbers.IsInteger(next(), out System.Numerics.BigInteger value) && value >= 0 && value <= int.MaxValue ? (int)value : throw new RenderFault("* wants int");
            }

            int start = At;
            while (char.IsAsciiDigit(Peek()))
                At++;
            if (At == start)
                return null;
            if (!int.TryParse(format.AsSpan(start, At - start), out int number))
                run.Meter.Text(long.MaxValue);
            return number;
        }

        private char Peek() => At < format.Length ? format[At] : '\0';
    }
}
