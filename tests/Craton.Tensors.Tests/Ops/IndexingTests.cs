namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class IndexingTests
{
    private static Tensor View(Tensor t) => t.Permute(1, 2, 0).Slice(1, 1, 9, 2); // [4, 5, 9] → [5, 4, 4]

    [Fact]
    public void Gather_reads_and_its_gradient_adds()
    {
        Tensor x = Tensor.From([1f, 2, 3, 4, 5, 6], 2, 3), index = Tensor.From([2, 2, 0, 1], 2, 2);
        double[][] results = OpRun.Evaluate(t => Ops.Gather(t[0], 1, index), x);
        Assert.Equal([3, 3, 4, 5], results[0]);
        Tensor narrow = Tensor.From([4L, 0, 3], 1, 3, 1);
        OpRun.Differentiates(t => Ops.Gather(View(t[0]), 0, narrow) * View(t[0]).Slice(0, 0, 1).Slice(1, 0, 3).Slice(2, 0, 1), type => [OpRun.Values(1, type, 4, 5, 9)]);
    }

    [Fact]
    public void Selecting_slices_is_a_product_with_one_hot_rows()
    {
        Tensor index = Tensor.From([3, 0, 3, 1, 1], 5);
        OpRun.SameAs(
            t => Ops.IndexSelect(View(t[0]), 1, index),
            t => Ops.MatMul(Ops.Cast(Ops.OneHot(index, 4), t[0].DType), View(t[0])),
            type => [OpRun.Values(1, type, 4, 5, 9)]);
        OpRun.SameAs(
            t => Ops.IndexAdd(View(t[0]), 1, index, t[1]),
            t => View(t[0]) + Ops.MatMul(Ops.Cast(Ops.OneHot(index, 4), t[0].DType).Transpose(), t[1]),
            type => [OpRun.Values(1, type, 4, 5, 9), OpRun.Values(2, type, 5, 5, 4)]);
    }

    [Fact]
    public void Scattered_sums_differentiate_in_both_arguments()
    {
        Tensor index = Tensor.From([3L, 3, 0, 1, 1, 1], 2, 3);
        OpRun.Differentiates(t => Ops.ScatterAdd(t[0], 0, index, t[1].Transpose()) * t[0], type => [OpRun.Values(1, type, 4, 5), OpRun.Values(2, type, 3, 2)]);
        Assert.Equal([0, 3, 0, 12], Ops.ScatterAdd(Tensor.Zeros(DType.F32, 4), 0, Tensor.From([3, 1, 3], 3), Tensor.From([5f, 3, 7], 3)).ToArray<float>());
    }

    [Fact]
    public void Any_element_type_can_be_selected()
    {
        Tensor index = Tensor.From([1, 1, 0], 3);
        Assert.Equal([20L, 20, 10], Ops.IndexSelect(Tensor.From([10L, 20], 2), 0, index).ToArray<long>());
        Assert.Equal([true, true, false], Ops.IndexSelect(Tensor.From([false, true], 2), 0, index).ToArray<bool>());
    }

    [Fact]
    public void Cumulative_sums_along_any_dimension()
    {
        Assert.Equal([1, 3, 6, 4, 9, 15], Ops.CumSum(Tensor.From([1f, 2, 3, 4, 5, 6], 2, 3)).ToArray<float>());
        OpRun.Differentiates(t => Ops.CumSum(View(t[0]), 1) * View(t[0]), type => [OpRun.Values(1, type, 4, 5, 9)]);
    }

    [Fact]
    public void Wrong_indices_are_named()
    {
        Tensor x = Tensor.Zeros(DType.F32, 2, 3);
        Assert.Equal("[gather] index: expected indices from 0 to 2, got 3", Assert.Throws<CratonException>(() => Ops.Gather(x, 1, Tensor.From([3], 1, 1))).Message);
        Assert.Equal("[index_select] index: expected indices from 0 to 1, got -1", Assert.Throws<CratonException>(() => Ops.IndexSelect(x, 0, Tensor.From([-1], 1))).Message);
        Assert.Equal("[gather] index: expected at most 3 in dimension 1, the size of x, got [1, 4]",
            Assert.Throws<CratonException>(() => Ops.Gather(x, 0, Tensor.Zeros(DType.I64, 1, 4))).Message);
        Assert.Equal("[index_add] source: expected shape [4, 3], got [2, 3]",
            Assert.Throws<CratonException>(() => Ops.IndexAdd(x, 0, Tensor.Zeros(DType.I64, 4), x)).Message);
    }
}
