using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// A part of a model: parameters and child modules under the names that the checkpoint uses. A subclass declares them in its constructor
/// with <see cref="Parameter"/> and <see cref="Child{T}(string, T)"/> and computes in a method of its own.
/// </summary>
public abstract class Module
{
    private readonly List<(string Name, Tensor Tensor)> _parameters = [];
    private readonly List<(string Name, Module Module)> _children = [];

    /// <summary>Every parameter of this module and of those below it, with its dotted name, in order of declaration.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> NamedParameters()
    {
        foreach ((string name, Tensor tensor) in _parameters) yield return (name, tensor);
        foreach ((string child, Module module) in _children)
            foreach ((string name, Tensor tensor) in module.NamedParameters())
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

    /// <summary>Number of trained values.</summary>
    public long ParameterCount => NamedParameters().Sum(p => p.Tensor.Count);

    /// <summary>Declares a parameter, zeroed; its owner initialises it or a checkpoint fills it. It has no memory before one of them touches it.</summary>
    protected Tensor Parameter(string name, params ReadOnlySpan<int> shape) => Declare(name, Tensor.Parameter(DType.F32, shape));

    /// <summary>Declares a parameter with every element the same.</summary>
    protected Tensor Filled(string name, float value, params ReadOnlySpan<int> shape) => Declare(name, Tensor.FilledParameter(value, shape));

    /// <summary>Declares a tensor that checkpoints hold and that is not trained.</summary>
    protected Tensor Buffer(string name, params ReadOnlySpan<int> shape) => Declare(name, Tensor.Buffer(DType.F32, shape));

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
