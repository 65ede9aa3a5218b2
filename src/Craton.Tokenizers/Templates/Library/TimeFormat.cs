using System.Globalization;

namespace Craton.Tokenizers.Templates;

/// <summary><c>strftime</c> in the C locale.</summary>
internal static class TimeFormat
{
    public static Text Apply(Run run, Text format)
    {
        var text = new TextBuilder(run.Meter);
        int done = 0;
        for (int at; (at = format.Find("%", done)) >= 0 && at + 1 < format.Length;)
        {
            text.Append(format, done, at);
            bool unpadded = format.Value[at + 1] == '-' && at + 2 < format.Length;
            int code = unpadded ? at + 2 : at + 1;
            // Dates and times have nothing a control token could be made of.
            string? value = Field(format.Value[code], run.Now);
            text.Append(value is null ? format.Slice(at, code + 1) : Text.Own(unpadded ? Unpad(value) : value));
            done = code + 1;
        }

        text.Append(format, done, format.Length);
        return text.ToText();
    }

    private static string Unpad(string value) => value.TrimStart('0', ' ') is { Length: > 0 } rest ? rest : "0";

    private static string? Field(char code, DateTime time)
    {
        string? pattern = code switch
        {
            'Y' => "yyyy",
            'm' => "MM",
            'd' => "dd",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'y' => "yy",
            'f' => "ffffff",
            'b' or 'h' => "MMM",
            'B' => "MMMM",
            'a' => "ddd",
            'A' => "dddd",
            'p' => "tt",
            'F' => "yyyy-MM-dd",
            'T' or 'X' => "HH:mm:ss",
            'R' => "HH:mm",
            'D' or 'x' => "MM/dd/yy",
            'r' => "hh:mm:ss tt",
            _ => null,
        };
        return code switch
        {
            '%' => "%",
            'n' => "\n",
            't' => "\t",
            'z' or 'Z' => "",
            'P' => time.Hour < 12 ? "am" : "pm",
            'C' => (time.Year / 100).ToString("00", CultureInfo.InvariantCulture),
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'k' => time.Hour.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'l' => ((time.Hour + 11) % 12 + 1).ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'u' => (((int)time.DayOfWeek + 6) % 7 + 1).ToString(CultureInfo.InvariantCulture),
            's' => ((DateTimeOffset)DateTime.SpecifyKind(time, DateTimeKind.Utc)).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            'c' => $"{Field('a', time)} {Field('b', time)} {Field('e', time)} {Field('T', time)} {Field('Y', time)}",
            'U' => ((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7).ToString("00", CultureInfo.InvariantCulture),
            'W' => ((time.DayOfYear + 6 - ((int)time.DayOfWeek + 6) % 7) / 7).ToString("00", CultureInfo.InvariantCulture),
            'V' => ISOWeek.GetWeekOfYear(time).ToString("00", CultureInfo.InvariantCulture),
            'G' => ISOWeek.GetYear(time).ToString(CultureInfo.InvariantCulture),
            _ => pattern is null ? null : time.ToString(pattern, CultureInfo.InvariantCulture),
        };
    }
}
