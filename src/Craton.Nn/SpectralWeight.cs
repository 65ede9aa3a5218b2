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
