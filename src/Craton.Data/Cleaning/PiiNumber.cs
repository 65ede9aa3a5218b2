namespace Craton.Data;

/// <summary>Numbers of persons: IPv4 addresses, payment cards (Luhn) and telephone numbers.</summary>
internal static class PiiNumber
{
    private const int MaxLength = 40;

    /// <summary>Digits in a row.</summary>
    private readonly record struct Group(int Start, int End)
    {
        public int Length => End - Start;
    }

    /// <summary>The number that begins at a digit, <c>+</c> or <c>(</c>.</summary>
    public static PiiSpan? At(string text, int start)
    {
        if (start > 0 && text[start - 1] is '.' or ',' && start > 1 && char.IsAsciiDigit(text[start - 2])) return null; // inside a number
        List<Group> groups = Groups(text, start);
        if (groups.Count == 0) return null;
        return IPv4(text, groups) ?? Card(text, groups) ?? Phone(text, start, groups);
    }

    /// <summary>Digit groups with at most two separators between them, within a bounded stretch.</summary>
    private static List<Group> Groups(string text, int start)
    {
        var groups = new List<Group>();
        int i = start, separators = 0;
        for (; i < text.Length && i - start < MaxLength && separators <= 2; i++)
        {
            if (char.IsAsciiDigit(text[i]))
            {
                int first = i;
                while (i + 1 < text.Length && char.IsAsciiDigit(text[i + 1])) i++;
                groups.Add(new Group(first, i + 1));
                separators = 0;
            }
            else if (text[i] is ' ' or '-' or '.' or '(' or ')' or '/' || (text[i] == '+' && i == start))
            {
                separators++;
            }
            else
            {
                break;
            }
        }

        // A group that runs into letters (4f2c, 10px) belongs to a word, not to a number.
        if (groups.Count > 0 && groups[^1].End < text.Length && (char.IsAsciiLetter(text[groups[^1].End]) || text[groups[^1].End] == '_')) groups.RemoveAt(groups.Count - 1);
        return groups;
    }

    private static PiiSpan? IPv4(string text, List<Group> groups)
    {
        if (groups.Count < 4) return null;
        for (int k = 0; k < 4; k++)
        {
            if (groups[k].Length > 3 || int.Parse(text.AsSpan(groups[k].Start, groups[k].Length), System.Globalization.CultureInfo.InvariantCulture) > 255) return null;
            if (k > 0 && (groups[k].Start - groups[k - 1].End != 1 || text[groups[k].Start - 1] != '.')) return null;
        }

        bool longer = groups.Count > 4 && text[groups[3].End] == '.' && groups[4].Start == groups[3].End + 1;
        return longer ? null : new PiiSpan(groups[0].Start, groups[3].End, "IP");
    }

    /// <summary>13 to 19 digits from the first group on, joined by single blanks or hyphens, with a right Luhn check digit and a known first digit.</summary>
    private static PiiSpan? Card(string text, List<Group> groups)
    {
        int digits = 0;
        PiiSpan? found = null;
        for (int k = 0; k < groups.Count; k++)
        {
            if (k > 0 && (groups[k].Start - groups[k - 1].End != 1 || text[groups[k].Start - 1] is not (' ' or '-'))) break;
            digits += groups[k].Length;
            if (digits > 19) break;
            if (digits >= 13 && text[groups[0].Start] is >= '2' and <= '6' && Luhn(text.AsSpan(groups[0].Start, groups[k].End - groups[0].Start)))
                found = new PiiSpan(groups[0].Start, groups[k].End, "CARD");
        }

        return found;
    }

    private static bool Luhn(ReadOnlySpan<char> text)
    {
        int sum = 0;
        bool twice = false;
        for (int i = text.Length - 1; i >= 0; i--)
        {
            if (!char.IsAsciiDigit(text[i])) continue;
            int digit = (text[i] - '0') * (twice ? 2 : 1);
            sum += digit > 9 ? digit - 9 : digit;
            twice = !twice;
        }

        return sum % 10 == 0;
    }

    /// <summary>
    /// A telephone number: international (<c>+</c> or <c>00</c>), with an area code in parentheses, in the North American 3-3-4
    /// form, in groups after a leading 0, or any 7 to 15 digits behind a word such as "phone".
    /// </summary>
    private static PiiSpan? Phone(string text, int start, List<Group> groups)
    {
        int used = Contiguous(text, groups), digits = 0;
        for (int k = 0; k < used; k++) digits += groups[k].Length;
        while (used > 1 && digits > 15) digits -= groups[--used].Length;
        int end = groups[used - 1].End;
        if (digits is < 7 or > 15) return null;

        Group first = groups[0];
        bool trunk = text[first.Start] == '0' && used > 1 && first.Length >= 2 && text[first.End] != '.' && digits is >= 9 and <= 12;
        bool international = text[start] == '+' || (trunk || digits >= 10) && text.AsSpan(first.Start).StartsWith("00") && text[start] != '(';
        bool area = text[start] == '(' && first.Length is >= 2 and <= 5 && text[first.End] == ')' && digits is >= 8 and <= 12;
        if (international || area || trunk) return new PiiSpan(start, end, "PHONE");
        if (IsNorthAmerican(text, groups) is { } last) return new PiiSpan(start, last, "PHONE");
        return IsAnnounced(text, start) ? new PiiSpan(start, end, "PHONE") : null;
    }

    /// <summary>How many groups follow each other with phone-like separators: one character, or a bracket with a blank.</summary>
    private static int Contiguous(string text, List<Group> groups)
    {
        int used = 1;
        while (used < groups.Count)
        {
            ReadOnlySpan<char> between = text.AsSpan(groups[used - 1].End, groups[used].Start - groups[used - 1].End);
            if (between.Length > 1 && !between.ContainsAny('(', ')')) break;
            used++;
        }

        return used;
    }

    private static int? IsNorthAmerican(string text, List<Group> groups)
    {
        int k = groups.Count > 3 && groups[0].Length == 1 && text[groups[0].Start] == '1' ? 1 : 0;
        bool shape = groups.Count >= k + 3 && groups[k].Length == 3 && groups[k + 1].Length == 3 && groups[k + 2].Length == 4;
        return shape && text[groups[k].Start] >= '2' && text[groups[k + 1].Start] >= '2' ? groups[k + 2].End : null;
    }

    private static bool IsAnnounced(string text, int start)
    {
        ReadOnlySpan<char> before = text.AsSpan(Math.Max(0, start - 20), Math.Min(20, start));
        foreach (string word in (ReadOnlySpan<string>)["phone", "tel", "call", "mobile", "cell", "fax", "whatsapp", "sms"])
        {
            int at = before.LastIndexOf(word, StringComparison.OrdinalIgnoreCase);
            if (at >= 0 && !before[at..].ContainsAny('\n', '[')) return true;
        }

        return false;
    }
}
