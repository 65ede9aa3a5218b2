using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// A part of a model: parameters and child modules under the names that the checkpoint uses. A subclass declares them in its constructor
/// with <see cref="Parameter"/> and <see cref="Child{T}(string, T)"/> and computes in a method of its own.
/// </summary>
public abstract class Module
{
    private readonly List<(string Name, Tensor Tensor)> _parameters = [];
    private readonly List<(string Name, Tensor Tensor)> _buffers = [];
    private readonly List<(string Name, Module Module)> _children = [];

    /// <summary>Every parameter of this module and of those below it, with its dotted name, in order of declaration.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> NamedParameters()
    {
        foreach ((string name, Tensor tensor) in _parameters) yield return (name, tensor);
        foreach ((string child, Module module) in _children)
            foreach ((string name, Tensor tensor) in module.NamedParameters())
                yield return ($"{child}.{name}", tensor);
    }

    /// <summary>Every tensor beside the parameters that belongs to the state of this module and of those below it, with its dotted name:
    /// running averages and fixed tables, which are saved with the weights and not trained.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> NamedBuffers()
    {
        foreach ((string name, Tensor tensor) in _buffers) yield return (name, tensor);
        foreach ((string child, Module module) in _children)
            foreach ((string name, Tensor tensor) in module.NamedBuffers())
                yield return ($"{child}.{name}", tensor);
    }

    /// <summary>Every module of the tree, this one first.</summary>
    public IEnumerable<Module> Modules()
    {
        yield return this;
        foreach ((_, Module module) in _children)
            foreach (Module inner in module.Modules())
                yield return inner;
    }

    /// <summary>Every module below this one with its dotted path, in order of declaration.</summary>
    public IEnumerable<(string Path, Module Module)> NamedModules()
    {
        foreach ((string child, Module module) in _children)
        {
            yield return (child, module);
            foreach ((string path, Module inner) in module.NamedModules()) yield return ($"{child}.{path}", inner);
        }
    }

    /// <summary>Puts another tensor into the place of a parameter; the one that was there stays as it is.</summary>
    /// <param name="name">Dotted name of the parameter.</param>
    /// <param name="tensor">The other tensor, of its shape.</param>
    /// <returns>The one that was there.</returns>
    /// <exception cref="CratonException">There is no such parameter, or the shapes differ.</exception>
    public Tensor Replace(string name, Tensor tensor) =>
        TryReplace(name, tensor) ?? throw new CratonException($"{GetType().Name}: expected a parameter '{name}', which the model does not have");

    private Tensor? TryReplace(string name, Tensor tensor)
    {
        int at = _parameters.FindIndex(p => p.Name == name);
        if (at >= 0)
        {
            Tensor before = _parameters[at].Tensor;
            if (!before.Shape.SequenceEqual(tensor.Shape)) throw new CratonException($"{GetType().Name}: expected {name} of shape {before.Layout}, got {tensor.Layout}");
            OnReplaced(name, tensor);
            _parameters[at] = (name, tensor);
            return before;
        }
        foreach ((string child, Module module) in _children)
            if (name.StartsWith(child + ".", StringComparison.Ordinal) && module.TryReplace(name[(child.Length + 1)..], tensor) is { } found)
                return found;
        return null;
    }

    /// <summary>Takes over a tensor that <see cref="Replace"/> puts in: a module keeps it where it computes with it.</summary>
    /// <exception cref="CratonException">This kind of module cannot.</exception>
    protected virtual void OnReplaced(string name, Tensor tensor) =>
        throw new CratonException($"{GetType().Name}: its parameter '{name}' cannot be replaced");

    /// <summary>Number of trained values.</summary>
    public long ParameterCount => NamedParameters().Sum(p => p.Tensor.Count);

    /// <summary>Declares a parameter, zeroed; its owner initialises it or a checkpoint fills it. It has no memory before one of them touches it.</summary>
    protected Tensor Parameter(string name, params ReadOnlySpan<int> shape) => Declare(name, Tensor.Parameter(DType.F32, shape));

    /// <summary>Declares a tensor that is saved with the parameters and not trained, with every element the same.</summary>
    protected Tensor Buffer(string name, float value, params ReadOnlySpan<int> shape)
    {
        Tensor tensor = Tensor.Buffer(value, shape);
        _buffers.Add((name, tensor));
        return tensor;
    }

    /// <summary>Declares a parameter with every element the same.</summary>
    protected Tensor Filled(string name, float value, params ReadOnlySpan<int> shape) => Declare(name, Tensor.FilledParameter(value, shape));

    /// <summary>Declares a parameter that another module holds too.</summary>
    protected Tensor Shared(string name, Tensor tensor) => Declare(name, tensor);

    private Tensor Declare(string name, Tensor tensor)
    {
        _parameters.Add((name, tensor));
        return tensor;
    }

    /// <summary>Declares a child module.</summary>
    protected T Child<T>(string name, T module) where T : Module
    {
        _children.Add((name, module));
        return module;
    }

    /// <summary>Declares what a module declares as this one's own: a part that has no name in the checkpoint.</summary>
    protected T Inline<T>(T module) where T : Module
    {
        _parameters.AddRange(module._parameters);
        _children.AddRange(module._children);
        return module;
    }

    /// <summary>Declares a numbered list of child modules: <c>name.0</c>, <c>name.1</c>, …</summary>
    protected T[] Children<T>(string name, int count, Func<int, T> create) where T : Module
    {
        var modules = new T[count];
        for (int i = 0; i < count; i++) modules[i] = Child($"{name}.{i}", create(i));
        return modules;
    }
}
