namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class SortingTests
{
    private const float Inf = float.PositiveInfinity, NaN = float.NaN;

    [Fact]
    public void Equal_elements_keep_their_order_and_nan_is_greatest()
    {
        Tensor x = Tensor.From([2f, NaN, -0f, 2, 0, -Inf, Inf, 2], 8);
        (Tensor up, Tensor upAt) = Ops.Sort(x);
        Assert.Equal([-Inf, 0, 0, 2, 2, 2, Inf, NaN], up.ToArray<float>());
        Assert.Equal([5L, 2, 4, 0, 3, 7, 6, 1], upAt.ToArray<long>());
        Assert.Equal([1L, 6, 0, 3, 7, 2, 4, 5], Ops.Sort(x, descending: true).Indices.ToArray<long>());
    }

    [Fact]
    public void Sorts_like_the_framework_along_any_dimension_of_any_view()
    {
        Tensor x = OpRun.Values(1, DType.F32, 6, 50).Transpose();
        (Tensor values, Tensor index) = Ops.Sort(x, 0);
        for (int column = 0; column < 6; column++)
        {
            float[] expected = [.. x.Slice(1, column, column + 1).ToArray<float>().Order()];
            Assert.Equal(expected, values.Slice(1, column, column + 1).ToArray<float>());
        }
        Assert.Equal(values.ToArray<float>(), Ops.Gather(x, 0, index).ToArray<float>());
        OpRun.Differentiates(t => Ops.Sort(t[0].Transpose(), 0, descending: true).Values, type => [OpRun.Values(1, type, 3, 5)]);
    }

    [Fact]
    public void TopK_is_the_head_of_the_order()
    {
        Tensor x = OpRun.Values(2, DType.F32, 3, 20);
        (Tensor values, Tensor index) = Ops.TopK(x, 4);
        Assert.Equal(Ops.Sort(x, descending: true).Values.Slice(1, 0, 4).ToArray<float>(), values.ToArray<float>());
        Assert.Equal([3, 4], index.Shape.ToArray());
        OpRun.Differentiates(t => Ops.TopK(t[0], 2, 0, largest: false).Values, type => [OpRun.Values(1, type, 5, 3)]);
        Assert.Equal("[topk] k: expected 0 to 20, the size of the dimension, got 21", Assert.Throws<CratonException>(() => Ops.TopK(x, 21)).Message);
    }

    [Fact]
    public void The_first_of_equal_extremes_gets_the_whole_gradient()
    {
        Tensor x = Tensor.From([1f, 3, 3, -5, -5, 0], 2, 3);
        (Tensor max, Tensor maxAt) = Ops.MaxWithIndex(x, 1);
        Assert.Equal([3, 0], max.ToArray<float>());
        Assert.Equal([1L, 2], maxAt.ToArray<long>());
        (Tensor min, Tensor minAt) = Ops.MinWithIndex(x, 1, keepDim: true);
        Assert.Equal([1, -5], min.ToArray<float>());
        Assert.Equal([0L, 0], minAt.ToArray<long>());
        Assert.Equal([2, 1], min.Shape.ToArray());
        double[][] results = OpRun.Evaluate(t => Ops.MaxWithIndex(t[0], 1).Values, x);
        double[] dy = OpRun.Numbers(OpRun.Values(99, DType.F32, 2));
        Assert.Equal([0, dy[0], 0, 0, 0, dy[1]], results[1]);
    }

    [Fact]
    public void Nan_wins_on_both_sides()
    {
        Tensor x = Tensor.From([1f, NaN, 2, NaN], 4);
        Assert.Equal((NaN, 1L), (Ops.MaxWithIndex(x, 0).Values.ToArray<float>()[0], Ops.MaxWithIndex(x, 0).Indices.ToArray<long>()[0]));
        Assert.Equal((NaN, 1L), (Ops.MinWithIndex(x, 0).Values.ToArray<float>()[0], Ops.ArgMin(x, 0).ToArray<long>()[0]));
        Assert.Equal(-4, Ops.Min(Tensor.From([3f, -4, 7], 3)).Item());
    }

    // Wider than what is summed at once, with rows in several blocks: small whole numbers, so every sum is exact.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(40)]
    public void Sums_down_very_wide_rows(int rows)
    {
        const int columns = (1 << 18) + 16384 + 3;
        var values = new float[rows * columns];
        for (int i = 0; i < values.Length; i++) values[i] = (i / columns + i % columns) % 7;
        float[] sums = Ops.Sum(Tensor.From(values, rows, columns), [0]).ToArray<float>();
        for (int column = 0; column < columns; column++)
            Assert.Equal(Enumerable.Range(0, rows).Sum(row => (row + column) % 7), sums[column]);
    }

    [Fact]
    public void Norms()
    {
        Tensor x = Tensor.From([3f, -4], 2);
        Assert.Equal(5, Ops.Norm(x).Item());
        Assert.Equal(7, Ops.Norm(x, p: 1).Item());
        Assert.Equal(4, Ops.Norm(x, p: double.PositiveInfinity).Item());
        Assert.Equal(Math.Cbrt(91), Ops.Norm(x, p: 3).Item(), 5);
        Assert.Throws<CratonException>(() => Ops.Norm(x, p: 0));
        Assert.Throws<CratonException>(() => Ops.Norm(x, p: double.NaN));
    }
}
