using System.Globalization;
using System.Text;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Pipeline;

/// <summary>The properties of characters that regular expressions name.</summary>
internal static class CharProperty
{
    private static readonly Dictionary<string, uint> _categories = Categories();

    public static bool IsWhiteSpace(int c) => Rune.IsWhiteSpace(new Rune(c));

    public static bool IsDigit(int c) => CategoryOf(c) == UnicodeCategory.DecimalDigitNumber;

    public static bool IsWord(int c) => CodePointClass.IsWord(new Rune(c));

    public static bool IsHex(int c) => c < 128 && char.IsAsciiHexDigit((char)c);

    /// <summary>True when the category of a character is one of a set of bits.</summary>
    public static bool IsIn(int c, uint categories) => (1u << (int)CategoryOf(c) & categories) != 0;

    /// <summary>The set that a general category, script or POSIX bracket names.</summary>
    /// <exception cref="RegexSyntaxException">The name is not known.</exception>
    public static Func<int, bool> Find(string name)
    {
        string key = name.Replace("_", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();
        if (_categories.TryGetValue(key, out uint mask))
            return c => IsIn(c, mask);
        return key switch
        {
            "any" => _ => true,
            "space" or "whitespace" => IsWhiteSpace,
            "digit" => IsDigit,
            "word" => IsWord,
            "xdigit" => IsHex,
            "ascii" => c => c < 128,
            "alpha" or "alphabetic" => c => IsIn(c, CodePointClass.Letter | CodePointClass.Mark | CodePointClass.LetterNumber),
            "alnum" => c => IsIn(c, CodePointClass.Letter | CodePointClass.Mark | CodePointClass.LetterNumber | CodePointClass.DecimalDigit),
            "upper" or "uppercase" => c => IsIn(c, CodePointClass.Uppercase),
            "lower" or "lowercase" => c => IsIn(c, CodePointClass.Lowercase),
            "cntrl" => c => CategoryOf(c) == UnicodeCategory.Control,
            "punct" => c => IsIn(c, CodePointClass.Punctuation) || (c < 128 && IsIn(c, CodePointClass.Symbol)),
            "blank" => c => c == '\t' || CategoryOf(c) == UnicodeCategory.SpaceSeparator,
            _ => ScriptData.Find(key) is { } script ? c => ScriptData.ScriptOf(c) == script
                : throw new RegexSyntaxException($"names the property {name}, which is not known"),
        };
    }

    private static UnicodeCategory CategoryOf(int c) => CharUnicodeInfo.GetUnicodeCategory(c);

    private static Dictionary<string, uint> Categories()
    {
        // In the order of UnicodeCategory.
        string[] shortNames =
        [
            "lu", "ll", "lt", "lm", "lo", "mn", "mc", "me", "nd", "nl", "no", "zs", "zl", "zp", "cc", "cf", "cs", "co",
            "pc", "pd", "ps", "pe", "pi", "pf", "po", "sm", "sc", "sk", "so", "cn",
        ];
        var masks = new Dictionary<string, uint>();
        for (int i = 0; i < shortNames.Length; i++)
        {
            uint bit = 1u << i;
            masks[shortNames[i]] = bit;
            masks[((UnicodeCategory)i).ToString().ToLowerInvariant()] = bit;
            string major = shortNames[i][..1];
            masks[major] = masks.GetValueOrDefault(major) | bit;
        }

        foreach ((string name, string major) in
            new[] { ("letter", "l"), ("mark", "m"), ("number", "n"), ("separator", "z"), ("other", "c"), ("punctuation", "p"), ("symbol", "s") })
        {
            masks[name] = masks[major];
        }

        masks["l&"] = masks["lc"] = masks["lu"] | masks["ll"] | masks["lt"];
        return masks;
    }
}
