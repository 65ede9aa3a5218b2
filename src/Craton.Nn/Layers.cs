using Craton.Tensors;

namespace Craton.Nn;

/// <summary>A linear layer: y = x · weightᵀ + bias, with x [.., inputs] and y [.., outputs].</summary>
public sealed class Linear : Module
{
    /// <summary>Creates the layer with zeroed parameters.</summary>
    public Linear(int inputs, int outputs, bool bias = false)
    {
        Weight = Parameter("weight", outputs, inputs);
        if (bias) Bias = Parameter("bias", outputs);
    }

    /// <summary>[outputs, inputs].</summary>
    public Tensor Weight { get; }

    /// <summary>[outputs], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>activation(x) · weightᵀ + bias + residual; the activation and the residual [.., outputs] may be left out.</summary>
    public Tensor Forward(Tensor x, Activation activation = Activation.None, Tensor? residual = null) => Ops.Linear(x, Weight, Bias, activation, residual);
}

/// <summary>A table of vectors: ids [..] → [.., width].</summary>
public sealed class Embedding : Module
{
    private readonly int _padding;

    /// <summary>Creates the table with zeroed parameters.</summary>
    /// <param name="count">Number of vectors.</param>
    /// <param name="width">Size of a vector.</param>
    /// <param name="padding">Id whose vector is not trained by being looked up; −1 for none.</param>
    public Embedding(int count, int width, int padding = -1) => (Weight, _padding) = (Parameter("weight", count, width), padding);

    /// <summary>[count, width].</summary>
    public Tensor Weight { get; }

    /// <summary>Looks the ids up.</summary>
    public Tensor Forward(Tensor ids) => Ops.Embedding(Weight, ids, _padding);
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
    public Tensor Weight { get; }

    /// <summary>x / √(mean x² + eps) · (weight + offset).</summary>
    public override Tensor Forward(Tensor x) => Ops.RmsNorm(x, Weight, _eps, _offset);
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
    public Tensor? Weight { get; }

    /// <summary>[width], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>(x − mean) / √(variance + eps) · weight + bias.</summary>
    public override Tensor Forward(Tensor x) => Ops.LayerNorm(x, Weight, Bias, _eps);
}

/// <summary>A normalisation of the last dimension.</summary>
public abstract class Norm : Module
{
    /// <summary>Normalises.</summary>
    public abstract Tensor Forward(Tensor x);
}
