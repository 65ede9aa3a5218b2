namespace Craton.Tensors;

/// <summary>What the two sides of a generative adversarial network minimise; scores are those of the discriminator, without a sigmoid.</summary>
public enum GanForm
{
    /// <summary>Logistic, the generator by −log of what the discriminator believes. I. Goodfellow et al., 2014.</summary>
    NonSaturating,
    /// <summary>Logistic, the generator by the negative of the discriminator's loss.</summary>
    Saturating,
    /// <summary>Scores beyond ±1 do not count to the discriminator. J. H. Lim, J. C. Ye, 2017.</summary>
    Hinge,
    /// <summary>Differences of the mean scores. M. Arjovsky et al., 2017.</summary>
    Wgan,
    /// <summary>Half the squared distance from 1 and 0. X. Mao et al., 2017.</summary>
    LeastSquares,
}

/// <summary>What the quantisation of vectors gives.</summary>
/// <param name="Quantized">The nearest vectors of the codebook; their gradient goes to x unchanged.</param>
/// <param name="Index">Their numbers, I64.</param>
/// <param name="Commitment">Mean squared distance, whose gradient goes to x alone.</param>
/// <param name="CodebookLoss">The same, whose gradient goes to the codebook alone.</param>
/// <param name="Perplexity">How many vectors are in use, in effect.</param>
public readonly record struct QuantizedVectors(Tensor Quantized, Tensor Index, Tensor Commitment, Tensor CodebookLoss, Tensor Perplexity);

// Losses of generative models, all made of other operations.
public static partial class Ops
{
    /// <summary>What the discriminator minimises, from its scores of real and generated samples.</summary>
    public static Tensor DiscriminatorLoss(GanForm form, Tensor real, Tensor fake) => form switch
    {
        GanForm.Hinge => Mean(Relu(-real + 1)) + Mean(Relu(fake + 1)),
        GanForm.Wgan => Mean(fake) - Mean(real),
        GanForm.LeastSquares => (Mean(Square(real - 1)) + Mean(Square(fake))) * 0.5,
        _ => Mean(Softplus(-real)) + Mean(Softplus(fake)),
    };

    /// <summary>What the generator minimises, from the discriminator's scores of its samples.</summary>
    public static Tensor GeneratorLoss(GanForm form, Tensor fake) => form switch
    {
        GanForm.Hinge or GanForm.Wgan => -Mean(fake),
        GanForm.LeastSquares => Mean(Square(fake - 1)) * 0.5,
        GanForm.Saturating => -Mean(Softplus(fake)),
        _ => Mean(Softplus(-fake)),
    };

    /// <summary>
    /// The Kullback-Leibler divergence of diagonal normal distributions, for each element: of (mean, log variance) from the second pair, or
    /// from mean 0 and variance 1. D. P. Kingma, M. Welling, "Auto-Encoding Variational Bayes", 2014.
    /// </summary>
    public static Tensor GaussianKl(Tensor mean, Tensor logVariance, Tensor? otherMean = null, Tensor? otherLogVariance = null)
    {
        Tensor difference = otherMean is null ? mean : mean - otherMean, ratio = otherLogVariance is null ? logVariance : logVariance - otherLogVariance;
        Tensor squares = Square(difference);
        if (otherLogVariance is not null) squares *= Exp(-otherLogVariance);
        return (Exp(ratio) + squares - ratio - 1) * 0.5;
    }

    /// <summary>A sample of a diagonal normal distribution through which the gradient flows: mean + exp(½ log variance) · noise.</summary>
    public static Tensor SampleGaussian(Tensor mean, Tensor logVariance, Tensor noise) => mean + Exp(logVariance * 0.5) * noise;

    /// <summary>−log of the density of a normal distribution, for each element.</summary>
    public static Tensor GaussianNegativeLogLikelihood(Tensor mean, Tensor x, double deviation)
    {
        Check.That(deviation > 0, "gaussian_nll", "deviation", "a number above 0", $"{deviation}");
        return Affine(Square(x - mean), 1 / (2 * deviation * deviation), 0.5 * DeterministicMath.Log(2 * Math.PI) + DeterministicMath.Log(deviation));
    }

    /// <summary>
    /// Each row of x [N, D] replaced by the nearest of the codebook [K, D], the first of equally near ones. A. van den Oord et al., "Neural
    /// Discrete Representation Learning", 2017.
    /// </summary>
    public static QuantizedVectors VectorQuantize(Tensor x, Tensor codebook)
    {
        Tensor index = NearestVectors(x, codebook), nearest = Embedding(codebook, index);
        Tensor share = Mean(Cast(OneHot(index, codebook.Size(0)), x.DType), [0]);
        Tensor perplexity = Exp(-Sum(share * Log(share + 1e-10)));
        return new(x + (nearest - x).Detach(), index, MseLoss(x, nearest.Detach()), MseLoss(nearest, x.Detach()), perplexity);
    }

    /// <summary>The numbers (I64) of the vectors of the codebook [K, D] that are nearest to the rows of x [N, D].</summary>
    public static Tensor NearestVectors(Tensor x, Tensor codebook)
    {
        Check.Rank("nearest_vectors", "x", x, 2, 2);
        Check.Rank("nearest_vectors", "codebook", codebook, 2, 2);
        (x, codebook) = (x.Detach(), codebook.Detach());
        return ArgMin(Sum(Square(codebook), [1]) - MatMul(x, Transpose(codebook)) * 2, 1); // |x|² is the same for all
    }

    /// <summary>
    /// A codebook moved, in place, towards the rows of x that are nearest to its vectors: running counts and sums of them, of which the
    /// vectors are the means. Counts are smoothed so that none is 0. No gradient.
    /// </summary>
    /// <param name="x">[N, D].</param>
    /// <param name="codebook">[K, D].</param>
    /// <param name="counts">Running counts [K].</param>
    /// <param name="sums">Running sums [K, D].</param>
    /// <param name="decay">Share of counts and sums that stays.</param>
    /// <param name="eps">Added to every count.</param>
    /// <returns>The numbers of the vectors nearest to the rows, before they move.</returns>
    public static Tensor MoveCodebook(Tensor x, Tensor codebook, Tensor counts, Tensor sums, double decay = 0.99, double eps = 1e-5)
    {
        (x, counts, sums) = (x.Detach(), counts.Detach(), sums.Detach());
        Tensor index = NearestVectors(x, codebook), members = Cast(OneHot(index, codebook.Size(0)), x.DType);
        counts.Assign(counts * decay + Sum(members, [0]) * (1 - decay));
        sums.Assign(sums * decay + MatMul(Transpose(members), x) * (1 - decay));
        Tensor total = Sum(counts), smooth = (counts + eps) / (total + codebook.Size(0) * eps) * total;
        codebook.Detach().Assign(sums / Unsqueeze(smooth, 1));
        return index;
    }
}
