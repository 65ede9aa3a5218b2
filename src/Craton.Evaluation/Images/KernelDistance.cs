using Craton.Tensors;

namespace Craton.Evaluation.Images;

/// <summary>
/// The squared maximum mean discrepancy of two sets of features under the kernel (x·y / width + 1)³, without the bias that the Fréchet distance
/// has for small sets. M. Bińkowski et al., "Demystifying MMD GANs", 2018.
/// </summary>
public static class KernelDistance
{
    /// <summary>The distance; it may fall a little below 0 where the sets are alike.</summary>
    /// <param name="featuresA">[countA, width].</param>
    /// <param name="countA">Number of vectors, 2 or more.</param>
    /// <param name="featuresB">[countB, width].</param>
    /// <param name="countB">Number of vectors, 2 or more.</param>
    /// <param name="width">Size of a vector.</param>
    /// <exception cref="CratonException">There are fewer vectors, or the sizes do not fit, or a number is not finite.</exception>
    public static double Between(ReadOnlySpan<double> featuresA, int countA, ReadOnlySpan<double> featuresB, int countB, int width)
    {
        var a = new VectorSet("kernel_distance", nameof(featuresA), featuresA, countA, width, least: 2);
        var b = new VectorSet("kernel_distance", nameof(featuresB), featuresB, countB, width, least: 2);
        double across = 0;
        for (int i = 0; i < countA; i++)
            for (int j = 0; j < countB; j++) across += Kernel(a[i], b[j]);
        return Within(a) + Within(b) - 2 * across / ((double)countA * countB);
    }

    // The mean over all pairs of different vectors.
    private static double Within(VectorSet set)
    {
        double sum = 0;
        for (int i = 0; i < set.Count; i++)
            for (int j = 0; j < i; j++) sum += Kernel(set[i], set[j]);
        return 2 * sum / ((double)set.Count * (set.Count - 1));
    }

    private static double Kernel(ReadOnlySpan<double> x, ReadOnlySpan<double> y) => VectorSet.Dot(x, y) / x.Length + 1 is var k ? k * k * k : 0;
}
