using System.Globalization;
using System.Text;

namespace Craton.Inference.Constraints.Text;

/// <summary>A text that is read from left to right, and its complaints.</summary>
/// <param name="text">The text.</param>
/// <param name="what">What it is, for messages.</param>
internal sealed class SourceText(string text, string what)
{
    public int Position { get; private set; }

    public bool AtEnd => Position >= text.Length;

    /// <summary>The next UTF-16 unit, or NUL at the end.</summary>
    public char Peek => AtEnd ? '\0' : text[Position];

    /// <summary>Whether the rest begins so.</summary>
    public bool IsAt(string expected) => text.AsSpan(Position).StartsWith(expected, StringComparison.Ordinal);

    /// <summary>Steps over <paramref name="expected"/> where it comes next.</summary>
    public bool Take(string expected)
    {
        if (!IsAt(expected))
            return false;
        Position += expected.Length;
        return true;
    }

    /// <summary>Steps over what must come next.</summary>
    public void Need(string expected)
    {
        if (!Take(expected))
            throw Error($"expected '{expected}'{Found}");
    }

    /// <summary>Reads characters as long as they fit.</summary>
    public string TakeWhile(Func<char, bool> fits)
    {
        int start = Position;
        while (!AtEnd && fits(text[Position]))
            Position++;
        return text[start..Position];
    }

    /// <summary>Reads one character, which may be two UTF-16 units.</summary>
    public int TakeCharacter()
    {
        if (AtEnd)
            throw Error("it ends too early; complete it");
        if (!Rune.TryGetRuneAt(text, Position, out Rune rune))
            throw Error("half a surrogate pair is no character; remove it");
        Position += rune.Utf16SequenceLength;
        return rune.Value;
    }

    /// <summary>Reads exactly so many hexadecimal digits.</summary>
    public int TakeHex(int digits)
    {
        ReadOnlySpan<char> hex = text.AsSpan(Position, Math.Min(digits, text.Length - Position));
        if (hex.Length < digits || !int.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value))
            throw Error($"expected {digits} hexadecimal digits{Found}");
        Position += digits;
        return value;
    }

    /// <summary>The character of a code point that an escape names.</summary>
    public Rune Character(int value) => Rune.IsValid(value)
        ? new Rune(value)
        : throw Error("the escape names no character; expected one up to U+10FFFF that is no half of a surrogate pair");

    /// <summary>
    /// Reads <c>{n}</c>, <c>{n,}</c>, <c>{n,m}</c> or <c>{,m}</c>; false, and nothing read, where something else comes.
    /// </summary>
    public bool TakeCount(out int least, out int? most)
    {
        int start = Position;
        (least, most) = (0, null);
        if (Take("{"))
        {
            string first = TakeWhile(char.IsAsciiDigit);
            bool comma = Take(",");
            string second = comma ? TakeWhile(char.IsAsciiDigit) : first;
            if (Take("}") && (first.Length > 0 || second.Length > 0))
            {
                least = first.Length == 0 ? 0 : Count(first);
                most = second.Length == 0 ? null : Count(second);
                return most is null || least <= most ? true : throw Error($"the repetition {{{least},{most}}} ends before it begins; exchange the numbers");
            }
        }

        Position = start;
        return false;
    }

    /// <summary>A complaint about this place.</summary>
    public GrammarException Error(string problem) => new($"{what}, position {Position}: {problem}");

    /// <summary>What stands here, to complete a message.</summary>
    public string Found => AtEnd ? ", got the end" : Rune.TryGetRuneAt(text, Position, out Rune rune) ? $", got '{rune}'" : ", got half a surrogate pair";

    private int Count(string digits) =>
        digits.Length <= 9 && int.Parse(digits, CultureInfo.InvariantCulture) is int value and <= Limits.Repeats
            ? value : throw Error($"a repetition of {digits} is too many; at most {Limits.Repeats} are allowed");
}
