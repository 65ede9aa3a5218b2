namespace Craton.Tensors;

/// <summary>The gradients on the way from an output to one input, each a tensor that operations have recorded.</summary>
internal sealed class RecordedGradients(Tensor input)
{
    private readonly Dictionary<Tensor, Tensor> _gradients = new(ReferenceEqualityComparer.Instance);

    /// <summary>False for tensors that do not lead to the input: other leaves, such as weights, and constants.</summary>
    public bool Wants(Tensor? tensor) => tensor is not null && (ReferenceEquals(tensor, input) || tensor.IsRecorded || tensor.ViewOf is not null);

    /// <summary>Adds to the gradient of a tensor, if it is wanted.</summary>
    public void Add(Tensor tensor, Tensor gradient)
    {
        if (Wants(tensor)) _gradients[tensor] = _gradients.TryGetValue(tensor, out Tensor? before) ? before + gradient : gradient;
    }

    /// <summary>The same where the gradient has the shape that the tensor was broadcast to.</summary>
    public void AddBroadcast(Tensor tensor, Tensor gradient)
    {
        if (!Wants(tensor)) return;
        int lead = gradient.Rank - tensor.Rank;
        for (int i = 0; i < gradient.Rank; i++)
            if (gradient.Size(i) != 1 && (i < lead || tensor.Size(i - lead) == 1)) gradient = Ops.Sum(gradient, [i], keepDim: true);
        Add(tensor, Ops.Reshape(gradient, tensor.Shape));
    }

    /// <summary>The gradient of a view goes to what it views.</summary>
    public void AddToWhole(Tensor view, Tensor gradient)
    {
        Tensor whole = view.ViewOf!;
        if (view.Count != whole.Count || !view.Layout.IsContiguous || !whole.Layout.IsContiguous)
            throw new CratonException($"[view]: expected a view of all elements in their order, got {view.Layout} of {whole.Layout}; other views have no second derivative");
        Add(whole, Ops.Reshape(gradient, whole.Shape));
    }

    /// <summary>The gradient of a tensor, which is then forgotten; null when nothing reached it.</summary>
    public Tensor? Take(Tensor tensor) => _gradients.Remove(tensor, out Tensor? gradient) ? gradient : null;
}
