namespace Craton.Tensors.Tests;

public sealed class RearrangingTests
{
    private static Tensor Counting(params int[] shape) => Tensor.From(Enumerable.Range(1, shape.Aggregate(1, (a, b) => a * b)).Select(i => (float)i).ToArray(), shape);

    [Fact]
    public void Values()
    {
        Assert.Equal([1, 2, 0, 4, 5, 6], Ops.Tril(Counting(2, 3), 1).ToArray<float>());
        Assert.Equal([0, 0, 0, 4, 0, 0], Ops.Tril(Counting(2, 3), -1).ToArray<float>());
        Assert.Equal([6, 5, 4, 3, 2, 1], Ops.Flip(Counting(2, 3), 0, -1).ToArray<float>());
        Assert.Equal([3, 1, 2, 6, 4, 5], Ops.Roll(Counting(2, 3), [1], [1]).ToArray<float>());
        Assert.Equal([5, 6, 4, 2, 3, 1], Ops.Roll(Counting(2, 3), [-7, 5], [1, 0]).ToArray<float>());
        Assert.Equal([1, 2, 1, 2, 3, 4, 3, 4], Ops.RepeatInterleave(Counting(2, 2), 2, 0).ToArray<float>());
        Assert.Equal([1, 2, 1, 2, 3, 4, 3, 4], Ops.Tile(Counting(2, 2), 1, 2).ToArray<float>());
        Assert.Equal([0, 0, 1, 1, 0, 0], Ops.OneHot(Tensor.From([2, 0], 2), 3).ToArray<float>());
        Assert.Equal([0, 2], Ops.Tile(Tensor.Zeros(DType.F32, 3, 2), 0, 1).Shape.ToArray());
    }

    [Fact]
    public void What_is_cut_off_may_be_infinite() =>
        Assert.Equal([1, 0, 1, 1], Ops.Tril(Tensor.From([1f, float.PositiveInfinity, 1, 1], 2, 2)).ToArray<float>());

    // Both ways, of sizes that are no multiples of the squares that kernels copy by.
    [Theory]
    [InlineData(3, 37, 50)]
    [InlineData(1, 16, 700)]
    [InlineData(5, 2, 3)]
    public void Rows_become_columns(int matrices, int rows, int columns)
    {
        using var scope = TensorScope.Open("test");
        Tensor x = OpRun.Values(1, DType.F32, matrices, rows, columns), turned = Ops.Copy(x.Transpose()), into = Tensor.Full(1, matrices, columns, rows);
        float[] from = x.ToArray<float>(), to = turned.ToArray<float>();
        for (int i = 0; i < to.Length; i++) Assert.Equal(from[i / (rows * columns) * rows * columns + i % rows * columns + i / rows % columns], to[i]);
        Kernels.Kernel.For(x).Copy(x, into.Transpose(), add: true);
        Assert.Equal((turned + 1).ToArray<float>(), into.ToArray<float>());
    }

    [Fact]
    public void Gradients_agree_with_differences()
    {
        static Tensor[] Make(DType type) => [OpRun.Values(1, type, 2, 4, 3)];
        OpRun.Differentiates(t => Ops.Tril(t[0]), Make);
        OpRun.Differentiates(t => Ops.Flip(t[0].Transpose(), 0, 2), Make);
        OpRun.Differentiates(t => Ops.Roll(t[0].Transpose(), [1, -3], [2, 1]), Make);
        OpRun.Differentiates(t => Ops.RepeatInterleave(t[0].Transpose(), 3, 1), Make);
        OpRun.Differentiates(t => Ops.Tile(t[0].Transpose(), 2, 1, 3), Make);
    }
}
