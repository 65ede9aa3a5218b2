namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class RmsNormTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 7)]
    [InlineData(5, 64)]
    [InlineData(300, 33)]
    public void Equals_its_composition(int rows, int features) =>
        OpRun.SameAs(
            t => Ops.RmsNorm(t[0], t[1], 1e-5, 1),
            t => Ops.RmsNormComposed(t[0], t[1], 1e-5, 1),
            type => [OpRun.Values(1, type, rows, features), OpRun.Values(2, type, features)]);

    [Fact]
    public void Needs_no_weight() =>
        OpRun.SameAs(t => Ops.RmsNorm(t[0]), t => Ops.RmsNormComposed(t[0], null, 1e-6, 0), type => [OpRun.Values(1, type, 4, 19)]);

    [Fact]
    public void Takes_any_strides() =>
        OpRun.SameAs(
            t => Ops.RmsNorm(t[0].Permute(2, 0, 1).Slice(2, 1, 6, 2), t[1]) * Ops.RmsNorm(t[0].Permute(0, 2, 1).Permute(1, 0, 2).Slice(2, 0, 3), t[1]),
            t => Ops.RmsNormComposed(t[0].Permute(2, 0, 1).Slice(2, 1, 6, 2), t[1], 1e-6, 0)
                * Ops.RmsNormComposed(t[0].Permute(2, 0, 1).Slice(2, 0, 3), t[1], 1e-6, 0),
            type => [OpRun.Values(1, type, 4, 7, 5), OpRun.Values(2, type, 3)]);

    [Fact]
    public void Gradients_agree_with_differences() =>
        OpRun.Differentiates(t => Ops.RmsNorm(t[0], t[1], 1e-3), type => [OpRun.Values(1, type, 3, 5), OpRun.Values(2, type, 5)]);

    [Fact]
    public void Bits_depend_neither_on_threads_nor_on_registers()
    {
        Tensor[] inputs = [OpRun.Values(1, DType.F32, 500, 67), OpRun.Values(2, DType.F32, 67)];
        OpRun.SameBitsForAnyThreads(t => Ops.RmsNorm(t[0], t[1]), inputs);
        Assert.Equal("39880a32a27f577a", OpRun.Hash(OpRun.Evaluate(t => Ops.RmsNorm(t[0], t[1]), inputs)));
    }

    [Fact]
    public void A_wrong_weight_is_named()
    {
        var e = Assert.Throws<CratonException>(() => Ops.RmsNorm(Tensor.Zeros(DType.F32, 2, 4), Tensor.Zeros(DType.F32, 3)));
        Assert.Equal("[rms_norm] weight: expected shape [4], got [3]", e.Message);
    }
}
