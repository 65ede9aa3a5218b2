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
    /// <summary>Creates the table with zeroed parameters.</summary>
    public Embedding(int count, int width) => Weight = Parameter("weight", count, width);

    /// <summary>[count, width].</summary>
    public Tensor Weight { get; }

    /// <summary>Looks the ids up.</summary>
    public Tensor Forward(Tensor ids) => Ops.Embedding(Weight, ids);
}

/// <summary>Root-mean-square normalisation of the last dimension (Zhang, Sennrich 2019).</summary>
public sealed class RmsNorm : Module
{
    private readonly double _eps;

    /// <summary>Creates the layer with weights of 1.</summary>
    public RmsNorm(int width, double eps)
    {
        _eps = eps;
        Weight = Parameter("weight", width);
        Weight.AsSpan<float>().Fill(1);
    }

    /// <summary>[width].</summary>
    public Tensor Weight { get; }

    /// <summary>x / √(mean x² + eps) · weight.</summary>
    public Tensor Forward(Tensor x) => Ops.RmsNorm(x, Weight, _eps);
}

/// <summary>Layer normalisation of the last dimension (Ba et al. 2016).</summary>
public sealed class LayerNorm : Module
{
    private readonly double _eps;

    /// <summary>Creates the layer with weights of 1 and biases of 0.</summary>
    public LayerNorm(int width, double eps = 1e-5)
    {
        _eps = eps;
        Weight = Parameter("weight", width);
        Weight.AsSpan<float>().Fill(1);
        Bias = Parameter("bias", width);
    }

    /// <summary>[width].</summary>
    public Tensor Weight { get; }

    /// <summary>[width].</summary>
    public Tensor Bias { get; }

    /// <summary>(x − mean) / √(variance + eps) · weight + bias.</summary>
    public Tensor Forward(Tensor x) => Ops.LayerNorm(x, Weight, Bias, _eps);
}
