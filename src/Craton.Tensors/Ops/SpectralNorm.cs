namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>
    /// A weight divided by its largest singular value σ, found by power iteration from an estimate of the left singular vector: weight
    /// [F, ..] seen as a matrix of F rows, u [F]. The vectors are constants to the gradient. T. Miyato et al., "Spectral Normalization for
    /// Generative Adversarial Networks", 2018.
    /// </summary>
    /// <param name="weight">The weight.</param>
    /// <param name="u">The estimate, of length 1.</param>
    /// <param name="iterations">Steps of the iteration, 1 or more.</param>
    /// <param name="eps">The least length that vectors are divided by.</param>
    /// <returns>weight / σ, σ, and the vectors, of which u is the next estimate.</returns>
    public static (Tensor Weight, Tensor Sigma, Tensor U, Tensor V) SpectralNorm(Tensor weight, Tensor u, int iterations = 1, double eps = 1e-12)
    {
        Check.Rank("spectral_norm", "weight", weight, 2);
        Check.Shape("spectral_norm", "u", u, weight.Size(0));
        Check.That(iterations > 0, "spectral_norm", "iterations", "1 or more", $"{iterations}");
        Tensor matrix = Reshape(weight, weight.Size(0), -1), constant = matrix.Detach(), v = u;
        u = u.Detach();
        for (int i = 0; i < iterations; i++)
        {
            v = L2Normalize(MatMul(Transpose(constant), u), eps: eps);
            u = L2Normalize(MatMul(constant, v), eps: eps);
        }
        Tensor sigma = Sum(u * MatMul(matrix, v));
        return (weight / sigma, sigma, u, v);
    }
}
