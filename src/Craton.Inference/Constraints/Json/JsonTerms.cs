using System.Text.Json;
using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints.Json;

/// <summary>
/// The pieces of JSON as terms. Between tokens one blank or one line break with indentation may stand, and no more, so that a weak
/// model cannot write white space for ever. Numbers keep within what a 64-bit integer and a double hold.
/// </summary>
internal static class JsonTerms
{
    private const string Hex = "0123456789abcdefABCDEF";

    // What stands in a string as it is, and what is escaped.
    private static readonly CodePoints Plain = CodePoints.Of((0x20, 0x10FFFF)).Intersect(CodePoints.Of("\"\\").Complement());
    private static readonly CodePoints Escaped = Plain.Complement();
    private static readonly Dictionary<int, char> Escapes = new()
    {
        ['"'] = '"',
        ['\\'] = '\\',
        ['\b'] = 'b',
        ['\f'] = 'f',
        ['\n'] = 'n',
        ['\r'] = 'r',
        ['\t'] = 't',
    };

    /// <summary>Digits of a whole number, one fewer than <see cref="long"/> needs.</summary>
    public const int IntegerDigits = 18;

    /// <summary>Digits behind the decimal point.</summary>
    public const int FractionDigits = 15;

    /// <summary>White space between tokens.</summary>
    public static Term Space { get; } =
        new Choice(Term.Literal(" "), new Sequence(Term.Literal("\n"), new Repeat(Term.AnyOf(" \t"), 0, 40))).Optional();

    /// <summary>What follows the minus sign of a whole number, or the number.</summary>
    public static Term Digits { get; } = new Choice(
        Term.Literal("0"), new Sequence(Digit('1', '9'), new Repeat(Digit('0', '9'), 0, IntegerDigits - 1)));

    /// <summary>A decimal point and digits, or nothing.</summary>
    public static Term Fraction { get; } = new Sequence(Term.Literal("."), new Repeat(Digit('0', '9'), 1, FractionDigits)).Optional();

    /// <summary>Any whole number.</summary>
    public static Term Integer { get; } = new Sequence(Term.Literal("-").Optional(), Digits);

    /// <summary>Any number.</summary>
    public static Term Number { get; } = new Sequence(
        Integer, Fraction, new Sequence(Term.AnyOf("eE"), Term.AnyOf("+-").Optional(), new Repeat(Digit('0', '9'), 1, 2)).Optional());

    /// <summary>Any character of a string as JSON allows to spell it.</summary>
    public static Term AnyCharacter { get; } = new Choice(
        new Characters(Plain), new Sequence(Term.Literal("\\"), new Choice(Term.AnyOf("\"\\/bfnrt"), UnicodeEscape())));

    /// <summary>Any character of a string in its shortest spelling.</summary>
    public static Term OneCharacter { get; } = Spell(CodePoints.Any);

    /// <summary>One digit of a range.</summary>
    public static Term Digit(char first, char last) => new Characters(CodePoints.Of((first, last)));

    /// <summary>A string value in quotes, in its shortest spelling.</summary>
    public static Term String(string value) => Term.Literal($"\"{Spell(value)}\"");

    /// <summary>A text in its shortest spelling within a string.</summary>
    public static string Spell(string text) => string.Concat(text.Select(Spell));

    /// <summary>A value without white space.</summary>
    public static Term Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => String(value.GetString()!),
        JsonValueKind.Array => new Sequence(
            Term.Literal("["), Listed(value.EnumerateArray().Select(Value)), Term.Literal("]")),
        JsonValueKind.Object => new Sequence(
            Term.Literal("{"), Listed(value.EnumerateObject().Select(p => new Sequence(String(p.Name), Term.Literal(":"), Value(p.Value)))), Term.Literal("}")),
        _ => Term.Literal(value.GetRawText()),
    };

    /// <summary>
    /// A term over characters as a term over their spelling within a JSON string. Every character has exactly one spelling here, so
    /// automata of spellings intersect as those of characters do.
    /// </summary>
    public static Term Spell(Term term) => term switch
    {
        FixedText text => Term.Literal(Spell(text.Text)),
        Characters characters => Spell(characters.Set),
        Sequence sequence => new Sequence([.. sequence.Terms.Select(Spell)]),
        Choice choice => new Choice([.. choice.Terms.Select(Spell)]),
        Repeat repeat => repeat with { Item = Spell(repeat.Item) },
        _ => throw new InvalidOperationException($"{term.GetType().Name} is not part of a pattern."),
    };

    // Characters as they are; those with a short escape; the other control characters by their number.
    private static Choice Spell(CodePoints set)
    {
        int[] escaped = [.. set.Intersect(Escaped).Ranges.SelectMany(r => Enumerable.Range(r.First, r.Last - r.First + 1))];
        IEnumerable<Term> numbers = escaped.Where(v => !Escapes.ContainsKey(v)).GroupBy(v => v >> 4)
            .Select(g => new Sequence(Term.Literal($"{g.Key}"), Term.AnyOf(string.Concat(g.Select(v => $"{v & 15:x}")))));
        Term escapes = new Choice(
            Term.AnyOf(string.Concat(escaped.Where(Escapes.ContainsKey).Select(v => Escapes[v]))),
            new Sequence(Term.Literal("u00"), new Choice([.. numbers])));
        return new Choice(new Characters(set.Intersect(Plain)), new Sequence(Term.Literal("\\"), escapes));
    }

    private static string Spell(char value) =>
        Escapes.TryGetValue(value, out char letter) ? $"\\{letter}" : value < ' ' ? $"\\u{(int)value:x4}" : $"{value}";

    private static Sequence Listed(IEnumerable<Term> terms) =>
        new([.. terms.SelectMany((t, i) => i == 0 ? new[] { t } : [Term.Literal(","), t])]);

    // Four digits that are no surrogate, or the two halves of a pair.
    private static Choice UnicodeEscape()
    {
        Term hex = Term.AnyOf(Hex);
        return new Choice(
            new Sequence(Term.Literal("u"), Term.AnyOf("0123456789abcefABCEF"), hex, hex, hex),
            new Sequence(Term.Literal("u"), Term.AnyOf("dD"), Digit('0', '7'), hex, hex),
            new Sequence(
                Term.Literal("u"), Term.AnyOf("dD"), Term.AnyOf("89abAB"), hex, hex, Term.Literal("\\u"), Term.AnyOf("dD"), Term.AnyOf("cdefCDEF"), hex, hex));
    }
}
