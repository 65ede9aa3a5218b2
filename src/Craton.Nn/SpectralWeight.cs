using Craton.Tensors;

namespace Craton.Nn;

/// <summary>A weight that is divided by its largest singular value whenever it is used (Miyato et al. 2018).</summary>
/// <param name="weight">[F, ..], seen as a matrix of F rows.</param>
/// <param name="u">[F], the estimate of the left singular vector, which every step of training improves.</param>
internal sealed class SpectralWeight(Tensor weight, Tensor u)
{
    /// <summary>weight / σ. While a tape records, the estimate moves by one step of power iteration; else it stays as it is.</summary>
    public Tensor Divided()
    {
        (Tensor divided, _, Tensor next, _) = Ops.SpectralNorm(weight, u);
        if (Tape.IsRecording) u.Assign(next);
        return divided;
    }
}

/// <summary>A linear layer whose weight may be divided by its largest singular value, as that of a <see cref="Conv2d"/>.</summary>
public sealed class SpectralLinear : Module
{
    private readonly SpectralWeight? _spectral;

    /// <summary>Creates the layer with zeroed parameters.</summary>
    /// <param name="inputs">Width of the input.</param>
    /// <param name="outputs">Width of the result.</param>
    /// <param name="bias">Whether it has a bias.</param>
    /// <param name="spectralNorm">Divide the weight by its largest singular value.</param>
    public SpectralLinear(int inputs, int outputs, bool bias, bool spectralNorm)
    {
        Weight = Parameter(spectralNorm ? "weight_orig" : "weight", outputs, inputs);
        if (bias) Bias = Parameter("bias", outputs);
        if (spectralNorm) _spectral = new SpectralWeight(Weight, Buffer("weight_u", 1 / MathF.Sqrt(outputs), outputs));
    }

    /// <summary>[outputs, inputs].</summary>
    public Tensor Weight { get; }

    /// <summary>[outputs], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>x · weightᵀ + bias: [.., inputs] → [.., outputs].</summary>
    public Tensor Forward(Tensor x) => Ops.Linear(x, _spectral?.Divided() ?? Weight, Bias);
}
