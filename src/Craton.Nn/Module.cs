using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// A part of a model: parameters and child modules under the names that the checkpoint uses. A subclass declares them in its constructor
/// with <see cref="Parameter"/> and <see cref="Child{T}(string, T)"/> and computes in a method of its own.
/// </summary>
public abstract class Module
{
    [ThreadStatic] private static bool t_withoutMemory;

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
    /// running averages, which are saved with the weights and not trained.</summary>
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

    /// <summary>Number of trained values.</summary>
    public long ParameterCount => NamedParameters().Sum(p => p.Tensor.Count);

    /// <summary>
    /// Creates a module whose parameters have shapes but no memory (<see cref="Tensor.Unallocated"/>): to count them, or to compare them with
    /// a file before memory is asked for.
    /// </summary>
    public static T WithoutMemory<T>(Func<T> create) where T : Module
    {
        bool outer = t_withoutMemory;
        t_withoutMemory = true;
        try
        {
            return create();
        }
        finally
        {
            t_withoutMemory = outer;
        }
    }

    /// <summary>Declares a parameter, zeroed; its owner initialises it or a checkpoint fills it.</summary>
    protected Tensor Parameter(string name, params ReadOnlySpan<int> shape)
    {
        Tensor tensor = t_withoutMemory ? Tensor.Unallocated(DType.F32, shape) : Tensor.Parameter(DType.F32, shape);
        _parameters.Add((name, tensor));
        return tensor;
    }

    /// <summary>Declares a tensor that is saved with the parameters and not trained, with every element the same.</summary>
    protected Tensor Buffer(string name, float value, params ReadOnlySpan<int> shape)
    {
        Tensor tensor = t_withoutMemory ? Tensor.Unallocated(DType.F32, shape) : Tensor.Persistent(DType.F32, shape);
        if (!t_withoutMemory) tensor.AsSpan<float>().Fill(value);
        _buffers.Add((name, tensor));
        return tensor;
    }

    /// <summary>Declares a parameter with every element the same.</summary>
    protected Tensor Filled(string name, float value, params ReadOnlySpan<int> shape)
    {
        Tensor tensor = Parameter(name, shape);
        if (!t_withoutMemory) tensor.AsSpan<float>().Fill(value);
        return tensor;
    }

    /// <summary>Declares a child module.</summary>
    protected T Child<T>(string name, T module) where T : Module
    {
        _children.Add((name, module));
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
