using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary>The operators <c>+ - * / // % **</c> and <c>~</c>, as in Python.</summary>
internal static class Arithmetic
{
    /// <summary>Applies a binary operator.</summary>
    /// <exception cref="RenderFault">The types do not allow it.</exception>
    public static object Apply(Run run, string op, object a, object b)
    {
        if (op == "~")
            return Join(run, Printing.Str(run, a), Printing.Str(run, b));
        if (op == "%" && a is Text format)
            return PercentFormat.Apply(run, format, b);
        if (a is Undefined || b is Undefined)
            throw (a as Undefined ?? (Undefined)b).Fault();
        if (Numbers.IsInteger(a, out BigInteger x) && Numbers.IsInteger(b, out BigInteger y))
            return Integers(run, op, x, y);
        if (Numbers.IsNumber(a, out double left) && Numbers.IsNumber(b, out double right))
            return Doubles(op, left, right);
        return (op, a, b) switch
        {
            ("+", Text s, Text t) => Join(run, s, t),
            ("+", Sequence s, Sequence t) when s is ListValue == t is ListValue => Join(run, s, t),
            ("*", Text or Sequence, _) when Numbers.IsInteger(b, out y) => Repeat(run, a, y),
            ("*", _, Text or Sequence) when Numbers.IsInteger(a, out x) => Repeat(run, b, x),
            _ => throw new RenderFault($"unsupported operand types for {op}: '{Types.NameOf(a)}' and '{Types.NameOf(b)}'"),
        };
    }

    /// <summary>The sign operators.</summary>
    public static object Sign(string op, object value) => value switch
    {
        Undefined undefined => throw undefined.Fault(),
        double real => op == "-" ? -real : real,
        _ when Numbers.IsInteger(value, out BigInteger number) => op == "-" ? -number : number,
        _ => throw new RenderFault($"bad operand type for unary {op}: '{Types.NameOf(value)}'"),
    };

    /// <summary>Texts one behind the other.</summary>
    public static Text Join(Run run, params ReadOnlySpan<Text> texts)
    {
        var joined = new TextBuilder(run.Meter);
        foreach (Text text in texts)
            joined.Append(text);
        return joined.ToText();
    }

    private static Sequence Join(Run run, Sequence a, Sequence b)
    {
        run.Meter.Steps((long)a.Items.Length + b.Items.Length);
        return a.With([.. a.Items, .. b.Items]);
    }

    private static object Repeat(Run run, object value, BigInteger times)
    {
        times = BigInteger.Max(times, 0);
        if (value is Text text)
        {
            run.Meter.Text(times * text.Length);
            if (text.Length == 0)
                return text;
            var repeated = new TextBuilder(run.Meter);
            for (int i = 0; i < times; i++)
                repeated.Append(text);
            return repeated.ToText();
        }

        var sequence = (Sequence)value;
        run.Meter.Steps(times * sequence.Items.Length);
        return sequence.With(sequence.Items.Length == 0 ? [] : [.. Enumerable.Repeat(sequence.Items, (int)times).SelectMany(i => i)]);
    }

    private static object Integers(Run run, string op, BigInteger x, BigInteger y)
    {
        long bits = Math.Max(x.GetBitLength(), y.GetBitLength()) + 1;
        run.Meter.Steps(bits / 64);
        switch (op)
        {
            case "+":
                run.Meter.Integer(bits);
                return x + y;
            case "-":
                run.Meter.Integer(bits);
                return x - y;
            case "*":
                run.Meter.Integer(x.GetBitLength() + y.GetBitLength());
                run.Meter.Steps(bits * bits / (1 << 16));
                return x * y;
            case "/":
                return (double)x / NotZero((double)y);
            case "//" or "%":
                _ = NotZero((double)y);
                run.Meter.Steps(bits * bits / (1 << 16));
                BigInteger quotient = BigInteger.DivRem(x, y, out BigInteger rest);
                bool floored = !rest.IsZero && rest.Sign != y.Sign;
                return op == "//" ? (floored ? quotient - 1 : quotient) : floored ? rest + y : rest;
            default:
                if (y.Sign < 0)
                    return Doubles(op, (double)x, (double)y);
                run.Meter.Integer(BigInteger.Abs(x) <= 1 ? 1 : x.GetBitLength() * y);
                return BigInteger.Abs(x) <= 1 ? (y.IsZero ? BigInteger.One : y.IsEven ? x * x : x) : BigInteger.Pow(x, (int)y);
        }
    }

    private static object Doubles(string op, double x, double y)
    {
        switch (op)
        {
            case "+": return x + y;
            case "-": return x - y;
            case "*": return x * y;
            case "/": return x / NotZero(y);
            case "//": return Math.Floor((x - FloorRemainder(x, y)) / y + 0.5);
            case "%": return FloorRemainder(x, y);
            default: return Power(x, y);
        }
    }

    private static double FloorRemainder(double x, double y)
    {
        double rest = x % NotZero(y);
        return rest != 0 && rest < 0 != y < 0 ? rest + y : rest;
    }

    private static double NotZero(double y) => y == 0 ? throw new RenderFault("division by zero") : y;

    // The platform's power function has other last bits on other machines; whole exponents and the root are all that templates use.
    private static double Power(double x, double y)
    {
        if (y == 0.5)
            return Math.Sqrt(x);
        if (!double.IsInteger(y) || Math.Abs(y) > 1 << 20)
            throw new RenderFault($"** takes whole exponents up to {1 << 20} and 0.5, got {Numbers.Print(y)}");
        if (x == 0 && y < 0)
            throw new RenderFault("0 cannot be raised to a negative power");
        double power = 1;
        for (long n = (long)Math.Abs(y); n > 0; n >>= 1, x *= x)
        {
            if ((n & 1) == 1)
                power *= x;
        }

        return y < 0 ? 1 / power : power;
    }
}
