namespace Craton.Tokenizers.Templates;

/// <summary>Variables, and behind them those around: a block sees what is outside, its own variables end with it.</summary>
internal sealed class Scope(Scope? outer)
{
    private Dictionary<string, object>? _variables;

    public object? Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables?.TryGetValue(name, out object? value) == true)
                return value;
        }

        return null;
    }

    public void Set(string name, object value) => (_variables ??= [])[name] = value;

    private Scope? Outer => outer;
}
