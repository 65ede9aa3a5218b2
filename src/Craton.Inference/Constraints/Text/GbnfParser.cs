using System.Text;
using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints.Text;

/// <summary>
/// Reads grammars in the notation of llama.cpp: rules <c>name ::= …</c>; texts in quotes, <c>[a-z]</c>, <c>[^a-z]</c>, <c>.</c>, names,
/// parentheses, <c>|</c>, <c>* + ? {n,m}</c>; comments from <c>#</c> to the end of the line. A rule ends with its line, except within
/// parentheses and behind <c>|</c> or <c>::=</c>.
/// </summary>
internal sealed class GbnfParser
{
    private readonly SourceText _source;
    private readonly GrammarBuilder _builder = new();
    private readonly Dictionary<string, int> _rules = new(StringComparer.Ordinal);
    private readonly HashSet<int> _defined = [];
    private int _depth;

    private GbnfParser(string grammar) => _source = new SourceText(grammar, "grammar");

    /// <summary>Reads a grammar; its rule 0 is <c>root</c>.</summary>
    /// <exception cref="GrammarException">It is malformed, or a rule that is used is missing.</exception>
    public static GrammarBuilder Parse(string grammar)
    {
        Limits.CheckLength(grammar, "grammar");
        var parser = new GbnfParser(grammar);
        parser.Rule("root");
        parser.Space(lines: true);
        while (!parser._source.AtEnd)
            parser.Definition();
        foreach ((string name, int rule) in parser._rules)
        {
            if (!parser._defined.Contains(rule))
                throw new GrammarException($"grammar: the rule {name} is missing; add '{name} ::= …'");
        }

        return parser._builder;
    }

    private int Rule(string name)
    {
        if (!_rules.TryGetValue(name, out int rule))
            _rules.Add(name, rule = _builder.AddRule($"rule {name}"));
        return rule;
    }

    private void Definition()
    {
        string name = Name();
        if (name.Length == 0)
            throw _source.Error($"expected the name of a rule{_source.Found}");
        int rule = Rule(name);
        Space(lines: false);
        _source.Need("::=");
        Space(lines: true);
        Term term = Alternatives(inGroup: false);
        if (!_defined.Add(rule))
            throw _source.Error($"the rule {name} is defined twice; join the two with '|'");
        _builder.Set(rule, term);
        if (!_source.AtEnd && _source.Peek is not ('\n' or '\r'))
            throw _source.Error($"expected the end of the rule {name}{_source.Found}");
        Space(lines: true);
    }

    private Choice Alternatives(bool inGroup)
    {
        if (++_depth > Limits.Nesting)
            throw _source.Error($"groups are nested deeper than {Limits.Nesting}; use rules");
        var options = new List<Term> { Concatenation(inGroup) };
        while (_source.Take("|"))
        {
            Space(lines: true);
            options.Add(Concatenation(inGroup));
        }

        _depth--;
        return new Choice(options);
    }

    private Sequence Concatenation(bool inGroup)
    {
        var terms = new List<Term>();
        while (Item() is { } item)
        {
            Space(inGroup);
            Term? repeated = Quantified(item);
            if (repeated is not null)
                Space(inGroup);
            if (_source.Peek is '*' or '+' or '?')
                throw _source.Error($"'{_source.Peek}' repeats a repetition; put the first one in parentheses");
            terms.Add(repeated ?? item);
        }

        return new Sequence(terms);
    }

    private Repeat? Quantified(Term item)
    {
        if (_source.Take("*")) return new Repeat(item, 0, null);
        if (_source.Take("+")) return new Repeat(item, 1, null);
        if (_source.Take("?")) return new Repeat(item, 0, 1);
        if (_source.TakeCount(out int least, out int? most)) return new Repeat(item, least, most);
        return null;
    }

    private Term? Item()
    {
        switch (_source.Peek)
        {
            case '"':
                return Literal();
            case '[':
                return new Characters(Class());
            case '.':
                _source.Need(".");
                return new Characters(CodePoints.Any);
            case '(':
                _source.Need("(");
                Space(lines: true);
                Term group = Alternatives(inGroup: true);
                _source.Need(")");
                return group;
        }

        string name = Name();
        return name.Length == 0 ? null : new Call(Rule(name));
    }

    private Term Literal()
    {
        _source.Need("\"");
        var text = new StringBuilder();
        while (!_source.Take("\""))
            text.Append(Character());
        return Term.Literal(text.ToString());
    }

    private CodePoints Class()
    {
        _source.Need("[");
        bool negated = _source.Take("^");
        CodePoints set = CodePoints.Of();
        while (!_source.Take("]"))
        {
            int first = Character().Value, last = first;
            if (_source.Peek == '-' && !_source.IsAt("-]"))
            {
                _source.Need("-");
                last = Character().Value;
                if (first > last)
                    throw _source.Error("a range in '[…]' needs a smaller and a greater character; exchange them");
            }

            set = set.Union(CodePoints.Of((first, last)));
        }

        return negated ? set.Complement() : set;
    }

    private Rune Character()
    {
        int value = _source.TakeCharacter();
        if (value == '\\')
        {
            value = _source.TakeCharacter() switch
            {
                'x' => _source.TakeHex(2),
                'u' => _source.TakeHex(4),
                'U' => _source.TakeHex(8),
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                int other and ('\\' or '"' or '[' or ']' or '-' or '^') => other,
                _ => throw _source.Error("the escape is not known; expected one of \\n \\r \\t \\\\ \\\" \\[ \\] \\xHH \\uHHHH \\UHHHHHHHH"),
            };
        }

        return _source.Character(value);
    }

    private string Name() => _source.TakeWhile(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private void Space(bool lines)
    {
        while (true)
        {
            _ = _source.TakeWhile(c => c is ' ' or '\t' || (lines && c is '\n' or '\r'));
            if (_source.Peek != '#')
                return;
            _ = _source.TakeWhile(c => c is not ('\n' or '\r'));
        }
    }
}
