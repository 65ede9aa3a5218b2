using System.Globalization;
using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary>Texts and numbers as other numbers.</summary>
internal static class Conversions
{
    private const NumberStyles RealStyle = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent | NumberStyles.AllowLeadingSign;

    /// <summary>The filter <c>int</c>; null where the value is no number.</summary>
    public static object? ToInteger(Run run, object value, int numberBase)
    {
        switch (value)
        {
            case Undefined undefined:
                throw undefined.Fault();
            case double real:
                return double.IsFinite(real) ? new BigInteger(real) : null;
            case Text text:
                return Parse(run, text.Value, numberBase) ?? (ToDouble(run, text) is double parsed && double.IsFinite(parsed) ? new BigInteger(parsed) : null);
            default:
                return Numbers.IsInteger(value, out BigInteger number) ? number : null;
        }
    }

    /// <summary>The filter <c>float</c>; null where the value is no number.</summary>
    public static object? ToDouble(Run run, object value)
    {
        switch (value)
        {
            case Undefined undefined:
                throw undefined.Fault();
            case Text text:
                run.Meter.Text(text.Length);
                string digits = text.Value.Trim().Replace("_", "", StringComparison.Ordinal);
                return digits.ToLowerInvariant() switch
                {
                    "inf" or "+inf" or "infinity" => double.PositiveInfinity,
                    "-inf" or "-infinity" => double.NegativeInfinity,
                    "nan" => double.NaN,
                    _ => double.TryParse(digits, RealStyle, CultureInfo.InvariantCulture, out double parsed) && !char.IsLetter(digits[^1]) ? parsed : null,
                };
            default:
                return Numbers.IsNumber(value, out double number) ? number : null;
        }
    }

    /// <summary>The filter <c>round</c>.</summary>
    public static object Round(object value, int precision, string method)
    {
        if (value is Undefined undefined)
            throw undefined.Fault();
        if (!Numbers.IsNumber(value, out double number))
            throw new RenderFault($"round: expected a number, got {Types.NameOf(value)}");
        if (Math.Abs(precision) > 400)
            throw new RenderFault($"round: a precision of {precision} is out of range");
        if (method == "common")
            return Numbers.IsInteger(value, out BigInteger integer) ? (precision >= 0 ? integer : RoundTens(integer, -precision)) : Nearest(number, precision);
        if (method is not ("ceil" or "floor"))
            throw new RenderFault("round: the method must be common, ceil or floor");
        double power = double.Parse($"1E{precision}", CultureInfo.InvariantCulture);
        return (method == "ceil" ? Math.Ceiling(number * power) : Math.Floor(number * power)) / power;
    }

    /// <summary>The filter <c>filesizeformat</c>.</summary>
    public static Text FileSize(double size, bool isBinary)
    {
        double unit = isBinary ? 1024 : 1000;
        if (size < unit)
            return Text.Own(size == 1 ? "1 Byte" : $"{(double.IsFinite(size) ? new BigInteger(size) : 0)} Bytes");
        string[] prefixes = isBinary ? ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
        int i = 0;
        for (; i < prefixes.Length - 1 && size >= unit * unit; i++)
            size /= unit;
        return Text.Own($"{Numbers.Fixed(size / unit, 1)} {prefixes[i]}");
    }

    private static BigInteger? Parse(Run run, string text, int numberBase)
    {
        run.Meter.Text(text.Length);
        text = text.Trim();
        bool isNegative = text.StartsWith('-');
        text = text.TrimStart(isNegative ? '-' : '+').Replace("_", "", StringComparison.Ordinal);
        string prefix = numberBase switch { 16 => "0x", 8 => "0o", 2 => "0b", _ => "" };
        if (prefix.Length > 0 && text.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            text = text[2..];
        if (numberBase is < 2 or > 36)
            throw new RenderFault("int: the base must be from 2 to 36");
        return Literals.Digits(text, numberBase) is { } number ? (isNegative ? -number : number) : null;
    }

    private static double Nearest(double number, int precision) => !double.IsFinite(number)
        ? number
        : double.Parse($"{Numbers.Scaled(number, precision)}E{-precision}", CultureInfo.InvariantCulture) is var rounded && rounded == 0 && double.IsNegative(number) ? -0.0 : rounded;

    private static BigInteger RoundTens(BigInteger number, int zeros)
    {
        BigInteger unit = BigInteger.Pow(10, zeros), half = unit / 2;
        BigInteger quotient = BigInteger.DivRem(BigInteger.Abs(number), unit, out BigInteger rest);
        if (rest > half || rest == half && !quotient.IsEven)
            quotient += 1;
        return quotient * unit * number.Sign;
    }
}
