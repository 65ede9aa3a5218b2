using System.Globalization;
using System.Numerics;
using System.Text;

namespace Craton.Tokenizers.Templates;

/// <summary>Numbers as Python has them: integers of any size, of which truth values are two, and doubles.</summary>
internal static class Numbers
{
    /// <summary>An integer or a truth value.</summary>
    public static bool IsInteger(object? value, out BigInteger number)
    {
        number = value switch { BigInteger integer => integer, true => BigInteger.One, _ => BigInteger.Zero };
        return value is BigInteger or bool;
    }

    /// <summary>Any number as a double.</summary>
    public static bool IsNumber(object? value, out double number)
    {
        number = value is double real ? real : IsInteger(value, out BigInteger integer) ? (double)integer : 0;
        return value is double or BigInteger or bool;
    }

    /// <summary>A double as Python prints it: the fewest digits that read back the same, with an exponent below 1e-4 and from 1e16 on.</summary>
    public static string Print(double value)
    {
        if (double.IsNaN(value))
            return "nan";
        if (double.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        (bool negative, string digits, int exponent) = Digits(value);
        return (negative ? "-" : "") + (exponent is < -4 or >= 16 ? Scientific(digits, exponent) : Plain(digits, exponent));
    }

    /// <summary>A double with a number of decimals, rounded from its exact value, halves to even.</summary>
    public static string Fixed(double value, int decimals)
    {
        if (!double.IsFinite(value))
            return Print(value);
        BigInteger scaled = Scaled(value, decimals);
        string digits = BigInteger.Abs(scaled).ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        string text = decimals == 0 ? digits : $"{digits[..^decimals]}.{digits[^decimals..]}";
        return double.IsNegative(value) ? "-" + text : text;
    }

    /// <summary>The value times a power of ten as an integer, rounded from its exact value, halves to even.</summary>
    public static BigInteger Scaled(double value, int decimals)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)(bits >> 52 & 0x7FF);
        BigInteger top = bits & 0xF_FFFF_FFFF_FFFF | (exponent == 0 ? 0 : 1L << 52), bottom = BigInteger.One;
        int power = Math.Max(exponent, 1) - 1075;
        if (power >= 0)
            top <<= power;
        else
            bottom <<= -power;
        if (decimals >= 0)
            top *= BigInteger.Pow(10, decimals);
        else
            bottom *= BigInteger.Pow(10, -decimals);
        BigInteger quotient = BigInteger.DivRem(top, bottom, out BigInteger rest);
        int half = (rest << 1).CompareTo(bottom);
        if (half > 0 || half == 0 && !quotient.IsEven)
            quotient += 1;
        return bits < 0 ? -quotient : quotient;
    }

    /// <summary>Sign, significant digits without trailing zeros, and the decimal exponent of the first digit.</summary>
    public static (bool Negative, string Digits, int Exponent) Digits(double value)
    {
        // "R" gives the shortest digits that read back the same, in whatever layout.
        string shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        int e = shortest.IndexOf('E', StringComparison.Ordinal);
        string mantissa = e < 0 ? shortest : shortest[..e];
        int power = e < 0 ? 0 : int.Parse(shortest.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        int point = mantissa.IndexOf('.', StringComparison.Ordinal) is >= 0 and int place ? place : mantissa.Length;
        string all = mantissa.Replace(".", "", StringComparison.Ordinal), digits = all.TrimStart('0');
        int exponent = digits.Length == 0 ? 0 : power + point - 1 - (all.Length - digits.Length);
        digits = digits.TrimEnd('0');
        return (double.IsNegative(value), digits.Length == 0 ? "0" : digits, exponent);
    }

    /// <summary>Digits with an exponent, as in <c>1.5e-07</c>.</summary>
    public static string Scientific(string digits, int exponent)
    {
        var text = new StringBuilder(digits[..1]);
        if (digits.Length > 1)
            text.Append('.').Append(digits, 1, digits.Length - 1);
        return text.Append('e').Append(exponent < 0 ? '-' : '+').Append(Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)).ToString();
    }

    private static string Plain(string digits, int exponent)
    {
        if (exponent < 0)
            return $"0.{new string('0', -exponent - 1)}{digits}";
        digits = digits.PadRight(exponent + 1, '0');
        return digits.Length == exponent + 1 ? digits + ".0" : $"{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }
}
