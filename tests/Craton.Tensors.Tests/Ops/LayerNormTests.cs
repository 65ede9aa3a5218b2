namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class LayerNormTests
{
    [Theory]
    [InlineData(3, 7)]
    [InlineData(5, 64)]
    [InlineData(300, 33)]
    public void Equals_its_composition(int rows, int features) =>
        OpRun.SameAs(
            t => Ops.LayerNorm(t[0], t[1], t[2], 1e-3),
            t => Ops.LayerNormComposed(t[0], t[1], t[2], 1e-3),
            type => [OpRun.Values(1, type, rows, features), OpRun.Values(2, type, features), OpRun.Values(3, type, features)]);

    [Fact]
    public void Weight_and_bias_may_be_left_out()
    {
        OpRun.SameAs(t => Ops.LayerNorm(t[0]), t => Ops.LayerNormComposed(t[0], null, null, 1e-5), type => [OpRun.Values(1, type, 4, 19)]);
        OpRun.SameAs(t => Ops.LayerNorm(t[0], t[1]), t => Ops.LayerNormComposed(t[0], t[1], null, 1e-5),
            type => [OpRun.Values(1, type, 4, 19), OpRun.Values(2, type, 19)]);
        OpRun.SameAs(t => Ops.LayerNorm(t[0].Detach(), bias: t[1]) * t[0], t => Ops.LayerNormComposed(t[0].Detach(), null, t[1], 1e-5) * t[0],
            type => [OpRun.Values(1, type, 4, 19), OpRun.Values(2, type, 19)]);
    }

    [Fact]
    public void Takes_any_strides_and_adds_to_gradients() =>
        OpRun.SameAs(
            t => Ops.LayerNorm(t[0].Permute(2, 0, 1).Slice(2, 1, 6, 2), t[1], t[1]) * Ops.LayerNorm(t[0].Permute(2, 0, 1).Slice(2, 0, 3), t[1]),
            t => Ops.LayerNormComposed(t[0].Permute(2, 0, 1).Slice(2, 1, 6, 2), t[1], t[1], 1e-5)
                * Ops.LayerNormComposed(t[0].Permute(2, 0, 1).Slice(2, 0, 3), t[1], null, 1e-5),
            type => [OpRun.Values(1, type, 4, 7, 5), OpRun.Values(2, type, 3)]);

    [Fact]
    public void Several_dimensions_count_as_one_row()
    {
        OpRun.SameAs(
            t => Ops.LayerNorm(t[0], t[1], t[2], normalizedDims: 2),
            t => Ops.LayerNorm(t[0].View(4, 15), t[1].View(15), t[2].View(15)).View(4, 3, 5),
            type => [OpRun.Values(1, type, 4, 3, 5), OpRun.Values(2, type, 3, 5), OpRun.Values(3, type, 3, 5)]);
    }

    [Fact]
    public void Gradients_agree_with_differences()
    {
        OpRun.Differentiates(t => Ops.LayerNorm(t[0], t[1], t[2], 1e-2), type => [OpRun.Values(1, type, 3, 5), OpRun.Values(2, type, 5), OpRun.Values(3, type, 5)]);
        OpRun.Differentiates(t => Ops.L2Normalize(t[0], 0), type => [OpRun.Values(1, type, 3, 5)]);
    }

    [Fact]
    public void Bits_depend_neither_on_threads_nor_on_registers()
    {
        Tensor[] inputs = [OpRun.Values(1, DType.F32, 500, 67), OpRun.Values(2, DType.F32, 67), OpRun.Values(3, DType.F32, 67)];
        OpRun.SameBitsForAnyThreads(t => Ops.LayerNorm(t[0], t[1], t[2]), inputs);
        Assert.Equal("f958a62191d0d62a", OpRun.Hash(OpRun.Evaluate(t => Ops.LayerNorm(t[0], t[1], t[2]), inputs)));
    }

    [Fact]
    public void A_wrong_bias_is_named() =>
        Assert.Equal("[layer_norm] bias: expected shape [3, 4], got [4]",
            Assert.Throws<CratonException>(() => Ops.LayerNorm(Tensor.Zeros(DType.F32, 2, 3, 4), null, Tensor.Zeros(DType.F32, 4), normalizedDims: 2)).Message);
}
