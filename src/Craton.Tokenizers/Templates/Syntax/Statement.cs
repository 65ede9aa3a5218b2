namespace Craton.Tokenizers.Templates;

/// <summary>How a statement ended.</summary>
internal enum Flow
{
    /// <summary>The next statement follows.</summary>
    Next,

    /// <summary>The loop ends.</summary>
    Break,

    /// <summary>The next round of the loop follows.</summary>
    Continue,
}

/// <summary>A statement: <see cref="Run.Execute"/> carries it out.</summary>
internal abstract class Statement
{
    /// <summary>Where it stands in the template.</summary>
    public required int Line { get; init; }

    /// <summary>Carries it out; called by <see cref="Run.Execute"/> alone, which counts.</summary>
    public abstract Flow Execute(Run run, Scope scope, TextBuilder output);
}

/// <summary>Text between tags.</summary>
internal sealed class Data(string text) : Statement
{
    private readonly Text _text = Text.Own(text);

    public override Flow Execute(Run run, Scope scope, TextBuilder output)
    {
        output.Append(_text);
        return Flow.Next;
    }
}

/// <summary><c>{{ … }}</c>.</summary>
internal sealed class Print(Expression value) : Statement
{
    public override Flow Execute(Run run, Scope scope, TextBuilder output)
    {
        output.Append(Printing.Str(run, run.Evaluate(value, scope)));
        return Flow.Next;
    }
}

/// <summary><c>if</c>, <c>elif</c>, <c>else</c>.</summary>
internal sealed class If((Expression Condition, Statement[] Body)[] branches, Statement[] otherwise) : Statement
{
    public override Flow Execute(Run run, Scope scope, TextBuilder output)
    {
        foreach ((Expression condition, Statement[] body) in branches)
        {
            if (Truth.Of(run.Evaluate(condition, scope)))
                return run.Execute(body, scope, output);
        }

        return run.Execute(otherwise, scope, output);
    }
}

/// <summary>Where a value is stored: a name, an attribute of a namespace, or a tuple of targets.</summary>
/// <param name="Name">The name; null for a tuple.</param>
/// <param name="Attribute">The attribute, where the name is a namespace.</param>
/// <param name="Parts">The targets of a tuple.</param>
internal sealed record Target(string? Name, string? Attribute, Target[] Parts)
{
    public void Assign(Run run, Scope scope, object value)
    {
        if (Attribute is not null)
        {
            Namespace target = scope.Find(Name!) as Namespace ?? throw new RenderFault("cannot assign attribute on non-namespace object");
            target.Set(Attribute, value);
        }
        else if (Name is not null)
        {
            scope.Set(Name, value);
        }
        else
        {
            object[] items = Types.TryIterate(run, value) ?? throw new RenderFault($"cannot unpack non-iterable {Types.NameOf(value)} object");
            if (items.Length != Parts.Length)
                throw new RenderFault($"expected {Parts.Length} values to unpack, got {items.Length}");
            for (int i = 0; i < items.Length; i++)
                Parts[i].Assign(run, scope, items[i]);
        }
    }
}

/// <summary><c>set a = …</c>.</summary>
internal sealed class Set(Target target, Expression value) : Statement
{
    public override Flow Execute(Run run, Scope scope, TextBuilder output)
    {
        target.Assign(run, scope, run.Evaluate(value, scope));
        return Flow.Next;
    }
}

/// <summary><c>set a</c> … <c>endset</c> and <c>filter f</c> … <c>endfilter</c>: a block as a value.</summary>
/// <param name="target">Where it is stored; null: printed.</param>
/// <param name="value">What is made of the block.</param>
/// <param name="body">The block.</param>
internal sealed class Captured(Target? target, Expression value, Statement[] body) : Statement
{
    public override Flow Execute(Run run, Scope scope, TextBuilder output)
    {
        Text block = run.Capture(body, new Scope(scope));
        var inner = new Scope(scope);
        inner.Set(BlockText.Variable, block);
        object made = run.Evaluate(value, inner);
        if (target is null)
            output.Append(Printing.Str(run, made));
        else
            target.Assign(run, scope, made);
        return Flow.Next;
    }
}

/// <summary><c>with a = …</c> … <c>endwith</c>.</summary>
internal sealed class With((Target Target, Expression Value)[] variables, Statement[] body) : Statement
{
    public override Flow Execute(Run run, Scope scope, TextBuilder output)
    {
        var inner = new Scope(scope);
        object[] values = [.. variables.Select(v => run.Evaluate(v.Value, scope))];
        for (int i = 0; i < values.Length; i++)
            variables[i].Target.Assign(run, inner, values[i]);
        return run.Execute(body, inner, output);
    }
}

/// <summary><c>generation</c> … <c>endgeneration</c>: what the assistant says.</summary>
internal sealed class Generation(Statement[] body) : Statement
{
    public override Flow Execute(Run run, Scope scope, TextBuilder output)
    {
        output.Append(run.Capture(body, new Scope(scope)).AsGenerated());
        return Flow.Next;
    }
}

/// <summary><c>break</c> and <c>continue</c>.</summary>
internal sealed class Jump(Flow flow) : Statement
{
    public override Flow Execute(Run run, Scope scope, TextBuilder output) => flow;
}

/// <summary><c>macro f(…)</c> … <c>endmacro</c>.</summary>
internal sealed class MacroDefinition(MacroCode code) : Statement
{
    public override Flow Execute(Run run, Scope scope, TextBuilder output)
    {
        scope.Set(code.Name, new Macro(code, scope));
        return Flow.Next;
    }
}

/// <summary><c>call(…) f(…)</c> … <c>endcall</c>: a macro that is given a block.</summary>
internal sealed class CallBlock(Call call, MacroCode caller) : Statement
{
    public override Flow Execute(Run run, Scope scope, TextBuilder output)
    {
        output.Append(Printing.Str(run, call.Evaluate(run, scope, new Macro(caller, scope))));
        return Flow.Next;
    }
}
