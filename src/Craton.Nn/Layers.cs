using Craton.Tensors;

namespace Craton.Nn;

/// <summary>A linear layer: y = x · weightᵀ + bias, with x [.., inputs] and y [.., outputs].</summary>
public sealed class Linear : Module
{
    private readonly List<ILinearAdapter> _adapters = [];

    /// <summary>Creates the layer with zeroed parameters.</summary>
    public Linear(int inputs, int outputs, bool bias = false)
    {
        Weight = Parameter("weight", outputs, inputs);
        if (bias) Bias = Parameter("bias", outputs);
    }

    /// <summary>Creates the layer with the weight [outputs, inputs] of another one, and a bias [outputs] if one is given.</summary>
    public Linear(Tensor weight, Tensor? bias = null)
    {
        Weight = Shared("weight", weight);
        Bias = bias;
    }

    /// <summary>[outputs, inputs].</summary>
    public Tensor Weight { get; private set; }

    /// <summary>[outputs], or null.</summary>
    public Tensor? Bias { get; private set; }

    /// <summary>Whether anything but weight and bias has a part in the result.</summary>
    public bool IsAdapted => _adapters.Count > 0;

    /// <summary>activation(x) · weightᵀ + bias + residual; the activation and the residual [.., outputs] may be left out.</summary>
    public Tensor Forward(Tensor x, Activation activation = Activation.None, Tensor? residual = null) => IsAdapted
        ? Adapted(Ops.Activate(x, activation), residual)
        : Ops.Linear(x, Weight, Bias, activation, residual);

    /// <summary>Lets an adapter reach in, after those that do.</summary>
    public void Attach(ILinearAdapter adapter) => _adapters.Add(adapter);

    /// <summary>Lets it reach in no longer.</summary>
    public void Detach(ILinearAdapter adapter) => _adapters.Remove(adapter);

    private Tensor Adapted(Tensor x, Tensor? residual)
    {
        Tensor input = x;
        foreach (ILinearAdapter adapter in _adapters) input = adapter.Input(input);
        Tensor plain = Ops.Linear(input, Weight, Bias), y = plain;
        foreach (ILinearAdapter adapter in _adapters) y = adapter.Output(x, plain, y);
        return residual is null ? y : y + residual;
    }

    /// <inheritdoc/>
    protected override void OnReplaced(string name, Tensor tensor)
    {
        if (name == "weight") Weight = tensor;
        else Bias = tensor;
    }
}

/// <summary>A table of vectors: ids [..] → [.., width].</summary>
public sealed class Embedding : Module
{
    private readonly List<IEmbeddingAdapter> _adapters = [];
    private readonly int _padding;

    /// <summary>Creates the table with zeroed parameters.</summary>
    /// <param name="count">Number of vectors.</param>
    /// <param name="width">Size of a vector.</param>
    /// <param name="padding">Id whose vector is not trained by being looked up; −1 for none.</param>
    public Embedding(int count, int width, int padding = -1) => (Weight, _padding) = (Parameter("weight", count, width), padding);

    /// <summary>[count, width].</summary>
    public Tensor Weight { get; private set; }

    /// <summary>Looks the ids up.</summary>
    public Tensor Forward(Tensor ids)
    {
        Tensor plain = Ops.Embedding(Weight, ids, _padding), y = plain;
        foreach (IEmbeddingAdapter adapter in _adapters) y = adapter.Output(ids, plain, y);
        return y;
    }

    /// <summary>Lets an adapter reach in, after those that do.</summary>
    public void Attach(IEmbeddingAdapter adapter) => _adapters.Add(adapter);

    /// <summary>Lets it reach in no longer.</summary>
    public void Detach(IEmbeddingAdapter adapter) => _adapters.Remove(adapter);

    /// <inheritdoc/>
    protected override void OnReplaced(string name, Tensor tensor) => Weight = tensor;
}

/// <summary>Root-mean-square normalisation of the last dimension (Zhang, Sennrich 2019).</summary>
public sealed class RmsNorm : Norm
{
    private readonly double _eps, _offset;

    /// <summary>Creates the layer with factors of 1.</summary>
    /// <param name="width">Size of the last dimension.</param>
    /// <param name="eps">Added to the mean square.</param>
    /// <param name="weightOffset">Added to the weight: 1 for models that store the factor minus one (Gemma).</param>
    public RmsNorm(int width, double eps, double weightOffset = 0)
    {
        (_eps, _offset) = (eps, weightOffset);
        Weight = Filled("weight", (float)(1 - weightOffset), width);
    }

    /// <summary>[width].</summary>
    public Tensor Weight { get; private set; }

    /// <summary>x / √(mean x² + eps) · (weight + offset).</summary>
    public override Tensor Forward(Tensor x) => Ops.RmsNorm(x, Weight, _eps, _offset);

    /// <inheritdoc/>
    protected override void OnReplaced(string name, Tensor tensor) => Weight = tensor;
}

/// <summary>Layer normalisation of the last dimension (Ba et al. 2016).</summary>
public sealed class LayerNorm : Norm
{
    private readonly double _eps;

    /// <summary>Creates the layer with weights of 1 and biases of 0.</summary>
    /// <param name="width">Size of the last dimension.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="affine">False: neither weight nor bias.</param>
    /// <param name="bias">False: no bias.</param>
    public LayerNorm(int width, double eps = 1e-5, bool affine = true, bool bias = true)
    {
        _eps = eps;
        if (!affine) return;
        Weight = Filled("weight", 1, width);
        if (bias) Bias = Parameter("bias", width);
    }

    /// <summary>[width], or null.</summary>
    public Tensor? Weight { get; private set; }

    /// <summary>[width], or null.</summary>
    public Tensor? Bias { get; private set; }

    /// <summary>(x − mean) / √(variance + eps) · weight + bias.</summary>
    public override Tensor Forward(Tensor x) => Ops.LayerNorm(x, Weight, Bias, _eps);

    /// <inheritdoc/>
    protected override void OnReplaced(string name, Tensor tensor)
    {
        if (name == "weight") Weight = tensor;
        else Bias = tensor;
    }
}

/// <summary>A normalisation of the last dimension.</summary>
public abstract class Norm : Module
{
    /// <summary>Normalises.</summary>
    public abstract Tensor Forward(Tensor x);
}
