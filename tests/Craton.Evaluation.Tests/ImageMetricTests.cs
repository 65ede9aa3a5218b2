using Craton.Evaluation.Images;
using Craton.Tensors;

namespace Craton.Evaluation.Tests;

public sealed class ImageMetricTests
{
    private static readonly double[] Square = [0, 0, 2, 0, 0, 2, 2, 2]; // four points: mean (1, 1), covariance 4/3 · I

    [Fact]
    public void FrechetDistance_OfMovedAndScaledPoints_IsTheFormula()
    {
        double[] moved = [.. Square.Select(x => 3 * x + 5)];
        // The mean moves by 7 in both directions, deviations grow from s to 3 s in both.
        Assert.Equal(2 * 49 + 2 * 4 * 4 / 3.0, FrechetDistance.Between(Square, 4, moved, 4, 2), 9);
    }

    [Fact]
    public void FrechetDistance_OfPointsOnALine_IsFinite()
    {
        double[] line = [1, 2, 2, 4, 3, 6], point = [1, 1, 1, 1];
        Assert.Equal(0, FrechetDistance.Between(line, 3, line, 3, 2), 6);
        Assert.Equal(1 + 9 + 5, FrechetDistance.Between(line, 3, point, 2, 2), 6);
    }

    [Fact]
    public void Eigenvalues_OfASumOfProjections_AreItsWeights()
    {
        // Columns of a Hadamard matrix are orthogonal: Σ w·h·hᵀ / 4 has the eigenvalues w.
        double[][] columns = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]];
        double[] weights = [-3, 0, 0.5, 7];
        var matrix = new SymmetricMatrix(4);
        for (int i = 0; i < 4; i++)
            for (int j = 0; j <= i; j++)
                for (int c = 0; c < 4; c++) matrix[i, j] += weights[c] * columns[c][i] * columns[c][j] / 4;
        double[] values = matrix.Eigenvalues();
        for (int i = 0; i < 4; i++) Assert.Equal(weights[i], values[i], 12);
    }

    [Fact]
    public void NeighbourScores_OfDistantSets_AreZero()
    {
        double[] far = [.. Square.Select(x => x + 100)];
        Assert.Equal(default, NeighbourScores.Between(Square, 4, far, 4, 2, k: 1));
        Assert.Equal(1, NeighbourScores.Between(Square, 4, Square, 4, 2, k: 1).Coverage);
    }

    [Theory]
    [InlineData(1, 2, "[frechet] featuresA: expected at least 2 vectors, got 1; measure more")]
    [InlineData(3, 2, "[frechet] featuresA: expected 3 vectors of 2 numbers, got 8 numbers")]
    [InlineData(4, 0, "[frechet] width: expected 1 or more, got 0")]
    public void Features_ThatDoNotFit_AreNamed(int count, int width, string message) =>
        Assert.Equal(message, Assert.Throws<CratonException>(() => FrechetDistance.Between(Square, count, Square, 4, width)).Message);

    [Fact]
    public void Numbers_ThatAreNotFinite_AreNamed() => Assert.Equal("[frechet] featuresB: expected finite numbers, got NaN",
        Assert.Throws<CratonException>(() => FrechetDistance.Between(Square, 4, [double.NaN, 0, 0, 0], 2, 2)).Message);
}
