using System.Globalization;

namespace Craton.Tokenizers.Pipeline;

/// <summary>
/// Reads regular expressions in the syntax of Oniguruma (its Ruby flavour): <c>^ $</c> stand at lines, <c>\h</c> is a hexadecimal
/// digit, <c>++ *+ ?+</c> are possessive, <c>{n,m}+</c> repeats the repetition.
/// </summary>
internal sealed class RegexParser
{
    private const int DeepestNesting = 50;
    private const int MostRepeats = 1000;

    private readonly string _pattern;
    private int _at;
    private int _depth;
    private bool _ignoreCase, _dotAll;

    private RegexParser(string pattern) => _pattern = pattern;

    /// <summary>Parses a whole pattern.</summary>
    /// <exception cref="RegexSyntaxException">The pattern is damaged or uses something that is not supported.</exception>
    public static RegexNode Parse(string pattern)
    {
        var parser = new RegexParser(pattern);
        RegexNode node = parser.Alternatives();
        return parser._at == pattern.Length ? node : throw new RegexSyntaxException($"has a ) without a ( at {parser._at}");
    }

    private RegexNode Alternatives()
    {
        if (++_depth > DeepestNesting)
            throw new RegexSyntaxException($"nests deeper than {DeepestNesting} groups");
        (bool ignoreCase, bool dotAll) = (_ignoreCase, _dotAll);
        List<RegexNode> alternatives = [Sequence()];
        while (TryTake('|'))
            alternatives.Add(Sequence());
        (_ignoreCase, _dotAll) = (ignoreCase, dotAll);
        _depth--;
        return alternatives.Count == 1 ? alternatives[0] : new AlternativesNode(alternatives);
    }

    private SequenceNode Sequence()
    {
        var items = new List<RegexNode>();
        while (_at < _pattern.Length && _pattern[_at] is not ('|' or ')'))
        {
            RegexNode item = Item();
            while (TryRepeat(ref item))
            {
            }

            items.Add(item);
        }

        return new SequenceNode(items);
    }

    private bool TryRepeat(ref RegexNode item)
    {
        int least, most;
        bool counted = false;
        if (TryTake('*'))
            (least, most) = (0, -1);
        else if (TryTake('+'))
            (least, most) = (1, -1);
        else if (TryTake('?'))
            (least, most) = (0, 1);
        else if (TryCounts(out least, out most))
            counted = true;
        else
            return false;
        bool isLazy = TryTake('?'), isPossessive = !counted && !isLazy && TryTake('+');
        item = new RepeatNode(item, least, most < 0 ? null : most, isLazy, isPossessive);
        return true;
    }

    /// <summary><c>{n} {n,} {,m} {n,m}</c>; anything else is a literal brace.</summary>
    private bool TryCounts(out int least, out int most)
    {
        (least, most) = (0, -1);
        if (_at >= _pattern.Length || _pattern[_at] != '{')
            return false;
        int close = _pattern.IndexOf('}', _at);
        string[] counts = close < 0 ? [] : _pattern[(_at + 1)..close].Split(',');
        if (counts.Length is not (1 or 2) || !Array.TrueForAll(counts, c => c.All(char.IsAsciiDigit)) || Array.TrueForAll(counts, c => c.Length == 0))
            return false;
        least = Count(counts[0], absent: 0);
        most = counts.Length == 1 ? least : Count(counts[1], absent: -1);
        if (most >= 0 && most < least)
            throw new RegexSyntaxException($"repeats at least {least} and at most {most} times");
        _at = close + 1;
        return true;
    }

    private static int Count(string digits, int absent)
    {
        if (digits.Length == 0)
            return absent;
        return digits.Length <= 4 && int.Parse(digits, CultureInfo.InvariantCulture) is int count and <= MostRepeats
            ? count : throw new RegexSyntaxException($"repeats more than {MostRepeats} times");
    }

    private RegexNode Item()
    {
        char c = _pattern[_at];
        switch (c)
        {
            case '(':
                return Group();
            case '[':
                var reader = new CharSetReader(_pattern, _at, _ignoreCase);
                SetNode set = new(reader.ReadClass());
                _at = reader.At;
                return set;
            case '.':
                _at++;
                return _dotAll ? new SetNode(new CharSet(_ => true)) : new SetNode(new CharSet(code => code != '\n'));
            case '^':
                _at++;
                return new AnchorNode(RegexAnchor.LineStart);
            case '$':
                _at++;
                return new AnchorNode(RegexAnchor.LineEnd);
            case '*' or '+' or '?':
                throw new RegexSyntaxException($"repeats nothing at {_at}");
            case '\\' when _at + 1 < _pattern.Length && Anchor(_pattern[_at + 1]) is { } anchor:
                _at += 2;
                return new AnchorNode(anchor);
            default:
                var single = new CharSetReader(_pattern, _at, _ignoreCase);
                SetNode character = new(single.ReadOne());
                _at = single.At;
                return character;
        }
    }

    private static RegexAnchor? Anchor(char letter) => letter switch
    {
        'A' => RegexAnchor.TextStart,
        'z' => RegexAnchor.TextEnd,
        'Z' => RegexAnchor.LastLineEnd,
        'b' => RegexAnchor.WordBoundary,
        'B' => RegexAnchor.NoWordBoundary,
        _ => null,
    };

    private RegexNode Group()
    {
        _at++;
        if (!TryTake('?'))
            return Close(Alternatives());
        if (TryTake(':'))
            return Close(Alternatives());
        if (TryTake('='))
            return new LookNode(Close(Alternatives()), IsBehind: false, IsNegated: false);
        if (TryTake('!'))
            return new LookNode(Close(Alternatives()), IsBehind: false, IsNegated: true);
        if (TryTake('>'))
            return new AtomicNode(Close(Alternatives()));
        if (TryTake('<'))
        {
            if (TryTake('='))
                return new LookNode(Close(Alternatives()), IsBehind: true, IsNegated: false);
            if (TryTake('!'))
                return new LookNode(Close(Alternatives()), IsBehind: true, IsNegated: true);
            int close = _pattern.IndexOf('>', _at);
            _at = close < 0 ? throw new RegexSyntaxException($"has a group without an end at {_at}") : close + 1;
            return Close(Alternatives());
        }

        return Options();
    }

    /// <summary><c>(?i:…)</c>, or <c>(?i)</c> for the rest of the group around it.</summary>
    private RegexNode Options()
    {
        (bool ignoreCase, bool dotAll, bool on) = (_ignoreCase, _dotAll, true);
        for (; _at < _pattern.Length && _pattern[_at] is not (':' or ')'); _at++)
        {
            switch (_pattern[_at])
            {
                case '-':
                    on = false;
                    break;
                case 'i':
                    _ignoreCase = on;
                    break;
                case 'm' or 's':
                    _dotAll = on;
                    break;
                case 'u':
                    break;
                default:
                    throw new RegexSyntaxException($"uses the group (?{_pattern[_at]}, which is not supported");
            }
        }

        if (TryTake(')'))
        {
            // Alternatives that follow belong to the options, as in Oniguruma.
            return Alternatives();
        }

        RegexNode inside = TryTake(':') ? Alternatives() : throw new RegexSyntaxException("has a group without an end");
        (_ignoreCase, _dotAll) = (ignoreCase, dotAll);
        return Close(inside);
    }

    private RegexNode Close(RegexNode inside) => TryTake(')') ? inside : throw new RegexSyntaxException("has a ( without a )");

    private bool TryTake(char c)
    {
        if (_at >= _pattern.Length || _pattern[_at] != c)
            return false;
        _at++;
        return true;
    }
}
