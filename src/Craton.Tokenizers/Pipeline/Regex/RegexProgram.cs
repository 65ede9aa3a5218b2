namespace Craton.Tokenizers.Pipeline;

/// <summary>What an instruction of a <see cref="RegexProgram"/> does.</summary>
internal enum RegexAction : byte
{
    /// <summary>Takes one character of a set.</summary>
    Take,

    /// <summary>Takes all characters of a set that follow and gives none of them back.</summary>
    TakeAll,

    /// <summary>Goes on at one place, and at another one when that fails.</summary>
    Split,

    /// <summary>Goes on elsewhere.</summary>
    Jump,

    /// <summary>Goes on where a condition on the place holds.</summary>
    Assert,

    /// <summary>Goes on where a program matches (or does not) ahead of the place.</summary>
    LookAhead,

    /// <summary>Goes on where a program of fixed length matches (or does not) before the place.</summary>
    LookBehind,

    /// <summary>Goes on behind the first match of a program, which is never tried another way.</summary>
    Atomic,

    /// <summary>The end.</summary>
    Match,
}

/// <summary>A condition on a place.</summary>
internal enum RegexAnchor
{
    /// <summary>Start of the text.</summary>
    TextStart,

    /// <summary>End of the text.</summary>
    TextEnd,

    /// <summary>End of the text, or before a line feed that ends it.</summary>
    LastLineEnd,

    /// <summary>Start of a line.</summary>
    LineStart,

    /// <summary>End of a line.</summary>
    LineEnd,

    /// <summary>Between a word character and another one or an end.</summary>
    WordBoundary,

    /// <summary>Anywhere else.</summary>
    NoWordBoundary,
}

/// <summary>One instruction.</summary>
internal readonly record struct RegexInstruction(RegexAction Action)
{
    /// <summary>The characters to take.</summary>
    public CharSet? Set { get; init; }

    /// <summary>Where to go on: first choice.</summary>
    public int Next { get; init; }

    /// <summary>Where to go on: second choice; the length of a look behind; the least number of characters to take.</summary>
    public int Other { get; init; }

    /// <summary>The number of this instruction among those of its kind.</summary>
    public int Number { get; init; }

    /// <summary>The condition.</summary>
    public RegexAnchor Anchor { get; init; }

    /// <summary>The program inside.</summary>
    public RegexProgram? Inner { get; init; }

    /// <summary>Whether the program inside must not match.</summary>
    public bool Negated { get; init; }
}

/// <summary>A compiled regular expression.</summary>
internal sealed class RegexProgram(RegexInstruction[] code)
{
    /// <summary>The instructions.</summary>
    public RegexInstruction[] Code => code;

    /// <summary>Number of splits.</summary>
    public int Splits { get; } = code.Count(i => i.Action == RegexAction.Split);

    /// <summary>Number of places where characters are taken for good.</summary>
    public int Runs { get; } = code.Count(i => i.Action == RegexAction.TakeAll);
}

/// <summary>A set of characters; ASCII is looked up.</summary>
internal sealed class CharSet(Func<int, bool> contains)
{
    private readonly bool[] _ascii = [.. Enumerable.Range(0, 128).Select(contains)];

    /// <summary>True when the character is in the set.</summary>
    public bool Contains(int code) => code < 128 ? _ascii[code] : contains(code);
}
