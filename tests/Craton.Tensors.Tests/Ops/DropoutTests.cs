namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class DropoutTests
{
    private static readonly CounterRandom Key = new(7, 3, 1);

    [Fact]
    public void Keeps_the_right_share_scaled()
    {
        float[] y = Ops.Dropout(Tensor.Full(3, 100, 1000), 0.1, Key).ToArray<float>();
        Assert.All(y, value => Assert.True(value is 0 or 3 / 0.9f));
        Assert.Equal(0.1, y.Count(value => value == 0) / 1e5, 0.004);
    }

    [Fact]
    public void The_mask_is_the_same_for_every_layout_and_type_and_in_the_gradient()
    {
        // Every element of a product with the mask knows its own place.
        static Tensor Masked(Tensor x) => x * Mask(x);
        static Tensor Mask(Tensor x)
        {
            Tensor ones = Ops.Cast(Tensor.Full(1, x.Shape), x.DType);
            return Ops.Dropout(ones, 0.4, Key).Detach();
        }

        OpRun.SameAs(t => Ops.Dropout(t[0], 0.4, Key), t => Masked(t[0]), type => [OpRun.Values(1, type, 5, 37, 3)]);
        OpRun.SameAs(t => Ops.Dropout(t[0].Permute(2, 0, 1).Slice(2, 1, 30, 3), 0.4, Key), t => Masked(t[0].Permute(2, 0, 1).Slice(2, 1, 30, 3)),
            type => [OpRun.Values(1, type, 5, 37, 3)]);
        OpRun.Differentiates(t => Ops.Dropout(t[0], 0.5, Key) + t[0], type => [OpRun.Values(1, type, 4, 3)]);
    }

    [Fact]
    public void Another_step_or_place_drops_other_elements()
    {
        Tensor x = Tensor.Full(1, 1000);
        float[] y = Ops.Dropout(x, 0.5, Key).ToArray<float>();
        Assert.Equal(y, Ops.Dropout(x, 0.5, Key).ToArray<float>());
        Assert.NotEqual(y, Ops.Dropout(x, 0.5, new CounterRandom(7, 4, 1)).ToArray<float>());
        Assert.NotEqual(y, Ops.Dropout(x, 0.5, new CounterRandom(7, 3, 2)).ToArray<float>());
    }

    [Fact]
    public void The_ends_of_the_range()
    {
        Tensor x = OpRun.Values(1, DType.F32, 33);
        Assert.Same(x, Ops.Dropout(x, 0, Key));
        Tensor infinite = Tensor.Full(float.PositiveInfinity, 33);
        Assert.All(Ops.Dropout(infinite, 1, Key).ToArray<float>(), value => Assert.Equal(0, value));
        Assert.Equal("[dropout] p: expected a probability from 0 to 1, got 1.5", Assert.Throws<CratonException>(() => Ops.Dropout(x, 1.5, Key)).Message);
    }

    [Fact]
    public void Bits_depend_neither_on_threads_nor_on_registers()
    {
        Tensor[] inputs = [OpRun.Values(1, DType.F32, 300, 131)];
        OpRun.SameBitsForAnyThreads(t => Ops.Dropout(t[0], 0.1, Key), inputs);
        Assert.Equal("0aeb5332bb839983", OpRun.Hash(OpRun.Evaluate(t => Ops.Dropout(t[0], 0.1, Key), inputs)));
    }
}
