namespace Craton.Tokenizers.Templates;

/// <summary>A value with attributes of its own.</summary>
internal interface IAttributes
{
    /// <summary>The attribute, or null where there is none.</summary>
    object? Attribute(Run run, string name);
}

/// <summary>A value that can be called.</summary>
internal interface ICallable
{
    object Call(Run run, Arguments arguments);
}

/// <summary>The arguments of a call as they are written.</summary>
internal sealed record Arguments(IReadOnlyList<object> Positional, IReadOnlyDictionary<string, object> Named)
{
    public static readonly Arguments None = new([], new Dictionary<string, object>());

    /// <summary>The same with a value in front: of a filter, or the object of a method.</summary>
    public Arguments Before(object value) => new([value, .. Positional], Named);
}

/// <summary>A function that is built in: a filter, a test, a method or a global.</summary>
/// <param name="name">Its name, for errors.</param>
/// <param name="parameters">Names of its parameters, optional ones with <c>?</c>; a last <c>*</c> takes any further arguments.</param>
/// <param name="body">Computes the result.</param>
internal sealed class Function(string name, string parameters, Func<Run, Bound, object> body) : ICallable
{
    private readonly string[] _parameters = parameters.TrimEnd('*').Split(' ', StringSplitOptions.RemoveEmptyEntries);
    private readonly bool _takesMore = parameters.EndsWith('*');

    public string Name => name;

    public object Call(Run run, Arguments arguments)
    {
        var values = new object?[_parameters.Length];
        if (arguments.Positional.Count > values.Length && !_takesMore)
            throw new RenderFault($"{name} takes at most {values.Length} arguments, got {arguments.Positional.Count}");
        for (int i = 0; i < values.Length; i++)
        {
            string parameter = _parameters[i].TrimEnd('?');
            bool isNamed = arguments.Named.TryGetValue(parameter, out object? value);
            if (i < arguments.Positional.Count)
                values[i] = isNamed ? throw new RenderFault($"{name} got two values for '{parameter}'") : arguments.Positional[i];
            else if (isNamed)
                values[i] = value;
            else if (!_parameters[i].EndsWith('?'))
                throw new RenderFault($"{name} is missing its argument '{parameter}'");
        }

        if (!_takesMore && arguments.Named.Keys.FirstOrDefault(k => !_parameters.Any(p => p.TrimEnd('?') == k)) is { } unknown)
            throw new RenderFault($"{name} has no argument '{unknown}'");
        return body(run, new Bound(name, values, arguments));
    }
}

/// <summary>A method of a value.</summary>
internal sealed class BoundMethod(object self, Function method) : ICallable
{
    public string Name => method.Name;

    public object Call(Run run, Arguments arguments) => method.Call(run, arguments.Before(self));
}
