using Craton.Tensors;

namespace Craton.Models.Diffusion.Discrete;

/// <summary>
/// The forward process of masked diffusion with a number of masked tokens in the place of a time. Of a row of L tokens l are masked, each l from 1 to
/// L as likely as any other, and a masked one weighs L / l. On average that is the bound over all times from 0 to 1, in which a row at
/// time t has each token masked with probability t and weighs 1 / t; but it varies less, and no weight is above L. S. Nie et al., "Large Language
/// Diffusion Models", 2025.
/// </summary>
public static class MaskedCounts
{
    /// <summary>Draws which tokens are masked. The numbers of the rows lie evenly between 1 and L, so that the rows of a batch stand for all times.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="length">L, tokens of each.</param>
    /// <param name="random">Decides.</param>
    /// <returns>Which tokens are masked, row by row, and for each row their share l / L, by which <see cref="MaskedLoss.PerToken"/> divides.</returns>
    public static (bool[] Masked, double[] Shares) Draw(int rows, int length, CounterRandom random)
    {
        bool[] masked = new bool[rows * length];
        double[] shares = new double[rows];
        for (int row = 0; row < rows; row++)
        {
            int count = 1 + (int)((random.Uniform(0) + (double)row / rows) % 1 * length);
            shares[row] = (double)count / length;
            foreach (int token in Enumerable.Range(row * length, length).OrderBy(i => random.Bits(1 + i)).Take(count)) masked[token] = true;
        }
        return (masked, shares);
    }
}
