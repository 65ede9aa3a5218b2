using System.Text;

namespace Craton.Inference.Constraints.Automata;

/// <summary>
/// Turns a term into a non-deterministic automaton (Thompson 1968) and that into a deterministic one by the subset construction
/// (Rabin and Scott 1959).
/// </summary>
/// <param name="mayBeEmpty">Whether a rule matches the empty text.</param>
internal sealed class NfaBuilder(Func<int, bool> mayBeEmpty)
{
    private readonly List<State> _states = [];
    private int _steps;

    /// <summary>The edges out of one state.</summary>
    public sealed class State
    {
        public List<ByteEdge> Bytes { get; } = [];

        public List<CallEdge> Calls { get; } = [];

        public List<int> Free { get; } = [];
    }

    /// <summary>Compiles a term.</summary>
    /// <exception cref="GrammarException">The automaton would be too large.</exception>
    public static Dfa Compile(Term term, Func<int, bool> mayBeEmpty)
    {
        var builder = new NfaBuilder(mayBeEmpty);
        int start = builder.AddState();
        int end = builder.Add(term, start);
        return new SubsetConstruction(builder._states, start, end).Run();
    }

    private int AddState()
    {
        if (_states.Count == Limits.States)
            throw new GrammarException($"a pattern or rule needs more than {Limits.States} states; use smaller repetitions");
        _states.Add(new State());
        return _states.Count - 1;
    }

    private void AddBytes(int from, byte first, byte last, int to) => _states[from].Bytes.Add(new ByteEdge(first, last, to));

    // Gives the state behind the term. Nothing here leads back into 'from', so that terms may share it as their beginning.
    private int Add(Term term, int from)
    {
        if (++_steps > Limits.Steps)
            throw new GrammarException($"a pattern or rule takes more than {Limits.Steps} steps to compile; use smaller repetitions");
        switch (term)
        {
            case FixedText text:
                return Encoding.UTF8.GetBytes(text.Text).Aggregate(from, AddByte);
            case Characters characters:
                return AddCharacters(characters.Set.Utf8, from);
            case Sequence sequence:
                return sequence.Terms.Aggregate(from, (state, part) => Add(part, state));
            case Choice choice:
                int end = AddState();
                foreach (Term option in choice.Terms)
                    Connect(Add(option, from), end);
                return end;
            case Repeat repeat:
                return AddRepeat(repeat, from);
            case Call call:
                int behind = AddState();
                _states[from].Calls.Add(new CallEdge(call.Rule, behind));
                if (mayBeEmpty(call.Rule))
                    Connect(from, behind);
                return behind;
            case Accepted accepted:
                return AddAutomaton(accepted.Automaton, from);
            case Separated separated:
                return AddSeparated(separated, from);
            default:
                throw new InvalidOperationException($"No automaton for {term.GetType().Name}.");
        }
    }

    private int AddByte(int from, byte value)
    {
        int to = AddState();
        AddBytes(from, value, value, to);
        return to;
    }

    private int AddCharacters(Utf8Automaton automaton, int from)
    {
        int end = AddState(), more = end - 1;
        for (int i = 2; i < automaton.StateCount; i++)
            AddState();
        foreach (Utf8Edge edge in automaton.Edges)
            AddBytes(edge.From == 0 ? from : edge.From + more, edge.First, edge.Last, edge.To + more);
        return end;
    }

    private int AddRepeat(Repeat repeat, int from)
    {
        int state = from;
        for (int i = 0; i < repeat.Least; i++)
            state = Add(repeat.Item, state);
        if (repeat.Most is not int most)
        {
            int loop = AddState();
            Connect(state, loop);
            Connect(Add(repeat.Item, loop), loop);
            return loop;
        }

        int end = AddState();
        for (int i = repeat.Least; i < most; i++)
        {
            Connect(state, end);
            state = Add(repeat.Item, state);
        }

        Connect(state, end);
        return end;
    }

    private int AddAutomaton(Dfa automaton, int from)
    {
        int[] states = [from, .. automaton.States.Skip(1).Select(_ => AddState())];
        int end = AddState();
        for (int i = 0; i < states.Length; i++)
        {
            foreach (ByteEdge edge in automaton.States[i].Bytes)
                AddBytes(states[i], edge.First, edge.Last, states[edge.To]);
            if (automaton.States[i].Final)
                Connect(states[i], end);
        }

        return end;
    }

    // Two rows of states: before part i with nothing written yet, and with something written, where a separator comes first.
    private int AddSeparated(Separated list, int from)
    {
        int required = list.Parts.Select((part, i) => part.Required ? i + 1 : 0).Append(0).Max();
        int end = AddState();
        int none = from, some = -1;
        for (int i = 0; i <= list.Parts.Count; i++)
        {
            if (list.Skips ? i == list.Parts.Count : i >= required)
            {
                if (none >= 0) Connect(none, end);
                if (some >= 0) Connect(some, end);
            }

            if (i == list.Parts.Count)
                break;
            (none, some) = AddPart(list, list.Parts[i], none, some);
        }

        return end;
    }

    private (int None, int Some) AddPart(Separated list, Part part, int none, int some)
    {
        int begin = AddState(), after = AddState();
        if (none >= 0) Connect(none, begin);
        if (some >= 0) Connect(Add(list.Separator, some), begin);
        Connect(Add(part.Item, begin), after);
        if (part.Repeats) Connect(Add(list.Separator, after), begin);
        if (part.Required || !list.Skips)
            return (-1, after);
        int skipped = -1;
        if (none >= 0) Connect(none, skipped = AddState());
        if (some >= 0) Connect(some, after);
        return (skipped, after);
    }

    private void Connect(int from, int to) => _states[from].Free.Add(to);
}
