using System.Globalization;
using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints.Text;

/// <summary>The named sets of characters of regular expressions, as ECMAScript defines them.</summary>
internal static class CharacterClasses
{
    /// <summary><c>\d</c>.</summary>
    public static CodePoints Digits { get; } = CodePoints.Of(('0', '9'));

    /// <summary><c>\w</c>.</summary>
    public static CodePoints Word { get; } = CodePoints.Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));

    /// <summary><c>\s</c>.</summary>
    public static CodePoints Space { get; } = CodePoints.Of(
        ('\t', '\r'), (' ', ' '), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
        (0xFEFF, 0xFEFF));

    /// <summary>What <c>.</c> matches: everything but the ends of lines.</summary>
    public static CodePoints NoLineEnd { get; } = CodePoints.Of(('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029)).Complement();

    private static readonly Lazy<Dictionary<string, CodePoints>> Categories = new(ReadCategories);

    // In the order of the enumeration UnicodeCategory.
    private static readonly string[] CategoryNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "Sm", "Sc", "Sk", "So", "Cn",
    ];

    /// <summary>The set of <c>\d</c>, <c>\D</c>, <c>\w</c>, <c>\W</c>, <c>\s</c> or <c>\S</c> by its letter, or null.</summary>
    public static CodePoints? Of(char letter) => letter switch
    {
        'd' => Digits,
        'D' => Digits.Complement(),
        'w' => Word,
        'W' => Word.Complement(),
        's' => Space,
        'S' => Space.Complement(),
        _ => null,
    };

    /// <summary>The characters of a Unicode general category (<c>Lu</c>) or group of them (<c>L</c>), or null where the name is unknown.</summary>
    public static CodePoints? Category(string name) => Categories.Value.GetValueOrDefault(name);

    private static Dictionary<string, CodePoints> ReadCategories()
    {
        var ranges = new List<(int, int)>[CategoryNames.Length];
        for (int i = 0; i < ranges.Length; i++)
            ranges[i] = [];
        for (int first = 0; first <= 0x10FFFF;)
        {
            UnicodeCategory category = CharUnicodeInfo.GetUnicodeCategory(first);
            int last = first;
            while (last < 0x10FFFF && CharUnicodeInfo.GetUnicodeCategory(last + 1) == category)
                last++;
            ranges[(int)category].Add((first, last));
            first = last + 1;
        }

        var categories = new Dictionary<string, CodePoints>(StringComparer.Ordinal);
        for (int i = 0; i < ranges.Length; i++)
        {
            CodePoints set = CodePoints.Of(ranges[i]);
            categories.Add(CategoryNames[i], set);
            string group = CategoryNames[i][..1];
            categories[group] = categories.TryGetValue(group, out CodePoints? others) ? others.Union(set) : set;
        }

        return categories;
    }
}
