namespace Craton.Inference.Constraints.Automata;

/// <summary>
/// The automata of all rules in one numbering, without the states and calls from which no sentence can be completed: so every state
/// that is reached can go on. Immutable.
/// </summary>
internal sealed class LinkedAutomaton
{
    private const int Never = int.MaxValue;

    private readonly ByteEdge[][] _bytes;
    private readonly CallEdge[][] _calls;
    private readonly bool[] _final;
    private readonly int[] _height;
    private readonly int[] _starts;

    /// <summary>Links the rules' automata.</summary>
    /// <param name="rules">The automaton of each rule.</param>
    /// <param name="names">What each rule is called in messages.</param>
    /// <param name="allowed">The bytes that can be written at all.</param>
    /// <param name="stackDepth">The most frames of a stack.</param>
    /// <exception cref="GrammarException">A rule begins with itself, or no text matches rule 0.</exception>
    public LinkedAutomaton(IReadOnlyList<Dfa> rules, IReadOnlyList<string> names, Func<byte, bool> allowed, int stackDepth)
    {
        StackDepth = stackDepth;
        _starts = new int[rules.Count];
        for (int r = 1; r < rules.Count; r++)
            _starts[r] = _starts[r - 1] + rules[r - 1].States.Count;
        int count = _starts[^1] + rules[^1].States.Count;
        if (count > Limits.States)
            throw new GrammarException($"the grammar needs {count} states, at most {Limits.States} are allowed; use smaller repetitions or fewer rules");
        (_bytes, _calls, _final) = (new ByteEdge[count][], new CallEdge[count][], new bool[count]);
        for (int r = 0; r < rules.Count; r++)
            Place(rules[r], _starts[r], allowed);
        Ranks = LeftCalls.Order(rules, names);
        _height = Heights();
        MayBeEmpty = rules[0].States[0].Final;
        if (_height[_starts[0]] > stackDepth && !MayBeEmpty)
        {
            throw new GrammarException(
                $"{names[0]}: no text matches within {stackDepth} levels of nesting; give each recursion an end, and check that nothing is contradictory");
        }

        Prune();
    }

    /// <summary>The most frames of a stack.</summary>
    public int StackDepth { get; }

    /// <summary>The place of each rule in an order in which a rule comes before those that it can begin with.</summary>
    public IReadOnlyList<int> Ranks { get; }

    /// <summary>The empty text is a sentence.</summary>
    public bool MayBeEmpty { get; }

    public int StateCount => _final.Length;

    public int Start(int rule) => _starts[rule];

    public CallEdge[] Calls(int state) => _calls[state];

    public bool HasBytes(int state) => _bytes[state].Length > 0;

    /// <summary>A rule may end here.</summary>
    public bool IsFinal(int state) => _final[state];

    /// <summary>Neither does a rule end here nor is one called.</summary>
    public bool IsInside(int state) => !_final[state] && _calls[state].Length == 0;

    /// <summary>A rule ends here and cannot go on: whoever returns here may as well return to the caller at once.</summary>
    public bool OnlyEnds(int state) => _final[state] && _bytes[state].Length == 0 && _calls[state].Length == 0;

    /// <summary>How many frames above the current one it takes at least to come to the end of the rule.</summary>
    public int Height(int state) => _height[state];

    /// <summary>The state behind a byte, or -1.</summary>
    public int Step(int state, byte value)
    {
        foreach (ByteEdge edge in _bytes[state])
        {
            if (value <= edge.Last)
                return value >= edge.First ? edge.To : -1;
        }

        return -1;
    }

    private void Place(Dfa rule, int offset, Func<byte, bool> allowed)
    {
        for (int i = 0; i < rule.States.Count; i++)
        {
            DfaState state = rule.States[i];
            // A rule that is called has not matched the empty text: callers step over it themselves.
            _final[offset + i] = state.Final && i > 0;
            _bytes[offset + i] = [.. state.Bytes.SelectMany(e => Writable(e, allowed)).Select(e => e with { To = offset + e.To })];
            _calls[offset + i] = [.. state.Calls.Select(c => c with { To = offset + c.To })];
        }
    }

    private static IEnumerable<ByteEdge> Writable(ByteEdge edge, Func<byte, bool> allowed)
    {
        for (int first = edge.First; first <= edge.Last; first++)
        {
            int last = first - 1;
            while (last < edge.Last && allowed((byte)(last + 1)))
                last++;
            if (last >= first)
                yield return new ByteEdge((byte)first, (byte)last, edge.To);
            first = Math.Max(first, last);
        }
    }

    // Shortest distances from the ends (Dijkstra 1959, in Knuth's form of 1977 for steps that need two results: the rule's and its caller's).
    private int[] Heights()
    {
        List<int>[] before = Sources();
        List<(int From, CallEdge Call)>[] calls = CallsThatNeed();
        var height = new int[StateCount];
        Array.Fill(height, Never);
        var open = new PriorityQueue<int, int>();
        for (int state = 0; state < StateCount; state++)
        {
            if (_final[state])
                open.Enqueue(state, 0);
        }

        while (open.TryDequeue(out int state, out int cost))
        {
            if (height[state] != Never)
                continue;
            height[state] = cost;
            foreach (int source in before[state])
                open.Enqueue(source, cost);
            foreach ((int from, CallEdge call) in calls[state])
            {
                int inner = height[_starts[call.Rule]], behind = height[call.To];
                if (inner != Never && behind != Never)
                    open.Enqueue(from, Math.Max(inner + (OnlyEnds(call.To) ? 0 : 1), behind));
            }
        }

        return height;
    }

    private List<int>[] Sources()
    {
        List<int>[] sources = [.. _bytes.Select(_ => new List<int>())];
        for (int state = 0; state < StateCount; state++)
        {
            foreach (ByteEdge edge in _bytes[state])
                sources[edge.To].Add(state);
        }

        return sources;
    }

    private List<(int From, CallEdge Call)>[] CallsThatNeed()
    {
        List<(int, CallEdge)>[] calls = [.. _calls.Select(_ => new List<(int, CallEdge)>())];
        for (int state = 0; state < StateCount; state++)
        {
            foreach (CallEdge call in _calls[state])
            {
                calls[_starts[call.Rule]].Add((state, call));
                calls[call.To].Add((state, call));
            }
        }

        return calls;
    }

    private void Prune()
    {
        for (int state = 0; state < StateCount; state++)
        {
            _bytes[state] = [.. _bytes[state].Where(e => _height[e.To] != Never)];
            _calls[state] = [.. _calls[state].Where(c => _height[c.To] != Never && _height[_starts[c.Rule]] != Never)];
        }
    }
}
