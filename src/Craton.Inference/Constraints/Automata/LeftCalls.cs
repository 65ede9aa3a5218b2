namespace Craton.Inference.Constraints.Automata;

/// <summary>Which rules a rule can begin with. A rule that begins with itself would call itself without end, and is refused.</summary>
internal static class LeftCalls
{
    /// <summary>Numbers the rules so that each comes before those that it can begin with.</summary>
    /// <exception cref="GrammarException">A rule can begin with itself.</exception>
    public static int[] Order(IReadOnlyList<Dfa> rules, IReadOnlyList<string> names)
    {
        var callers = new int[rules.Count];
        foreach (CallEdge call in rules.SelectMany(r => r.States[0].Calls))
            callers[call.Rule]++;
        var open = new Queue<int>(Enumerable.Range(0, rules.Count).Where(r => callers[r] == 0));
        var ranks = new int[rules.Count];
        int rank = 0;
        while (open.TryDequeue(out int rule))
        {
            ranks[rule] = rank++;
            foreach (CallEdge call in rules[rule].States[0].Calls)
            {
                if (--callers[call.Rule] == 0)
                    open.Enqueue(call.Rule);
            }
        }

        if (rank < rules.Count)
        {
            throw new GrammarException(
                $"{names[OnCycle(rules, callers)]}: the rule can begin with itself (left recursion); write the recursion behind something that is matched first, or as a repetition");
        }

        return ranks;
    }

    // From a rule that is left over, back along callers that are left over, until one comes up twice.
    private static int OnCycle(IReadOnlyList<Dfa> rules, int[] callers)
    {
        var seen = new HashSet<int>();
        int rule = Array.FindIndex(callers, c => c > 0);
        while (seen.Add(rule))
        {
            int called = rule;
            rule = Enumerable.Range(0, rules.Count).First(r => callers[r] > 0 && rules[r].States[0].Calls.Any(c => c.Rule == called));
        }

        return rule;
    }
}
