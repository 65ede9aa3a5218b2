using System.Globalization;
using System.Net;

namespace Craton.Data;

/// <summary>A stretch of personal data.</summary>
/// <param name="Start">First character.</param>
/// <param name="End">One past the last.</param>
/// <param name="Kind">EMAIL, PHONE, IP, CARD, IBAN or KEY.</param>
internal readonly record struct PiiSpan(int Start, int End, string Kind);

/// <summary>
/// Finds personal data in one pass. All matching is done on a copy in which full-width forms, other scripts' digits and odd spaces
/// have become their ASCII counterparts, character by character, so places stay the same. Every matcher looks at a bounded
/// stretch, which keeps the whole linear.
/// </summary>
internal static class PiiScanner
{
    /// <summary>The spans in order, without overlaps.</summary>
    public static List<PiiSpan> Find(string original)
    {
        var spans = new List<PiiSpan>();
        string text = ToAscii(original);
        int free = 0; // nothing before this place may be masked again
        for (int i = 0; i < text.Length; i++)
        {
            if (Match(text, i, free) is not { } span) continue;
            spans.Add(span);
            free = span.End;
            i = span.End - 1;
        }

        return spans;
    }

    private static PiiSpan? Match(string text, int i, int free)
    {
        char c = text[i];
        if (c == '@' || (c is '(' or '[' && IsSpelledAt(text, i))) return PiiEmail.Around(text, i, free);
        if (!StartsToken(text, i)) return null;
        if (PiiKey.At(text, i) is { } key) return key;
        if (char.IsAsciiLetter(c) && Iban.At(text, i) is { } iban) return iban;
        if ((char.IsAsciiHexDigit(c) || c == ':') && IPv6(text, i) is { } six) return six;
        return char.IsAsciiDigit(c) || c is '+' or '(' ? PiiNumber.At(text, i) : null;
    }

    internal static bool IsSpelledAt(string text, int i) => i + 4 <= text.Length
        && (string.Compare(text, i, "(at)", 0, 4, StringComparison.OrdinalIgnoreCase) == 0 || string.Compare(text, i, "[at]", 0, 4, StringComparison.OrdinalIgnoreCase) == 0);

    private static bool StartsToken(string text, int i) => i == 0 || !(char.IsAsciiLetterOrDigit(text[i - 1]) || text[i - 1] == '_');

    private static PiiSpan? IPv6(string text, int i)
    {
        if (i > 0 && text[i - 1] is ':' or '.') return null;
        int end = i, colons = 0, digits = 0;
        for (; end < text.Length && end - i < 45 && (char.IsAsciiHexDigit(text[end]) || text[end] is ':' or '.'); end++)
        {
            colons += text[end] == ':' ? 1 : 0;
            digits += char.IsAsciiHexDigit(text[end]) ? 1 : 0;
        }

        while (end > i && text[end - 1] is '.' || (end > i + 2 && text[end - 1] == ':' && text[end - 2] != ':'))
        {
            colons -= text[end - 1] == ':' ? 1 : 0;
            end--;
        }

        // C++ writes a::b and clocks write 12:30:45: ask for three groups or more, and let the parser judge the rest.
        if (colons < 2 || digits < 3 || (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))) return null;
        ReadOnlySpan<char> address = text.AsSpan(i, end - i);
        bool wide = address.ContainsAnyInRange('0', '9') && IPAddress.TryParse(address, out IPAddress? ip) && ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        return wide ? new PiiSpan(i, end, "IP") : null;
    }

    private static string ToAscii(string text) => string.Create(text.Length, text, static (target, source) =>
    {
        for (int i = 0; i < source.Length; i++)
        {
            char c = source[i];
            target[i] = c < '\u00A0' ? c
                : c is >= '\uFF01' and <= '\uFF5E' ? (char)(c - 0xFEE0)
                : c is '\u2010' or '\u2011' or '\u2012' or '\u2013' or '\u2212' ? '-'
                : CharUnicodeInfo.GetUnicodeCategory(c) switch
                {
                    UnicodeCategory.SpaceSeparator => ' ',
                    UnicodeCategory.DecimalDigitNumber => (char)('0' + CharUnicodeInfo.GetDecimalDigitValue(c)),
                    _ => c,
                };
        }
    });
}

/// <summary>E-mail addresses, found from their <c>@</c> (or <c>(at)</c>) outwards.</summary>
internal static class PiiEmail
{
    private const int MaxLocal = 64, MaxDomain = 255;

    /// <summary>The address around the sign at <paramref name="at"/>, if it has a local part and a domain with a dot.</summary>
    public static PiiSpan? Around(string text, int at, int free)
    {
        int right = at + (text[at] == '@' ? 1 : 4), left = at;
        if (left > free && text[left - 1] == ' ') left--;
        if (right < text.Length && text[right] == ' ') right++;
        int start = left;
        while (start > free && left - start < MaxLocal && (char.IsLetterOrDigit(text[start - 1]) || text[start - 1] is '.' or '_' or '%' or '+' or '-' or '\'')) start--;
        while (start < left && text[start] is '.' or '-' or '\'') start++;
        int end = Domain(text, right);
        return start < left && end > 0 ? new PiiSpan(start, end, "EMAIL") : null;
    }

    /// <summary>The end of labels joined by dots (a blank before or after a dot is allowed once an <c>@</c> was seen), the last of letters; or -1.</summary>
    private static int Domain(string text, int start)
    {
        int i = start, end = -1, labels = 0;
        while (i < text.Length && i - start < MaxDomain)
        {
            int label = i;
            while (i < text.Length && i - start < MaxDomain && (char.IsLetterOrDigit(text[i]) || text[i] == '-')) i++;
            if (i == label) break;
            if (++labels > 1 && i - label >= 2 && !text.AsSpan(label, i - label).ContainsAnyInRange('0', '9')) end = i;
            if (i < text.Length && text[i] == '.') i++;
            else if (i + 2 < text.Length && text[i] == ' ' && text[i + 1] == '.' && text[i + 2] == ' ') i += 3;
            else break;
        }

        return end;
    }
}

/// <summary>International bank account numbers (ISO 13616): country, length of the country, and check digits modulo 97.</summary>
internal static class Iban
{
    // Country and length, from the SWIFT registry.
    private const string Lengths = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

    /// <summary>The account number that begins here, with single blanks or hyphens between its characters.</summary>
    public static PiiSpan? At(string text, int start)
    {
        if (start + 4 > text.Length || !char.IsAsciiLetter(text[start + 1])) return null;
        int needed = LengthOf(char.ToUpperInvariant(text[start]), char.ToUpperInvariant(text[start + 1]));
        int count = 0, i = start;
        long front = 0, rest = 0;
        for (; i < text.Length && count < needed; i++)
        {
            char c = char.ToUpperInvariant(text[i]);
            if (c is ' ' or '-' && count > 0 && text[i - 1] is not (' ' or '-')) continue;
            if (!char.IsAsciiLetterOrDigit(c) || (count is 2 or 3 && !char.IsAsciiDigit(c))) return null;
            int value = char.IsAsciiDigit(c) ? c - '0' : c - 'A' + 10;

            // The check moves the first four characters to the end: their remainder is kept apart.
            if (count < 4) front = Append(front, value);
            else rest = Append(rest, value) % 97;
            count++;
        }

        if (needed == 0 || count < needed || (i < text.Length && char.IsAsciiLetterOrDigit(text[i]))) return null;
        return (rest * 1_000_000 + front) % 97 == 1 ? new PiiSpan(start, i, "IBAN") : null; // two letters and two digits make six digits
    }

    private static long Append(long number, int value) => value < 10 ? number * 10 + value : number * 100 + value;

    private static int LengthOf(char a, char b)
    {
        for (int i = 0; i < Lengths.Length; i += 4)
        {
            if (Lengths[i] == a && Lengths[i + 1] == b) return (Lengths[i + 2] - '0') * 10 + Lengths[i + 3] - '0';
        }

        return 0;
    }
}
