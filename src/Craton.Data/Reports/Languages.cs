namespace Craton.Data;

/// <summary>Rough names for scripts and languages: enough for a report, not for routing.</summary>
internal static class Languages
{
    private static readonly (int Start, int End, string Name)[] s_scripts =
    [
        (0x0041, 0x024F, "Latin"), (0x0370, 0x03FF, "Greek"), (0x0400, 0x052F, "Cyrillic"), (0x0530, 0x058F, "Armenian"), (0x0590, 0x05FF, "Hebrew"),
        (0x0600, 0x077F, "Arabic"), (0x0900, 0x097F, "Devanagari"), (0x0980, 0x09FF, "Bengali"), (0x0B80, 0x0BFF, "Tamil"), (0x0E00, 0x0E7F, "Thai"),
        (0x10A0, 0x10FF, "Georgian"), (0x1100, 0x11FF, "Hangul"), (0x1E00, 0x1EFF, "Latin"), (0x1F00, 0x1FFF, "Greek"), (0x3040, 0x309F, "Hiragana"),
        (0x30A0, 0x30FF, "Katakana"), (0x3400, 0x9FFF, "Han"), (0xAC00, 0xD7AF, "Hangul"), (0xFF21, 0xFF5A, "Latin"), (0x20000, 0x3134F, "Han"),
    ];

    // The most frequent words that the languages do not share.
    private static readonly (string Language, string[] Words)[] s_frequent =
    [
        ("cs", ["je", "že", "na", "se", "jsem", "jako", "ale", "které"]),
        ("de", ["der", "die", "das", "und", "ist", "nicht", "ein", "eine", "mit", "auf"]),
        ("en", ["the", "of", "and", "to", "is", "that", "with", "for", "this", "are"]),
        ("es", ["el", "los", "las", "una", "que", "por", "con", "del", "está", "y"]),
        ("fr", ["le", "les", "des", "une", "est", "dans", "que", "pour", "du", "et"]),
        ("it", ["il", "che", "di", "della", "per", "una", "sono", "gli", "è", "con"]),
        ("nl", ["het", "een", "van", "niet", "dat", "zijn", "voor", "op", "ook", "en"]),
        ("pl", ["nie", "się", "jest", "na", "że", "do", "jak", "z", "w", "co"]),
        ("pt", ["o", "os", "uma", "que", "não", "com", "para", "do", "da", "em"]),
    ];

    private static readonly Dictionary<string, List<int>>.AlternateLookup<ReadOnlySpan<char>> s_lookup = Lookup();

    /// <summary>The script of a letter.</summary>
    public static string ScriptOf(int codePoint)
    {
        foreach ((int start, int end, string name) in s_scripts)
        {
            if (codePoint >= start && codePoint <= end) return name;
        }

        return "other";
    }

    /// <summary>The language whose frequent words are most common among the first 200 words (at least 4 % of them), else by script, else <c>other</c>.</summary>
    public static string Guess(string text, List<Range> words)
    {
        Span<int> hits = stackalloc int[s_frequent.Length];
        hits.Clear();
        int read = Math.Min(words.Count, 200);
        for (int i = 0; i < read; i++)
        {
            ReadOnlySpan<char> word = text.AsSpan(words[i]).Trim(".,;:!?\"'()");
            if (word.Length > 8 || !s_lookup.TryGetValue(word, out List<int>? languages)) continue;
            foreach (int language in languages) hits[language]++;
        }

        int best = 0;
        for (int i = 1; i < hits.Length; i++) best = hits[i] > hits[best] ? i : best;
        if (hits[best] > 0 && hits[best] >= 0.04 * read) return s_frequent[best].Language;
        foreach (char c in text)
        {
            if (c < '\u0370' || !char.IsLetter(c)) continue;
            return ScriptOf(c) switch
            {
                "Hiragana" or "Katakana" => "ja",
                "Han" => text.AsSpan().ContainsAnyInRange('\u3040', '\u30FF') ? "ja" : "zh",
                "Hangul" => "ko",
                "Greek" => "el",
                "Cyrillic" => "ru",
                "Arabic" => "ar",
                "Hebrew" => "he",
                "Thai" => "th",
                "Devanagari" => "hi",
                _ => "other",
            };
        }

        return "other";
    }

    private static Dictionary<string, List<int>>.AlternateLookup<ReadOnlySpan<char>> Lookup()
    {
        var lookup = new Dictionary<string, List<int>>(StringComparer.OrdinalIgnoreCase);
        for (int i = 0; i < s_frequent.Length; i++)
        {
            foreach (string word in s_frequent[i].Words)
            {
                if (!lookup.TryGetValue(word, out List<int>? languages)) lookup.Add(word, languages = []);
                languages.Add(i);
            }
        }

        return lookup.GetAlternateLookup<ReadOnlySpan<char>>();
    }
}
