using System.Globalization;
using System.Text;

namespace Craton.Tokenizers.Templates;

/// <summary>Upper and lower case of strings, as in Python.</summary>
internal static class TextCase
{
    public static string Upper(string text) => Map(text, r => r.Value == 'ß' ? "SS" : Rune.ToUpperInvariant(r).ToString());

    public static string Lower(string text)
    {
        // A sigma that ends a word has a form of its own.
        var lower = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            bool endsWord = text[i] == 'Σ' && i > 0 && char.IsLetter(text[i - 1]) && (i + 1 == text.Length || !char.IsLetter(text[i + 1]));
            lower.Append(endsWord ? 'ς' : text[i]);
        }

        return Map(lower.ToString(), r => r.Value == 'İ' ? "i\u0307" : Rune.ToLowerInvariant(r).ToString());
    }

    public static string Fold(string text) => Map(text, r => r.Value switch { 'ß' => "ss", 'ς' => "σ", _ => Lower(r.ToString()) });

    public static string Swap(string text) => Map(text, r => Rune.IsUpper(r) ? Lower(r.ToString()) : Upper(r.ToString()));

    public static string Capitalize(string text)
    {
        int first = text.Length > 1 && char.IsSurrogatePair(text[0], text[1]) ? 2 : 1;
        return text.Length == 0 ? text : Titled(text[..first]) + Lower(text[first..]);
    }

    /// <summary>The string method: every letter behind a character without case.</summary>
    public static string Title(string text)
    {
        bool insideWord = false;
        return Map(text, r =>
        {
            string cased = insideWord ? Lower(r.ToString()) : Titled(r.ToString());
            insideWord = Rune.IsUpper(r) || Rune.IsLower(r) || Rune.GetUnicodeCategory(r) == UnicodeCategory.TitlecaseLetter;
            return cased;
        });
    }

    /// <summary>The filter: the first letter of every word, where words end at white space, hyphens and opening brackets.</summary>
    public static string TitleFilter(string text)
    {
        var titled = new StringBuilder(text.Length);
        for (int start = 0; start < text.Length;)
        {
            bool IsBreak(char c) => char.IsWhiteSpace(c) || "-({[<".Contains(c);
            int end = start;
            while (end < text.Length && IsBreak(text[end]) == IsBreak(text[start]))
                end++;
            titled.Append(IsBreak(text[start]) ? text[start..end] : Capitalize(text[start..end]));
            start = end;
        }

        return titled.ToString();
    }

    // The digraphs of Croatian have a title case of their own.
    private static string Titled(string character) => character switch
    {
        "Ǆ" or "ǅ" or "ǆ" => "ǅ",
        "Ǉ" or "ǈ" or "ǉ" => "ǈ",
        "Ǌ" or "ǋ" or "ǌ" => "ǋ",
        "Ǳ" or "ǲ" or "ǳ" => "ǲ",
        "ß" => "Ss",
        _ => Upper(character),
    };

    private static string Map(string text, Func<Rune, string> change)
    {
        var mapped = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            mapped.Append(change(rune));
        return mapped.ToString();
    }
}
