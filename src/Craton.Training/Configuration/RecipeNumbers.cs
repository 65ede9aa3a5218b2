using System.Globalization;

namespace Craton.Training.Configuration;

/// <summary>How numbers are written in recipes: <c>1e-3</c>, <c>500_000</c>, and for counts <c>2k</c>, <c>30M</c>, <c>1.5B</c>.</summary>
internal static class RecipeNumbers
{
    /// <summary>A whole number; null when it is none. Decimal arithmetic: <c>1.5B</c> and <c>2e3</c> are exact.</summary>
    public static decimal? Count(string text)
    {
        if (Digits(text) is not { } digits) return null;
        decimal factor = digits[^1] switch { 'k' or 'K' => 1e3m, 'M' => 1e6m, 'B' or 'G' => 1e9m, 'T' => 1e12m, _ => 1 };
        if (factor != 1) digits = digits[..^1];
        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        try
        {
            return decimal.TryParse(digits, style, CultureInfo.InvariantCulture, out decimal number) && decimal.IsInteger(number * factor) ? decimal.Truncate(number * factor) : null;
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    /// <summary>A number with a fraction; null when it is none. <c>.nan</c> and <c>.inf</c> are read, to be refused by name.</summary>
    public static double? Real(string text)
    {
        switch (text)
        {
            case ".nan" or ".NaN" or "nan" or "NaN": return double.NaN;
            case ".inf" or "+.inf" or "inf" or "Infinity": return double.PositiveInfinity;
            case "-.inf" or "-inf" or "-Infinity": return double.NegativeInfinity;
        }
        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return Digits(text) is { } digits && double.TryParse(digits, style, CultureInfo.InvariantCulture, out double number) ? number : null;
    }

    /// <summary>Without the underscores, which may stand between two digits only.</summary>
    private static string? Digits(string text)
    {
        if (text.Length == 0) return null;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '_' && (i == 0 || i == text.Length - 1 || !char.IsAsciiDigit(text[i - 1]) || !char.IsAsciiDigit(text[i + 1]))) return null;
        }
        return text.Replace("_", "", StringComparison.Ordinal);
    }
}
