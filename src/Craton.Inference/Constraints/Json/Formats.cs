namespace Craton.Inference.Constraints.Json;

/// <summary>The values of <c>format</c> that are supported, as expressions for the whole string. Dates exist in the calendar.</summary>
internal static class Formats
{
    private const string Year = "[1-9][0-9]{3}";

    private const string LeapYear = "([1-9][0-9](0[48]|[2468][048]|[13579][26])|(1[26]|[2468][048]|[3579][26])00)";

    private const string Date =
        $"({Year}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|{LeapYear}-02-29)";

    private const string Clock = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?";

    // Within 14 hours, as the time zones of the world are.
    private const string Zone = "(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)";

    private const string Byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

    private const string Ipv4 = $"({Byte}\\.){{3}}{Byte}";

    private const string Group = "[0-9a-fA-F]{1,4}";

    private const string Label = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";

    private const string Host = $"{Label}(\\.{Label}){{0,2}}";

    private const string Hours = "([0-9]{1,6}H)?([0-9]{1,6}M)?[0-9]{1,6}S";

    private const string UriPart = "([a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";

    private static readonly Dictionary<string, string> Patterns = new(StringComparer.Ordinal)
    {
        ["date"] = Date,
        ["time"] = Clock + Zone,
        ["date-time"] = $"{Date}T{Clock}{Zone}",
        ["duration"] = $"P([0-9]{{1,9}}W|([0-9]{{1,4}}Y)?([0-9]{{1,4}}M)?[0-9]{{1,6}}D(T{Hours})?|T{Hours})",
        ["email"] = $"[a-zA-Z0-9_%+-]{{1,32}}(\\.[a-zA-Z0-9_%+-]{{1,31}})?@{Label}(\\.{Label})?\\.[a-zA-Z]{{2,20}}",
        ["hostname"] = Host,
        ["ipv4"] = Ipv4,
        ["ipv6"] = Ipv6(),
        ["uri"] = $"[a-z][a-z0-9+.-]{{0,15}}://{Host}(:[1-9][0-9]{{0,3}})?(/{UriPart}*)*(\\?({UriPart}|[/?])*)?(#({UriPart}|[/?])*)?",
        ["uuid"] = "[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    };

    /// <summary>The names, for messages.</summary>
    public static string Names => string.Join(", ", Patterns.Keys);

    /// <summary>The expression of a format, or null.</summary>
    public static string? Pattern(string format) => Patterns.GetValueOrDefault(format);

    // Eight groups, or fewer with one gap.
    private static string Ipv6()
    {
        IEnumerable<string> gaps = Enumerable.Range(1, 6).Select(n => $"({Group}:){{1,{n}}}(:{Group}){{1,{7 - n}}}");
        return string.Join('|', [$"({Group}:){{7}}{Group}", $"({Group}:){{1,7}}:", .. gaps, $":((:{Group}){{1,7}}|:)"]);
    }
}
