namespace Craton.Tensors;

/// <summary>
/// The lifetime of a step's tensors. While a scope is open on a thread, every tensor made there belongs to it, and its memory goes back to
/// the pool when the scope ends. Scopes nest. Without a scope tensors are ordinary objects that the garbage collector reclaims.
/// <code>
/// using (TensorScope.Open("step"))
/// {
///     …
/// }
/// </code>
/// </summary>
public readonly struct TensorScope : IDisposable
{
    [ThreadStatic] private static Frame? s_current;

    private readonly Frame _frame;

    private TensorScope(Frame frame) => _frame = frame;

    /// <summary>
    /// When set, released tensors stay dead for ever and their memory is filled with NaN, so that use after release is found; otherwise
    /// tensor objects are recycled. On in debug builds.
    /// </summary>
#if DEBUG
    public static bool Checks { get; set; } = true;
#else
    public static bool Checks { get; set; }
#endif

    /// <summary>Opens a scope on this thread.</summary>
    /// <param name="name">Named in the error about a tensor that is used after its scope.</param>
    public static TensorScope Open(string name)
    {
        Frame? outer = s_current;
        Frame frame = outer is null ? (s_root ??= new Frame(null)) : outer.Inner ??= new Frame(outer);
        frame.Name = name;
        s_current = frame;
        return new TensorScope(frame);
    }

    [ThreadStatic] private static Frame? s_root;

    /// <summary>Lets a tensor outlive this scope: it moves to the enclosing scope, or to the garbage collector where there is none.</summary>
    public Tensor Keep(Tensor tensor)
    {
        _frame.Remove(tensor);
        _frame.Outer?.Add(tensor);
        return tensor;
    }

    /// <summary>Releases every tensor of the scope.</summary>
    public void Dispose()
    {
        if (s_current != _frame) throw new InvalidOperationException($"scope '{_frame.Name}' is closed out of order; close the scopes opened inside it first");
        _frame.Release();
        s_current = _frame.Outer;
    }

    internal static void Register(Tensor tensor) => s_current?.Add(tensor);

    // One frame per nesting depth and thread, reused for ever, so that opening a scope allocates nothing.
    private sealed class Frame(Frame? outer)
    {
        private readonly List<(Tensor Tensor, int Generation)> _tensors = [];

        public Frame? Outer { get; } = outer;

        public Frame? Inner { get; set; }

        public string Name { get; set; } = "";

        public void Add(Tensor tensor) => _tensors.Add((tensor, tensor.Generation));

        public void Remove(Tensor tensor)
        {
            int at = _tensors.LastIndexOf((tensor, tensor.Generation));
            if (at >= 0) _tensors.RemoveAt(at);
        }

        public void Release()
        {
            foreach ((Tensor tensor, int generation) in _tensors)
                if (tensor.Generation == generation) tensor.Release(Name);
            _tensors.Clear();
        }
    }
}
