using Craton.Tensors;

namespace Craton.Evaluation.Images;

/// <summary>
/// How far two sets of pictures are apart: |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2·(Σ₁Σ₂)^½) of the normal distributions that have the means and covariances of
/// their features. M. Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", 2017. It is
/// comparable only between features of the same network and sets of about the same size.
/// </summary>
public static class FrechetDistance
{
    /// <summary>The distance between two sets of feature vectors; 0 or more.</summary>
    /// <param name="featuresA">[countA, width].</param>
    /// <param name="countA">Number of vectors, 2 or more.</param>
    /// <param name="featuresB">[countB, width].</param>
    /// <param name="countB">Number of vectors, 2 or more.</param>
    /// <param name="width">Size of a vector; time grows with its third power.</param>
    /// <exception cref="CratonException">There are fewer vectors, or the sizes do not fit, or a number is not finite.</exception>
    public static double Between(ReadOnlySpan<double> featuresA, int countA, ReadOnlySpan<double> featuresB, int countB, int width)
    {
        var a = new VectorSet("frechet", nameof(featuresA), featuresA, countA, width, least: 2);
        var b = new VectorSet("frechet", nameof(featuresB), featuresB, countB, width, least: 2);
        double[] meanA = a.Mean(), meanB = b.Mean();
        SymmetricMatrix spreadA = SymmetricMatrix.Covariance(a, meanA), spreadB = SymmetricMatrix.Covariance(b, meanB);
        // With Σ₁ = F·Fᵀ, the eigenvalues of Σ₁Σ₂ other than 0 are those of the symmetric Fᵀ·Σ₂·F.
        double root = spreadB.Between(spreadA.Factors()).Eigenvalues().Sum(value => Math.Sqrt(Math.Max(value, 0)));
        return Math.Max(0, VectorSet.SquaredDistance(meanA, meanB) + spreadA.Trace() + spreadB.Trace() - 2 * root);
    }
}
