namespace Craton.Inference.Constraints.Automata;

/// <summary>A step on any byte of a range, ends included.</summary>
internal readonly record struct ByteEdge(byte First, byte Last, int To);

/// <summary>A step over what a rule matches, which is never the empty text: a rule that may be empty is also stepped over.</summary>
internal readonly record struct CallEdge(int Rule, int To);

/// <summary>A state: byte edges sorted and disjoint, at most one edge for a rule.</summary>
internal sealed record DfaState(bool Final, ByteEdge[] Bytes, CallEdge[] Calls);

/// <summary>
/// A deterministic automaton over bytes and calls of rules. State 0 is the start; no edge leads back to it. Intersection and
/// difference are defined for automata without calls.
/// </summary>
internal sealed record Dfa(IReadOnlyList<DfaState> States)
{
    /// <summary>True when some text is accepted; every state is reachable.</summary>
    public bool AcceptsAny => States.Any(s => s.Final);

    /// <summary>Compiles a term without calls.</summary>
    public static Dfa Of(Term term) => NfaBuilder.Compile(term, _ => false);

    /// <summary>The same automaton where the numbers of the rules it calls have grown by <paramref name="offset"/>.</summary>
    public Dfa ShiftCalls(int offset) =>
        new([.. States.Select(s => s with { Calls = [.. s.Calls.Select(c => c with { Rule = c.Rule + offset })] })]);

    /// <summary>What both accept.</summary>
    public Dfa Intersect(Dfa other) => Product(other, (a, b) => a && b, keepWithoutOther: false);

    /// <summary>What this one accepts and the other does not.</summary>
    public Dfa Except(Dfa other) => Product(other, (a, b) => a && !b, keepWithoutOther: true);

    /// <summary>True when both accept the same text.</summary>
    public bool Overlaps(Dfa other) => Intersect(other).AcceptsAny;

    // Pairs of states; -1 is the other automaton when it can no longer accept.
    private Dfa Product(Dfa other, Func<bool, bool, bool> final, bool keepWithoutOther)
    {
        var numbers = new Dictionary<(int, int), int> { [(0, 0)] = 0 };
        var pairs = new List<(int This, int Other)> { (0, 0) };
        var states = new List<DfaState>();
        var edges = new List<ByteEdge>();
        for (int i = 0; i < pairs.Count; i++)
        {
            DfaState a = States[pairs[i].This];
            DfaState? b = pairs[i].Other < 0 ? null : other.States[pairs[i].Other];
            edges.Clear();
            foreach ((byte first, byte last, int to, int otherTo) in Steps(a, b))
            {
                if (otherTo < 0 && !keepWithoutOther)
                    continue;
                if (!numbers.TryGetValue((to, otherTo), out int number))
                {
                    numbers.Add((to, otherTo), number = pairs.Count);
                    pairs.Add((to, otherTo));
                    if (number > Limits.States)
                        throw new GrammarException($"patterns and lengths together need more than {Limits.States} states; make them simpler");
                }

                edges.Add(new ByteEdge(first, last, number));
            }

            states.Add(new DfaState(final(a.Final, b is { Final: true }), [.. edges], []));
        }

        return new Dfa(states);
    }

    // The edges of a, cut where those of b begin and end.
    private static IEnumerable<(byte First, byte Last, int To, int OtherTo)> Steps(DfaState a, DfaState? b)
    {
        foreach (ByteEdge edge in a.Bytes)
        {
            int next = edge.First;
            foreach (ByteEdge with in b?.Bytes ?? [])
            {
                if (with.Last < next || with.First > edge.Last)
                    continue;
                if (with.First > next)
                    yield return ((byte)next, (byte)(with.First - 1), edge.To, -1);
                byte first = Math.Max((byte)next, with.First), last = Math.Min(edge.Last, with.Last);
                yield return (first, last, edge.To, with.To);
                next = last + 1;
            }

            if (next <= edge.Last)
                yield return ((byte)next, edge.Last, edge.To, -1);
        }
    }
}
