using Craton.Tensors;

namespace Craton.Nn;

/// <summary>Slopes of linear biases (Press et al. 2022) that live as long as the model.</summary>
public sealed class AlibiSlopes
{
    /// <summary>Creates the slopes.</summary>
    /// <param name="heads">Number of query heads.</param>
    /// <param name="scale">Factor on them.</param>
    public AlibiSlopes(int heads, double scale = 1)
    {
        Values = Tensor.Persistent(DType.F32, heads);
        using (TensorScope.Open("alibi")) Values.Assign(Ops.AlibiSlopes(heads) * scale);
    }

    /// <summary>[heads].</summary>
    public Tensor Values { get; }
}
