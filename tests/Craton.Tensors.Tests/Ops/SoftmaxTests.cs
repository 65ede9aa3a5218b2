namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class SoftmaxTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(-1)]
    public void Equal_their_compositions_along_any_dimension(int dim)
    {
        OpRun.SameAs(t => Ops.Softmax(t[0], dim), t => Ops.SoftmaxComposed(t[0], dim), type => [OpRun.Values(1, type, 5, 17, 3)]);
        OpRun.SameAs(t => Ops.LogSoftmax(t[0], dim), t => Ops.LogSoftmaxComposed(t[0], dim), type => [OpRun.Values(1, type, 5, 17, 3)]);
    }

    [Fact]
    public void Take_any_strides()
    {
        Tensor View(Tensor t) => t.Permute(1, 2, 0).Slice(1, 1, 9, 3);
        OpRun.SameAs(t => Ops.Softmax(View(t[0])) * Ops.Softmax(View(t[0]), 1),
            t => Ops.SoftmaxComposed(View(t[0]), -1) * Ops.SoftmaxComposed(View(t[0]), 1), type => [OpRun.Values(1, type, 5, 4, 9)]);
        OpRun.SameAs(t => Ops.LogSoftmax(View(t[0])) * Ops.LogSoftmax(View(t[0]), 1),
            t => Ops.LogSoftmaxComposed(View(t[0]), -1) * Ops.LogSoftmaxComposed(View(t[0]), 1), type => [OpRun.Values(1, type, 5, 4, 9)]);
    }

    [Fact]
    public void Gradients_agree_with_differences()
    {
        OpRun.Differentiates(t => Ops.Softmax(t[0], 0), type => [OpRun.Values(1, type, 4, 3)]);
        OpRun.Differentiates(t => Ops.LogSoftmax(t[0]), type => [OpRun.Values(1, type, 3, 4)]);
        Tensor mask = Tensor.From([true, false, true, true, false, false, false, false], 2, 4);
        OpRun.Differentiates(t => Ops.MaskedSoftmax(t[0], mask), type => [OpRun.Values(1, type, 3, 2, 4)]);
    }

    [Fact]
    public void A_mask_is_minus_infinity_and_a_wholly_masked_row_is_zero()
    {
        Tensor mask = Tensor.From([true, false, false, true, true, false], 1, 3, 2);
        Tensor x = OpRun.Values(1, DType.F32, 4, 3, 2);
        float[] got = Ops.MaskedSoftmax(x, mask, 1).ToArray<float>();
        float[] expected = Ops.Softmax(Ops.MaskedFill(x, Not(mask), float.NegativeInfinity), 1).ToArray<float>();
        Assert.Equal(expected, got);
        Tensor none = Tensor.From([false, false], 2);
        double[][] results = OpRun.Evaluate(t => Ops.MaskedSoftmax(t[0], none), x);
        Assert.All(results.SelectMany(r => r), value => Assert.Equal(0, value));
    }

    private static Tensor Not(Tensor mask) => Tensor.From(mask.ToArray<bool>().Select(v => !v).ToArray(), mask.Shape);

    [Fact]
    public void Infinities_behave()
    {
        float inf = float.PositiveInfinity;
        Assert.All(Ops.Softmax(Tensor.From([-inf, -inf], 2)).ToArray<float>(), v => Assert.True(float.IsNaN(v)));
        Assert.Equal([0, 1], Ops.Softmax(Tensor.From([-inf, 3f], 2)).ToArray<float>());
        Assert.Equal([-inf, 0], Ops.LogSoftmax(Tensor.From([-inf, 3f], 2)).ToArray<float>());
        Assert.Equal([0, 1], Ops.Softmax(Tensor.From([-3e38f, 3e38f], 2)).ToArray<float>());
        Assert.Equal(1, Ops.Softmax(Tensor.Scalar(7)).Item());
        Assert.Equal(0, Ops.Softmax(Tensor.Empty(DType.F32, 3, 0)).Count);
    }

    [Fact]
    public void Bits_depend_neither_on_threads_nor_on_registers()
    {
        Tensor[] inputs = [OpRun.Values(1, DType.F32, 300, 131)];
        static Tensor Both(Tensor[] t) => Ops.Softmax(t[0]) + Ops.LogSoftmax(t[0], 0);
        OpRun.SameBitsForAnyThreads(Both, inputs);
        Assert.Equal("4d96ed5a596686f9", OpRun.Hash(OpRun.Evaluate(Both, inputs)));
    }

    [Fact]
    public void A_wrong_mask_is_named() =>
        Assert.Equal("[masked_softmax] mask: expected a shape that broadcasts to [1, 4], got [2, 4]",
            Assert.Throws<CratonException>(() => Ops.MaskedSoftmax(Tensor.Zeros(DType.F32, 1, 4), Tensor.Zeros(DType.Bool, 2, 4))).Message);

    // Few elements that lie apart are taken many rows at a time.
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(17)]
    public void Bits_do_not_depend_on_how_rows_lie(int elements)
    {
        (float[] apart, float[] gradientApart) = Run(OpRun.Values(1, DType.F32, 2, elements, 37), 1);
        (float[] together, float[] gradientTogether) = Run(Ops.Copy(OpRun.Values(1, DType.F32, 2, elements, 37).Transpose()), 2);
        Assert.Equal(Turned(apart), together);
        Assert.Equal(Turned(gradientApart), gradientTogether);

        static (float[] Y, float[] Dx) Run(Tensor x, int dim)
        {
            x.RequiresGrad = true;
            using var scope = TensorScope.Open("test");
            using Tape tape = Tape.Start();
            Tensor y = Ops.Softmax(x, dim), weighted = Ops.Square(y);
            float[] values = y.ToArray<float>();
            tape.Backward([weighted], [Tensor.Full(1, weighted.Shape)]);
            return (values, x.Grad!.ToArray<float>());
        }

        float[] Turned(float[] values) => Ops.Copy(Tensor.From(values, 2, elements, 37).Transpose()).ToArray<float>();
    }
}
