namespace Craton.Inference.Constraints.Automata;

/// <summary>Makes a non-deterministic automaton deterministic: a state is the set of states one may be in.</summary>
internal sealed class SubsetConstruction(List<NfaBuilder.State> states, int start, int end)
{
    private const string Simpler = "smaller repetitions or fewer overlapping alternatives";

    private readonly Dictionary<int[], int> _numbers = new(new SameNumbers());
    private readonly List<int[]> _sets = [];
    private readonly int[] _mark = new int[states.Count];
    private int _marks;
    private long _steps;

    public Dfa Run()
    {
        // The start stays apart even from an equal set, so that no edge leads back to it.
        _sets.Add(Closure([start]));
        var result = new List<DfaState>();
        for (int i = 0; i < _sets.Count; i++)
        {
            int[] set = _sets[i];
            result.Add(new DfaState(set.Contains(end), Bytes(set), Calls(set)));
        }

        return new Dfa(result);
    }

    private ByteEdge[] Bytes(int[] set)
    {
        List<ByteEdge> edges = [.. set.SelectMany(s => states[s].Bytes)];
        edges.Sort((a, b) => a.First != b.First ? a.First.CompareTo(b.First) : a.Last.CompareTo(b.Last));
        var result = new List<ByteEdge>();
        var targets = new List<int>();
        for (int first = 0, begin = 0; first <= byte.MaxValue && begin < edges.Count;)
        {
            // The stretch from 'first' on in which the same edges apply.
            int last = byte.MaxValue;
            targets.Clear();
            while (begin < edges.Count && edges[begin].Last < first)
                begin++;
            for (int i = begin; i < edges.Count && edges[i].First <= last; i++)
            {
                Count(1);
                if (edges[i].Last < first)
                    continue;
                if (edges[i].First > first)
                {
                    last = edges[i].First - 1;
                    break;
                }

                last = Math.Min(last, edges[i].Last);
                targets.Add(edges[i].To);
            }

            if (targets.Count > 0)
                Append(result, first, last, Number(targets));
            first = last + 1;
        }

        return [.. result];
    }

    private static void Append(List<ByteEdge> edges, int first, int last, int to)
    {
        if (edges.Count > 0 && edges[^1].To == to && edges[^1].Last == first - 1)
            edges[^1] = edges[^1] with { Last = (byte)last };
        else
            edges.Add(new ByteEdge((byte)first, (byte)last, to));
    }

    private CallEdge[] Calls(int[] set) =>
        [.. set.SelectMany(s => states[s].Calls).GroupBy(c => c.Rule, c => c.To).OrderBy(g => g.Key).Select(g => new CallEdge(g.Key, Number([.. g])))];

    private int Number(List<int> targets)
    {
        int[] set = Closure(targets);
        if (!_numbers.TryGetValue(set, out int number))
        {
            number = _sets.Count;
            if (number > Limits.States)
                throw new GrammarException($"a pattern or rule needs more than {Limits.States} states; use {Simpler}");
            _numbers.Add(set, number);
            _sets.Add(set);
        }

        return number;
    }

    // Only states with edges of their own and the end tell sets apart.
    private int[] Closure(List<int> from)
    {
        _marks++;
        var found = new List<int>();
        var open = new Stack<int>(from);
        while (open.TryPop(out int state))
        {
            if (_mark[state] == _marks)
                continue;
            _mark[state] = _marks;
            Count(1);
            if (state == end || states[state].Bytes.Count > 0 || states[state].Calls.Count > 0)
                found.Add(state);
            foreach (int next in states[state].Free)
                open.Push(next);
        }

        found.Sort();
        return [.. found];
    }

    private void Count(int steps)
    {
        _steps += steps;
        if (_steps > 2L * Limits.Steps)
            throw new GrammarException($"a pattern or rule takes more than {2L * Limits.Steps} steps to compile; use {Simpler}");
    }

    private sealed class SameNumbers : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] obj)
        {
            var hash = new HashCode();
            foreach (int value in obj)
                hash.Add(value);
            return hash.ToHashCode();
        }
    }
}
