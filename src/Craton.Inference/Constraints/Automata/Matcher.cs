namespace Craton.Inference.Constraints.Automata;

/// <summary>
/// Follows a text through a grammar, byte by byte, on all stacks at once, and remembers every step it has made. Not thread-safe; as
/// many matchers as needed share one automaton.
/// </summary>
internal sealed class Matcher
{
    private readonly LinkedAutomaton _automaton;
    private readonly HashSet<StackSet> _known = new(new SameStacks());
    private readonly Dictionary<(int, int), StackSet> _unions = [];

    // What one step collects.
    private readonly SortedDictionary<int, StackSet> _tops = [];
    private readonly Stack<Frame> _arrived = [];
    private readonly SortedDictionary<int, (int Rule, StackSet Below)> _called = [];
    private bool _ended;

    public Matcher(LinkedAutomaton automaton)
    {
        _automaton = automaton;
        Bottom = Unique([], hasEmpty: true);
        Dead = Unique([], hasEmpty: false);
    }

    /// <summary>The set of the empty stack alone.</summary>
    public StackSet Bottom { get; }

    /// <summary>How many different sets are remembered.</summary>
    public int Count => _known.Count;

    /// <summary>The greatest depth that any step so far depended on.</summary>
    public int DeepestCheck { get; private set; }

    private StackSet Dead { get; }

    /// <summary>The stacks before the first byte.</summary>
    public StackSet Begin()
    {
        _ended = _automaton.MayBeEmpty;
        CallRule(0, Bottom, behindHeight: 0);
        return Close();
    }

    /// <summary>One state on top of these stacks.</summary>
    public StackSet At(int state, StackSet below) => Unique([new Frame(state, below)], hasEmpty: false);

    /// <summary>The stacks behind one more byte; dead when it begins no sentence.</summary>
    public StackSet Step(StackSet stacks, byte value)
    {
        StackSet?[] next = stacks.Next ??= new StackSet?[256];
        return next[value] ??= StepNew(stacks, value);
    }

    /// <summary>The stacks when the frame above them has come to its end.</summary>
    public StackSet Resume(StackSet below)
    {
        if (below.Resumed is null)
        {
            _ended = below.HasEmpty;
            foreach (Frame frame in below.Frames)
                Arrive(frame);
            below.Resumed = Close();
        }

        return below.Resumed;
    }

    /// <summary>The same stacks, as this matcher's own.</summary>
    public StackSet Import(StackSet stacks)
    {
        var done = new Dictionary<StackSet, StackSet>();
        return Copy(stacks);

        StackSet Copy(StackSet set)
        {
            if (!done.TryGetValue(set, out StackSet? copy))
                done.Add(set, copy = Unique([.. set.Frames.Select(f => f with { Below = Copy(f.Below) })], set.HasEmpty));
            return copy;
        }
    }

    private StackSet StepNew(StackSet stacks, byte value)
    {
        // Most steps: from one state to another within a rule.
        if (stacks.Frames is [var only] && _automaton.Step(only.State, value) is var next && (next < 0 || _automaton.IsInside(next)))
            return next >= 0 && Fits(only.Below.Depth + _automaton.Height(next)) ? At(next, only.Below) : Dead;

        _ended = false;
        foreach (Frame frame in stacks.Frames)
        {
            int to = _automaton.Step(frame.State, value);
            if (to >= 0 && Fits(frame.Below.Depth + _automaton.Height(to)))
                Arrive(new Frame(to, frame.Below));
        }

        return Close();
    }

    // Where a rule ends, so does the frame, and the caller goes on. Only what is new is followed further.
    private void Arrive(Frame frame)
    {
        _arrived.Push(frame);
        while (_arrived.TryPop(out Frame top))
        {
            if (!_automaton.OnlyEnds(top.State) && !AddTop(top))
                continue;
            if (!_automaton.IsFinal(top.State))
                continue;
            _ended |= top.Below.HasEmpty;
            foreach (Frame caller in top.Below.Frames)
                _arrived.Push(caller);
        }
    }

    private bool AddTop(Frame top)
    {
        StackSet below = _tops.TryGetValue(top.State, out StackSet? known) ? Union(known, top.Below) : top.Below;
        _tops[top.State] = below;
        return below != known;
    }

    // Enters rules: each once, after all that call it, with all their stacks below.
    private StackSet Close()
    {
        foreach ((int state, StackSet below) in _tops)
            CallFrom(state, below);
        while (_called.Count > 0)
        {
            (int rank, (int rule, StackSet below)) = _called.First();
            _called.Remove(rank);
            int start = _automaton.Start(rule);
            _ = AddTop(new Frame(start, below));
            CallFrom(start, below);
        }

        Frame[] frames = [.. _tops.Where(t => _automaton.HasBytes(t.Key)).Select(t => new Frame(t.Key, t.Value))];
        _tops.Clear();
        return Unique(frames, _ended);
    }

    private void CallFrom(int state, StackSet below)
    {
        foreach (CallEdge call in _automaton.Calls(state))
        {
            if (_automaton.OnlyEnds(call.To))
                CallRule(call.Rule, below, behindHeight: 0);
            else
                CallRule(call.Rule, At(call.To, below), below.Depth + _automaton.Height(call.To));
        }
    }

    private void CallRule(int rule, StackSet below, int behindHeight)
    {
        if (!Fits(behindHeight) || !Fits(below.Depth, _automaton.Height(_automaton.Start(rule))))
            return;
        int rank = _automaton.Ranks[rule];
        _called[rank] = (rule, _called.TryGetValue(rank, out var waiting) ? Union(waiting.Below, below) : below);
    }

    private bool Fits(int depth, int height = 0)
    {
        if (height > _automaton.StackDepth || depth + height > _automaton.StackDepth)
            return false;
        DeepestCheck = Math.Max(DeepestCheck, depth + height);
        return true;
    }

    private StackSet Union(StackSet a, StackSet b)
    {
        if (a == b)
            return a;
        (int, int) key = (Math.Min(a.Id, b.Id), Math.Max(a.Id, b.Id));
        if (!_unions.TryGetValue(key, out StackSet? union))
            _unions.Add(key, union = Unique([.. Merge(a.Frames, b.Frames)], a.HasEmpty || b.HasEmpty));
        return union;
    }

    private IEnumerable<Frame> Merge(Frame[] a, Frame[] b)
    {
        int i = 0, j = 0;
        while (i < a.Length || j < b.Length)
        {
            if (j == b.Length || (i < a.Length && a[i].State < b[j].State))
                yield return a[i++];
            else if (i == a.Length || b[j].State < a[i].State)
                yield return b[j++];
            else
                yield return new Frame(a[i].State, Union(a[i++].Below, b[j++].Below));
        }
    }

    private StackSet Unique(Frame[] frames, bool hasEmpty)
    {
        var set = new StackSet(frames, hasEmpty, _known.Count);
        if (_known.TryGetValue(set, out StackSet? known))
            return known;
        _known.Add(set);
        return set;
    }
}
