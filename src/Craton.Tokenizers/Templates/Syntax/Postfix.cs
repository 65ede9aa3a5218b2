namespace Craton.Tokenizers.Templates;

/// <summary><c>a.b</c>.</summary>
internal sealed class AttributeAccess(Expression value, string name) : Expression
{
    public override object Evaluate(Run run, Scope scope) => Access.Attribute(run, run.Evaluate(value, scope), name);
}

/// <summary><c>a[b]</c>.</summary>
internal sealed class ItemAccess(Expression value, Expression key) : Expression
{
    public override object Evaluate(Run run, Scope scope) => Access.Item(run, run.Evaluate(value, scope), run.Evaluate(key, scope));
}

/// <summary><c>a[b:c:d]</c>, with any part left out.</summary>
internal sealed class SliceAccess(Expression value, Expression?[] bounds) : Expression
{
    public override object Evaluate(Run run, Scope scope)
    {
        object sliced = run.Evaluate(value, scope);
        object?[] places = [.. bounds.Select(b => b is null ? null : run.Evaluate(b, scope))];
        return Access.Slice(run, sliced, places[0], places[1], places[2]);
    }
}

/// <summary>The arguments of a call, as they stand in the template.</summary>
internal sealed record ArgumentList(Expression[] Positional, (string Name, Expression Value)[] Named, Expression? Rest, Expression? NamedRest)
{
    public static readonly ArgumentList None = new([], [], null, null);

    public Arguments Evaluate(Run run, Scope scope)
    {
        if (this == None)
            return Arguments.None;
        List<object> positional = [.. Positional.Select(p => run.Evaluate(p, scope))];
        var named = new Dictionary<string, object>(Named.Length);
        foreach ((string name, Expression value) in Named)
        {
            if (!named.TryAdd(name, run.Evaluate(value, scope)))
                throw new RenderFault($"the argument '{name}' stands twice in a call");
        }

        if (Rest is not null)
            positional.AddRange(Types.Iterate(run, run.Evaluate(Rest, scope)));
        if (NamedRest is not null)
        {
            DictValue more = run.Evaluate(NamedRest, scope) as DictValue ?? throw new RenderFault("an argument after ** must be a mapping");
            run.Meter.Steps(more.Entries.Count);
            foreach ((object key, object value) in more.Entries)
            {
                if (!named.TryAdd((key as Text ?? throw new RenderFault("keywords must be strings")).Value, value))
                    throw new RenderFault($"the argument '{key}' stands twice in a call");
            }
        }

        return new Arguments(positional, named);
    }
}

/// <summary><c>f(…)</c>.</summary>
internal sealed class Call(Expression function, ArgumentList arguments) : Expression
{
    public override object Evaluate(Run run, Scope scope) => Evaluate(run, scope, caller: null);

    /// <summary>Calls with the block of a <c>call</c> tag as <c>caller</c>.</summary>
    public object Evaluate(Run run, Scope scope, Macro? caller)
    {
        object target = run.Evaluate(function, scope);
        Arguments given = arguments.Evaluate(run, scope);
        if (caller is not null)
            given = new Arguments(given.Positional, new Dictionary<string, object>(given.Named) { ["caller"] = caller });
        return target switch
        {
            ICallable callable => callable.Call(run, given),
            Undefined undefined => throw undefined.Fault(),
            _ => throw new RenderFault($"'{Types.NameOf(target)}' object is not callable"),
        };
    }
}

/// <summary><c>value | filter(…)</c>; in a <c>filter</c> or <c>set</c> block the value is the block.</summary>
internal sealed class Filtered(Expression value, string name, ArgumentList arguments) : Expression
{
    public override object Evaluate(Run run, Scope scope) =>
        Filters.Get(name).Call(run, arguments.Evaluate(run, scope).Before(run.Evaluate(value, scope)));
}

/// <summary><c>value is test(…)</c>.</summary>
internal sealed class Tested(Expression value, string name, ArgumentList arguments) : Expression
{
    public override object Evaluate(Run run, Scope scope) =>
        Tests.Get(name).Call(run, arguments.Evaluate(run, scope).Before(run.Evaluate(value, scope)));
}

/// <summary>The text of the block that a filter is applied to.</summary>
internal sealed class BlockText : Expression
{
    public const string Variable = " block";

    public override object Evaluate(Run run, Scope scope) => scope.Find(Variable)!;
}
