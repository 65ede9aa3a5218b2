using System.Globalization;
using System.Text;
using Craton.Tokenizers;

namespace Craton.Data;

/// <summary>
/// Makes text uniform: mojibake undone, canonical composition (NFC), line ends as LF, control, zero-width, direction and tag
/// characters removed, odd spaces as spaces, blanks at line ends and long runs of empty lines removed. Applying it twice changes
/// nothing more.
/// </summary>
public sealed class UnicodeRepair : DocumentRule
{
    /// <summary>Creates the rule.</summary>
    public UnicodeRepair() : base("unicode-repair") { }

    /// <inheritdoc/>
    protected override Verdict Judge(Document document)
    {
        string text = Repair(document.Text);
        return text == document.Text ? Verdict.Keep(document)
            : Verdict.Change(document, text, ReferenceEquals(Mojibake.Repair(document.Text), document.Text) ? "characters or spaces normalised" : "mojibake repaired");
    }

    /// <summary>Applies the rule to one text.</summary>
    public static string Repair(string text)
    {
        // A character that was hidden inside damaged text hides the damage too: go on until nothing changes. Each round but the
        // last shortens the text.
        while (true)
        {
            string next = UnicodeText.Compose(Characters(Mojibake.Repair(text)));
            if (next == text) return text;
            text = next;
        }
    }

    private static string Characters(string text)
    {
        var clean = new StringBuilder(text.Length);
        int lineFeeds = 2; // as if after an empty line: no empty lines at the start
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is '\r' or '\n' or '\u2028' or '\u2029' or '\u0085')
            {
                if (c == '\r' && i + 1 < text.Length && text[i + 1] == '\n') i++;
                TrimBlanks(clean);
                if (++lineFeeds <= 2 && clean.Length > 0) clean.Append('\n');
            }
            else if (IsPair(text, i))
            {
                if (!IsTag(text, i)) clean.Append(c).Append(text[i + 1]);
                i++;
                lineFeeds = 0;
            }
            else if (!IsRemoved(c, clean.Length > 0 ? clean[^1] : ' '))
            {
                clean.Append(char.IsSurrogate(c) ? '\uFFFD' : CharUnicodeInfo.GetUnicodeCategory(c) == UnicodeCategory.SpaceSeparator ? ' ' : c);
                if (c is not (' ' or '\t')) lineFeeds = 0;
            }
        }

        while (clean.Length > 0 && char.IsWhiteSpace(clean[^1])) clean.Length--;
        return clean.ToString();
    }

    private static void TrimBlanks(StringBuilder text)
    {
        while (text.Length > 0 && text[^1] is ' ' or '\t') text.Length--;
    }

    private static bool IsPair(string text, int i) => char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);

    /// <summary>Tag characters (U+E0000..E007F) are invisible and have been used to hide instructions in text.</summary>
    private static bool IsTag(string text, int i) => char.ConvertToUtf32(text[i], text[i + 1]) is >= 0xE0000 and <= 0xE007F;

    private static bool IsRemoved(char c, char before) => c switch
    {
        '\t' => false,
        // Joiners shape letters in Indic and Arabic writing and emoji; elsewhere they only hide differences.
        '\u200C' or '\u200D' => before < '\u0600' || char.IsWhiteSpace(before),
        < ' ' or (>= '\u007F' and <= '\u009F') => true,
        '\u00AD' or '\u180E' or '\uFEFF' => true,
        (>= '\u200B' and <= '\u200F') or (>= '\u202A' and <= '\u202E') or (>= '\u2060' and <= '\u206F') => true,
        (>= '\uFFF9' and <= '\uFFFB') or '\uFFFE' or '\uFFFF' => true,
        _ => false,
    };
}
