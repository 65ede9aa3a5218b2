namespace Craton.Tokenizers.Pipeline;

/// <summary>Turns a parsed regular expression into a program.</summary>
internal sealed class RegexCompiler
{
    private const int LongestProgram = 20_000;

    private readonly Budget _budget;
    private readonly List<RegexInstruction> _code = [];

    private RegexCompiler(Budget budget) => _budget = budget;

    /// <summary>Compiles.</summary>
    /// <exception cref="RegexSyntaxException">The program would be too long, or a look behind has no fixed length.</exception>
    public static RegexProgram Compile(RegexNode node) => new RegexCompiler(new Budget()).Program(node);

    /// <summary>A program that is part of this one.</summary>
    private RegexProgram Inner(RegexNode node) => new RegexCompiler(_budget).Program(node);

    private RegexProgram Program(RegexNode node)
    {
        Add(node);
        Emit(new(RegexAction.Match));
        int splits = 0, runs = 0;
        return new RegexProgram([.. _code.Select(i => i.Action switch
        {
            RegexAction.Split => i with { Number = splits++ },
            RegexAction.TakeAll => i with { Number = runs++ },
            _ => i,
        })]);
    }

    private void Add(RegexNode node)
    {
        switch (node)
        {
            case SetNode set:
                Emit(new(RegexAction.Take) { Set = set.Set });
                break;
            case SequenceNode sequence:
                foreach (RegexNode item in sequence.Items)
                    Add(item);
                break;
            case AlternativesNode alternatives:
                AddAlternatives(alternatives.Items);
                break;
            case RepeatNode repeat:
                AddRepeat(repeat);
                break;
            case AnchorNode anchor:
                Emit(new(RegexAction.Assert) { Anchor = anchor.Anchor });
                break;
            case AtomicNode atomic:
                Emit(new(RegexAction.Atomic) { Inner = Inner(atomic.Item) });
                break;
            case LookNode { IsBehind: true } look:
                AddLookBehind(look);
                break;
            case LookNode look:
                Emit(new(RegexAction.LookAhead) { Inner = Inner(look.Item), Negated = look.IsNegated });
                break;
        }
    }

    private void AddAlternatives(IReadOnlyList<RegexNode> items)
    {
        var jumps = new List<int>();
        for (int i = 0; i < items.Count; i++)
        {
            bool last = i == items.Count - 1;
            int split = last ? -1 : Emit(new(RegexAction.Split));
            Add(items[i]);
            if (last)
                break;
            jumps.Add(Emit(new(RegexAction.Jump)));
            _code[split] = _code[split] with { Next = split + 1, Other = _code.Count };
        }

        foreach (int jump in jumps)
            _code[jump] = _code[jump] with { Next = _code.Count };
    }

    private void AddRepeat(RepeatNode repeat)
    {
        if (repeat.IsPossessive)
        {
            if (repeat is { Item: SetNode set, Least: <= 1, Most: null })
                Emit(new(RegexAction.TakeAll) { Set = set.Set, Other = repeat.Least });
            else
                Emit(new(RegexAction.Atomic) { Inner = Inner(repeat with { IsPossessive = false }) });
            return;
        }

        for (int i = 0; i < repeat.Least; i++)
            Add(repeat.Item);
        if (repeat.Most is null)
        {
            int split = Emit(new(RegexAction.Split));
            Add(repeat.Item);
            Emit(new(RegexAction.Jump) { Next = split });
            Choose(split, repeat.IsLazy);
            return;
        }

        var splits = new List<int>();
        for (int i = repeat.Least; i < repeat.Most; i++)
        {
            splits.Add(Emit(new(RegexAction.Split)));
            Add(repeat.Item);
        }

        foreach (int split in splits)
            Choose(split, repeat.IsLazy);
    }

    /// <summary>A look behind is one program of fixed length for each of its alternatives.</summary>
    private void AddLookBehind(LookNode look)
    {
        IReadOnlyList<RegexNode> alternatives = look.Item is AlternativesNode { Items: var items } ? items : [look.Item];
        RegexInstruction[] behind = [.. alternatives.Select(node => new RegexInstruction(RegexAction.LookBehind)
        {
            Inner = Inner(node),
            Negated = look.IsNegated,
            Other = node.Length ?? throw new RegexSyntaxException("looks behind for something of no fixed length"),
        })];
        if (look.IsNegated || behind.Length == 1)
        {
            foreach (RegexInstruction each in behind)
                Emit(each);
            return;
        }

        // Any of them: each is followed by a jump behind the last.
        int end = _code.Count + 3 * behind.Length - 2;
        foreach (RegexInstruction each in behind[..^1])
        {
            Emit(new(RegexAction.Split) { Next = _code.Count + 1, Other = _code.Count + 3 });
            Emit(each);
            Emit(new(RegexAction.Jump) { Next = end });
        }

        Emit(behind[^1]);
    }

    private void Choose(int split, bool isLazy)
    {
        (int inside, int behind) = (split + 1, _code.Count);
        _code[split] = _code[split] with { Next = isLazy ? behind : inside, Other = isLazy ? inside : behind };
    }

    private int Emit(RegexInstruction instruction)
    {
        if (++_budget.Used > LongestProgram)
            throw new RegexSyntaxException("repeats too much");
        _code.Add(instruction);
        return _code.Count - 1;
    }

    /// <summary>The instructions of a program and all inside it.</summary>
    private sealed class Budget
    {
        public int Used;
    }
}
