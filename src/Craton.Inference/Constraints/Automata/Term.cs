namespace Craton.Inference.Constraints.Automata;

/// <summary>What a part of a text may be: the common tree of patterns, grammars and schemas.</summary>
internal abstract record Term
{
    /// <summary>The empty text.</summary>
    public static Term Empty { get; } = new Sequence([]);

    /// <summary>No text at all.</summary>
    public static Term Nothing { get; } = new Choice([]);

    /// <summary>Exactly this text.</summary>
    public static Term Literal(string text) => new FixedText(text);

    /// <summary>One of these characters.</summary>
    public static Term AnyOf(string characters) => new Characters(CodePoints.Of(characters));

    /// <summary>This term or the empty text.</summary>
    public Term Optional() => new Repeat(this, 0, 1);
}

/// <summary>Exactly this text.</summary>
internal sealed record FixedText(string Text) : Term;

/// <summary>One character of a set.</summary>
internal sealed record Characters(CodePoints Set) : Term;

/// <summary>One term after another.</summary>
internal sealed record Sequence(params IReadOnlyList<Term> Terms) : Term;

/// <summary>One of the terms.</summary>
internal sealed record Choice(params IReadOnlyList<Term> Terms) : Term;

/// <summary>A term from <paramref name="Least"/> to <paramref name="Most"/> times; null: without end.</summary>
internal sealed record Repeat(Term Item, int Least, int? Most) : Term;

/// <summary>What a rule of the grammar matches.</summary>
internal sealed record Call(int Rule) : Term;

/// <summary>What an automaton accepts.</summary>
internal sealed record Accepted(Dfa Automaton) : Term;

/// <summary>A part of a list: must it be there, and may it come again and again.</summary>
internal readonly record struct Part(Term Item, bool Required, bool Repeats = false);

/// <summary>
/// Parts in their order with a separator between those that are there. With <paramref name="Skips"/> each optional part may be left
/// out (members of an object); without, the list may end before it (elements of an array).
/// </summary>
internal sealed record Separated(IReadOnlyList<Part> Parts, Term Separator, bool Skips) : Term;
