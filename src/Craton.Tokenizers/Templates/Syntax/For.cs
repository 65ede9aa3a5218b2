using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary><c>for a in b if c recursive</c> … <c>else</c> … <c>endfor</c>; every round has variables of its own.</summary>
internal sealed class For(Target target, Expression items, Expression? filter, bool isRecursive, Statement[] body, Statement[] otherwise) : Statement
{
    public override Flow Execute(Run run, Scope scope, TextBuilder output)
    {
        Loop(run, scope, run.Evaluate(items, scope), depth: 0, output);
        return Flow.Next;
    }

    /// <summary>Goes over the items; called again by <c>loop(…)</c> of a recursive loop.</summary>
    public void Loop(Run run, Scope scope, object over, int depth, TextBuilder output)
    {
        object[] accepted = Types.Iterate(run, over);
        if (filter is not null)
            accepted = [.. accepted.Where(item => Truth.Of(run.Evaluate(filter, Round(run, scope, item))))];
        if (accepted.Length == 0)
            _ = run.Execute(otherwise, new Scope(scope), output);
        var loop = new LoopValue(accepted, depth, isRecursive ? Again : null);
        for (int i = 0; i < accepted.Length; i++)
        {
            run.Meter.Steps(1);
            loop.Index = i;
            Scope round = Round(run, scope, accepted[i]);
            round.Set("loop", loop);
            if (run.Execute(body, round, output) == Flow.Break)
                break;
        }

        Text Again(Run again, object inner)
        {
            var text = new TextBuilder(again.Meter);
            again.Meter.Enter();
            Loop(again, scope, inner, depth + 1, text);
            again.Meter.Leave();
            return text.ToText();
        }
    }

    private Scope Round(Run run, Scope scope, object item)
    {
        var round = new Scope(scope);
        target.Assign(run, round, item);
        return round;
    }
}

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class LoopValue(object[] items, int depth, Func<Run, object, Text>? again) : IAttributes, ICallable
{
    private object? _lastSeen;

    public int Index { get; set; }

    public object? Attribute(Run run, string name) => name switch
    {
        "index" => new BigInteger(Index + 1),
        "index0" => new BigInteger(Index),
        "revindex" => new BigInteger(items.Length - Index),
        "revindex0" => new BigInteger(items.Length - Index - 1),
        "first" => Index == 0,
        "last" => Index == items.Length - 1,
        "length" => new BigInteger(items.Length),
        "depth" => new BigInteger(depth + 1),
        "depth0" => new BigInteger(depth),
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined("there is no previous item"),
        "nextitem" => Index < items.Length - 1 ? items[Index + 1] : new Undefined("there is no next item"),
        "cycle" => new Function("loop.cycle", "*", (_, a) => a.All.Positional is { Count: > 0 } values
            ? values[Index % values.Count] : throw new RenderFault("loop.cycle: no items for cycling given")),
        "changed" => new Function("loop.changed", "*", (r, a) => Changed(r, new TupleValue([.. a.All.Positional]))),
        _ => null,
    };

    public object Call(Run run, Arguments arguments) =>
        again is null ? throw new RenderFault("the loop is not recursive: mark it with 'recursive'")
        : arguments is { Positional: [object inner], Named.Count: 0 } ? again(run, inner)
        : throw new RenderFault("loop: expected one argument");

    private bool Changed(Run run, TupleValue values)
    {
        bool changed = _lastSeen is null || !Comparison.AreEqual(run, _lastSeen, values);
        _lastSeen = values;
        return changed;
    }
}
