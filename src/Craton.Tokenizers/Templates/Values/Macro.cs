namespace Craton.Tokenizers.Templates;

/// <summary>A macro as it stands in the template.</summary>
/// <param name="Name">Its name; <c>caller</c> for the block of a call.</param>
/// <param name="Parameters">Its parameters with their defaults.</param>
/// <param name="Body">Its body.</param>
/// <param name="Uses">Which of <c>caller</c>, <c>varargs</c> and <c>kwargs</c> the body mentions: only then they are accepted.</param>
internal sealed record MacroCode(string Name, (string Name, Expression? Default)[] Parameters, Statement[] Body, IReadOnlySet<string> Uses);

/// <summary>A macro with the variables around its definition.</summary>
internal sealed class Macro(MacroCode code, Scope scope) : ICallable, IAttributes
{
    public string Name => code.Name;

    public object? Attribute(Run run, string name) => name switch
    {
        "name" => Text.Own(code.Name),
        "arguments" => new TupleValue([.. code.Parameters.Select(p => Text.Own(p.Name))]),
        "catch_varargs" => code.Uses.Contains("varargs"),
        "catch_kwargs" => code.Uses.Contains("kwargs"),
        "caller" => code.Uses.Contains("caller"),
        _ => null,
    };

    public object Call(Run run, Arguments arguments)
    {
        run.Meter.Enter();
        var inner = new Scope(scope);
        var named = new Dictionary<string, object>(arguments.Named);
        for (int i = 0; i < code.Parameters.Length; i++)
        {
            (string name, Expression? otherwise) = code.Parameters[i];
            bool isNamed = named.Remove(name, out object? value);
            if (i < arguments.Positional.Count)
                value = isNamed ? throw new RenderFault($"macro '{Name}' got two values for '{name}'") : arguments.Positional[i];
            inner.Set(name, value ?? (otherwise is null ? new Undefined($"parameter '{name}' was not provided") : run.Evaluate(otherwise, inner)));
        }

        BindRest(inner, arguments.Positional, named);
        Text text = run.Capture(code.Body, inner);
        run.Meter.Leave();
        return text;
    }

    private void BindRest(Scope inner, IReadOnlyList<object> positional, Dictionary<string, object> named)
    {
        if (code.Uses.Contains("caller"))
            inner.Set("caller", named.Remove("caller", out object? caller) ? caller : new Undefined("no caller defined"));
        if (code.Uses.Contains("kwargs"))
        {
            OrderedDictionary<object, object> entries = DictValue.NewEntries();
            foreach ((string name, object value) in named)
                entries[Text.Foreign(name)] = value;
            inner.Set("kwargs", new DictValue(entries));
        }
        else if (named.Count > 0)
        {
            throw new RenderFault($"macro '{Name}' takes no keyword argument '{named.Keys.First()}'");
        }

        int count = code.Parameters.Length;
        if (code.Uses.Contains("varargs"))
            inner.Set("varargs", new TupleValue([.. positional.Skip(count)]));
        else if (positional.Count > count)
            throw new RenderFault($"macro '{Name}' takes not more than {count} argument(s)");
    }
}
