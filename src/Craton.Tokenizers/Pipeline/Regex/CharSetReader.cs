using System.Globalization;
using System.Text;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Pipeline;

/// <summary>Reads one character, escape or class of a regular expression as a set.</summary>
internal sealed class CharSetReader(string pattern, int at, bool ignoreCase)
{
    private const int DeepestNesting = 20;

    private int _depth;

    /// <summary>The place behind what has been read.</summary>
    public int At { get; private set; } = at;

    /// <summary>Reads a character or an escape outside a class.</summary>
    public CharSet ReadOne()
    {
        Func<int, bool> set = Single(out int literal);
        if (!ignoreCase)
            return new CharSet(set);
        return literal >= 0 ? new CharSet(c => Fold(c) == Fold(literal)) : new CharSet(set);
    }

    /// <summary>Reads a class in brackets.</summary>
    public CharSet ReadClass()
    {
        Func<int, bool> set = Class();
        return new CharSet(ignoreCase ? c => set(c) || set(Fold(c)) || set(Upper(c)) : set);
    }

    private static int Upper(int c) => Rune.ToUpperInvariant(new Rune(c)).Value;

    private static int Fold(int c) => Rune.ToLowerInvariant(new Rune(Upper(c))).Value;

    private Func<int, bool> Class()
    {
        if (++_depth > DeepestNesting)
            throw new RegexSyntaxException($"nests classes deeper than {DeepestNesting}");
        At++;
        bool negated = TryTake('^');
        var union = new List<Func<int, bool>>();
        Func<int, bool>? before = null;
        for (bool first = true; ; first = false)
        {
            if (At >= pattern.Length)
                throw new RegexSyntaxException("has a [ without a ]");
            if (!first && TryTake(']'))
                break;
            if (pattern.AsSpan(At).StartsWith("&&"))
            {
                At += 2;
                before = And(before, union);
                union = [];
            }
            else
            {
                union.Add(ClassItem());
            }
        }

        _depth--;
        Func<int, bool> all = And(before, union);
        return negated ? c => !all(c) : all;
    }

    private static Func<int, bool> And(Func<int, bool>? before, List<Func<int, bool>> union)
    {
        Func<int, bool>[] sets = [.. union];
        bool Any(int c) => Array.Exists(sets, s => s(c));
        return before is null ? Any : c => before(c) && Any(c);
    }

    private Func<int, bool> ClassItem()
    {
        if (pattern.AsSpan(At).StartsWith("[:"))
            return Posix();
        if (pattern[At] == '[')
            return Class();
        Func<int, bool> set = Single(out int first);
        if (first < 0 || At + 1 >= pattern.Length || pattern[At] != '-' || pattern[At + 1] == ']')
            return set;
        At++;
        _ = Single(out int last);
        if (last < first)
            throw new RegexSyntaxException("has a range that ends before it begins or ends in a set");
        return c => c >= first && c <= last;
    }

    private Func<int, bool> Posix()
    {
        int close = pattern.IndexOf(":]", At, StringComparison.Ordinal);
        if (close < 0)
            throw new RegexSyntaxException("has a [: without a :]");
        string name = pattern[(At + 2)..close];
        At = close + 2;
        return name.StartsWith('^') ? Not(CharProperty.Find(name[1..])) : CharProperty.Find(name);
    }

    /// <summary>A character or an escape; the literal is its code, or -1 for a set.</summary>
    private Func<int, bool> Single(out int literal)
    {
        if (!Rune.TryGetRuneAt(pattern, At, out Rune rune))
            throw new RegexSyntaxException("has a lone surrogate");
        At += rune.Utf16SequenceLength;
        int code = rune.Value;
        if (code == '\\')
        {
            if (At == pattern.Length)
                throw new RegexSyntaxException("ends in a backslash");
            if (Escape() is { } set)
            {
                literal = -1;
                return set;
            }

            code = LiteralEscape();
        }

        literal = code;
        return c => c == code;
    }

    /// <summary>The set that an escape stands for, or null where it stands for one character.</summary>
    private Func<int, bool>? Escape()
    {
        char letter = pattern[At++];
        switch (letter)
        {
            case 's': return CharProperty.IsWhiteSpace;
            case 'S': return Not(CharProperty.IsWhiteSpace);
            case 'd': return CharProperty.IsDigit;
            case 'D': return Not(CharProperty.IsDigit);
            case 'w': return CharProperty.IsWord;
            case 'W': return Not(CharProperty.IsWord);
            case 'h': return CharProperty.IsHex;
            case 'H': return Not(CharProperty.IsHex);
            case 'p' or 'P': return Property(negated: letter == 'P');
            default:
                At--;
                return null;
        }
    }

    private int LiteralEscape()
    {
        char letter = pattern[At];
        switch (letter)
        {
            case 'n': At++; return '\n';
            case 'r': At++; return '\r';
            case 't': At++; return '\t';
            case 'f': At++; return '\f';
            case 'v': At++; return '\v';
            case 'a': At++; return '\a';
            case 'e': At++; return 0x1B;
            case 'u': At++; return Hex(4);
            case 'x': At++; return pattern.AsSpan(At).StartsWith("{") ? Braced() : Hex(2);
        }

        if (char.IsAsciiLetterOrDigit(letter))
            throw new RegexSyntaxException($"uses \\{letter}, which is not supported");
        if (!Rune.TryGetRuneAt(pattern, At, out Rune rune))
            throw new RegexSyntaxException("has a lone surrogate");
        At += rune.Utf16SequenceLength;
        return rune.Value;
    }

    private int Braced()
    {
        int close = pattern.IndexOf('}', At);
        At++;
        int code = Hex(close - At);
        At++;
        return code;
    }

    private int Hex(int digits)
    {
        if (digits is < 1 or > 8 || At + digits > pattern.Length
            || !int.TryParse(pattern.AsSpan(At, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            || !Rune.IsValid(code))
        {
            throw new RegexSyntaxException($"has no character at {At}");
        }

        At += digits;
        return code;
    }

    private Func<int, bool> Property(bool negated)
    {
        if (At >= pattern.Length)
            throw new RegexSyntaxException("ends in \\p");
        string name = pattern[At].ToString();
        if (name == "{")
        {
            int close = pattern.IndexOf('}', At);
            name = close < 0 ? throw new RegexSyntaxException("has a \\p{ without a }") : pattern[(At + 1)..close];
            At = close + 1;
        }
        else
        {
            At++;
        }

        if (name.StartsWith('^'))
            (name, negated) = (name[1..], !negated);
        Func<int, bool> set = CharProperty.Find(name);
        return negated ? Not(set) : set;
    }

    private static Func<int, bool> Not(Func<int, bool> set) => c => !set(c);

    private bool TryTake(char c)
    {
        if (At >= pattern.Length || pattern[At] != c)
            return false;
        At++;
        return true;
    }
}
