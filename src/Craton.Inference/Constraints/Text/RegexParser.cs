using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints.Text;

/// <summary>
/// Reads regular expressions in the syntax of ECMAScript with its <c>u</c> flag. What is not regular (references to groups, look-around)
/// or depends on where words end is refused. Lazy quantifiers match the same texts as greedy ones.
/// </summary>
internal sealed class RegexParser
{
    private readonly SourceText _source;
    private int _depth;

    private RegexParser(string pattern, string what)
    {
        Limits.CheckLength(pattern, what);
        _source = new SourceText(pattern, what);
    }

    /// <summary>Reads an expression that is to match a whole text.</summary>
    public static Term ParseWhole(string pattern, string what = "pattern") => Parse(pattern, what, Term.Empty);

    /// <summary>Reads an expression that is to match anywhere in a text, and gives the texts in which it does.</summary>
    public static Term ParseSearch(string pattern, string what) =>
        Parse(pattern, what, new Repeat(new Characters(CodePoints.Any), 0, null));

    private static Term Parse(string pattern, string what, Term around)
    {
        var parser = new RegexParser(pattern, what);
        Term term = parser.Alternatives();
        if (!parser._source.AtEnd)
            throw parser._source.Error("')' closes nothing; remove it or write '\\)'");
        return parser.Anchored(term, around);
    }

    // '^' and '$' have a meaning at the ends of the expression alone; where they are missing, other text may come.
    private Term Anchored(Term term, Term around)
    {
        switch (term)
        {
            case Choice choice:
                return new Choice([.. choice.Terms.Select(t => Anchored(t, around))]);
            case Sequence { Terms: [Choice or Sequence] } group:
                return Anchored(group.Terms[0], around);
            default:
                IReadOnlyList<Term> parts = term is Sequence sequence ? sequence.Terms : [term];
                int first = parts.TakeWhile(p => p is Anchor { Start: true }).Count();
                int last = parts.Count - parts.Skip(first).Reverse().TakeWhile(p => p is Anchor { Start: false }).Count();
                Term[] inner = [.. parts.Take(first..last)];
                if (inner.Any(HasAnchor))
                    throw _source.Error("'^' and '$' are supported at the ends of the whole expression only; move them there");
                return new Sequence([.. first > 0 ? [] : new[] { around }, .. inner, .. last < parts.Count ? [] : new[] { around }]);
        }
    }

    private static bool HasAnchor(Term term) => term switch
    {
        Anchor => true,
        Sequence sequence => sequence.Terms.Any(HasAnchor),
        Choice choice => choice.Terms.Any(HasAnchor),
        Repeat repeat => HasAnchor(repeat.Item),
        _ => false,
    };

    private Term Alternatives()
    {
        if (++_depth > Limits.Nesting)
            throw _source.Error($"groups are nested deeper than {Limits.Nesting}; write fewer");
        var options = new List<Term> { Concatenation() };
        while (_source.Take("|"))
            options.Add(Concatenation());
        _depth--;
        return options.Count == 1 ? options[0] : new Choice(options);
    }

    private Sequence Concatenation()
    {
        var terms = new List<Term>();
        while (!_source.AtEnd && _source.Peek is not ('|' or ')'))
            terms.Add(Quantified(Atom()));
        return new Sequence(terms);
    }

    private Term Quantified(Term atom)
    {
        (int least, int? most) = (0, null);
        if (_source.Take("*")) (least, most) = (0, null);
        else if (_source.Take("+")) (least, most) = (1, null);
        else if (_source.Take("?")) (least, most) = (0, 1);
        else if (!_source.TakeCount(out least, out most)) return atom;
        _ = _source.Take("?");
        if (_source.Peek is '*' or '+' or '?' || _source.TakeCount(out _, out _))
            throw _source.Error("a repetition is repeated here; put the first one in a group");
        return atom is Anchor ? throw _source.Error("'^' and '$' cannot be repeated; remove the quantifier") : new Repeat(atom, least, most);
    }

    private Term Atom()
    {
        switch (_source.Peek)
        {
            case '(':
                return Group();
            case '[':
                return new Characters(Class());
            case '\\':
                return new Characters(Escape(inClass: false));
            case '*' or '+' or '?':
                throw _source.Error($"'{_source.Peek}' has nothing to repeat; write '\\{_source.Peek}' for the character");
        }

        int value = _source.TakeCharacter();
        return value switch
        {
            '^' => new Anchor(Start: true),
            '$' => new Anchor(Start: false),
            '.' => new Characters(CharacterClasses.NoLineEnd),
            _ => new Characters(CodePoints.Of((value, value))),
        };
    }

    private Term Group()
    {
        _source.Need("(");
        if (_source.Take("?") && !_source.Take(":"))
        {
            if (!_source.Take("<") || _source.Peek is '=' or '!' || _source.TakeWhile(c => char.IsAsciiLetterOrDigit(c) || c == '_').Length == 0)
                throw _source.Error("only groups '(…)', '(?:…)' and '(?<name>…)' are supported; look-around and flags are not");
            _source.Need(">");
        }

        Term term = Alternatives();
        _source.Need(")");
        return term;
    }

    private CodePoints Class()
    {
        _source.Need("[");
        bool negated = _source.Take("^");
        CodePoints set = CodePoints.Of();
        while (!_source.Take("]"))
        {
            CodePoints first = ClassAtom();
            if (_source.Peek == '-' && !_source.IsAt("-]"))
            {
                _source.Need("-");
                CodePoints last = ClassAtom();
                if (Single(first) is not int from || Single(last) is not int to || from > to)
                    throw _source.Error("a range in '[…]' needs a smaller and a greater character; write '\\-' for the character");
                first = CodePoints.Of((from, to));
            }

            set = set.Union(first);
        }

        return negated ? set.Complement() : set;
    }

    private CodePoints ClassAtom()
    {
        if (_source.Peek == '\\')
            return Escape(inClass: true);
        int value = _source.TakeCharacter();
        return CodePoints.Of((value, value));
    }

    private static int? Single(CodePoints set) => set.Ranges is [var (first, last)] && first == last ? first : null;

    private CodePoints Escape(bool inClass)
    {
        _source.Need("\\");
        int letter = _source.TakeCharacter();
        if (letter is 'p' or 'P')
            return Category(negated: letter == 'P');
        if (letter < 128 && CharacterClasses.Of((char)letter) is { } named)
            return named;
        int value = letter switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\f',
            'v' => '\v',
            'b' when inClass => '\b',
            '0' when !char.IsAsciiDigit(_source.Peek) => 0,
            'x' => _source.TakeHex(2),
            'u' => CodeUnits(),
            'c' when char.IsAsciiLetter(_source.Peek) => _source.TakeCharacter() % 32,
            < 128 when char.IsAsciiLetterOrDigit((char)letter) =>
                throw _source.Error($"'\\{(char)letter}' is not supported; only what a finite automaton can match is"),
            _ => letter,
        };
        return CodePoints.Of((value, value));
    }

    private int CodeUnits()
    {
        int value;
        if (_source.Take("{"))
        {
            string digits = _source.TakeWhile(char.IsAsciiHexDigit);
            _source.Need("}");
            value = digits.Length is 0 or > 6 ? -1 : Convert.ToInt32(digits, 16);
        }
        else
        {
            value = _source.TakeHex(4);
            if (char.IsHighSurrogate((char)value) && _source.Take("\\u") && _source.TakeHex(4) is int low && char.IsLowSurrogate((char)low))
                value = char.ConvertToUtf32((char)value, (char)low);
        }

        return _source.Character(value).Value;
    }

    private CodePoints Category(bool negated)
    {
        _source.Need("{");
        string name = _source.TakeWhile(c => c != '}');
        _source.Need("}");
        foreach (string prefix in new[] { "gc=", "General_Category=" })
            name = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
        CodePoints set = CharacterClasses.Category(name)
            ?? throw _source.Error($"the Unicode property '{name}' is not supported; general categories such as L or Nd are");
        return negated ? set.Complement() : set;
    }

    /// <summary>One of the ends of the text; gone once the expression has been read.</summary>
    private sealed record Anchor(bool Start) : Term;
}
