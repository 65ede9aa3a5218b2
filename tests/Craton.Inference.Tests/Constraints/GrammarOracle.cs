namespace Craton.Inference.Tests.Constraints;

/// <summary>
/// Lists the sentences of a small grammar by its definition: the sets of texts of all rules grow until nothing is added. It reads the
/// same notation with a reader of its own, and knows nothing of automata.
/// </summary>
internal sealed class GrammarOracle
{
    private readonly Dictionary<string, string> _rules = [];
    private readonly Dictionary<string, HashSet<string>> _texts = [];
    private int _longest;

    public GrammarOracle(string grammar)
    {
        foreach (string line in grammar.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] parts = line.Split("::=", 2);
            _rules.Add(parts[0].Trim(), parts[1]);
            _texts.Add(parts[0].Trim(), []);
        }
    }

    public IReadOnlySet<string> Sentences(int longest)
    {
        _longest = longest;
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach ((string name, string body) in _rules)
            {
                int position = 0;
                int before = _texts[name].Count;
                _texts[name].UnionWith(Alternatives(body, ref position));
                changed |= _texts[name].Count > before;
            }
        }

        return _texts["root"];
    }

    private HashSet<string> Alternatives(string body, ref int position)
    {
        HashSet<string> all = Sequence(body, ref position);
        while (position < body.Length && body[position] == '|')
        {
            position++;
            all.UnionWith(Sequence(body, ref position));
        }

        return all;
    }

    private HashSet<string> Sequence(string body, ref int position)
    {
        HashSet<string> all = [""];
        while (true)
        {
            while (position < body.Length && body[position] == ' ')
                position++;
            if (position == body.Length || body[position] is '|' or ')')
                return all;
            HashSet<string> item = Item(body, ref position);
            all = Join(all, Repeated(item, body, ref position));
        }
    }

    private HashSet<string> Item(string body, ref int position)
    {
        int start = position++;
        switch (body[start])
        {
            case '"':
                position = body.IndexOf('"', position) + 1;
                return [body[(start + 1)..(position - 1)]];
            case '[':
                position = body.IndexOf(']', position) + 1;
                return [.. body[(start + 1)..(position - 1)].Select(c => $"{c}")];
            case '(':
                HashSet<string> group = Alternatives(body, ref position);
                position++;
                return group;
            default:
                while (position < body.Length && char.IsLetter(body[position]))
                    position++;
                return _texts[body[start..position]];
        }
    }

    private HashSet<string> Repeated(HashSet<string> item, string body, ref int position)
    {
        char mark = position < body.Length ? body[position] : ' ';
        if (mark is not ('*' or '+' or '?' or '{'))
            return item;
        (int least, int most) = mark switch { '*' => (0, _longest), '+' => (1, _longest), '?' => (0, 1), _ => (body[position + 1] - '0', body[position + 3] - '0') };
        position += mark == '{' ? 5 : 1;
        HashSet<string> all = [], some = [""];
        for (int i = 0; i <= most; i++)
        {
            if (i >= least)
                all.UnionWith(some);
            some = Join(some, item);
        }

        return all;
    }

    private HashSet<string> Join(HashSet<string> left, HashSet<string> right) =>
        [.. left.SelectMany(l => right.Where(r => l.Length + r.Length <= _longest).Select(r => l + r))];
}
