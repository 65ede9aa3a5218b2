namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class RotaryTests
{
    private static readonly RotaryTable Table = new(10000, 6);

    [Theory]
    [InlineData(RotaryLayout.Half, 6)]
    [InlineData(RotaryLayout.Half, 9)]
    [InlineData(RotaryLayout.Interleaved, 6)]
    [InlineData(RotaryLayout.Interleaved, 9)]
    public void Equals_its_composition(RotaryLayout layout, int features)
    {
        Tensor positions = Tensor.From([3L, 4, 5, 0, 700, 1], 2, 3);
        // Once as the model stores heads, once with other strides in every dimension.
        OpRun.SameAs(
            t => Ops.Rotary(t[0].Permute(0, 2, 1, 3), Table, positions, layout: layout),
            t => Ops.RotaryComposed(t[0].Permute(0, 2, 1, 3), Table, positions, layout),
            type => [OpRun.Values(1, type, 2, 3, 4, features)]);
        OpRun.SameAs(
            t => Ops.Rotary(t[0].Permute(3, 2, 1, 0).Slice(1, 1, 4, 2), Table, positions, layout: layout) + t[0].Permute(3, 2, 1, 0).Slice(1, 1, 4, 2),
            t => Ops.RotaryComposed(t[0].Permute(3, 2, 1, 0).Slice(1, 1, 4, 2), Table, positions, layout) + t[0].Permute(3, 2, 1, 0).Slice(1, 1, 4, 2),
            type => [OpRun.Values(1, type, features, 3, 4, 2)]);
    }

    [Fact]
    public void Positions_count_from_the_offset()
    {
        Tensor positions = Tensor.From([5, 6, 7], 3);
        OpRun.SameAs(
            t => Ops.Rotary(t[0], Table, offset: 5),
            t => Ops.Rotary(t[0], Table, positions),
            type => [OpRun.Values(1, type, 4, 3, 6)]);
    }

    [Fact]
    public void Gradients_agree_with_differences() =>
        OpRun.Differentiates(t => Ops.Rotary(t[0], Table, offset: 11, layout: RotaryLayout.Interleaved), type => [OpRun.Values(1, type, 2, 3, 7)]);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(511)]
    [InlineData(131_071)]
    [InlineData(3_000_000)]
    public void Angles_are_exact_to_a_float_at_any_position(int position)
    {
        var table = new RotaryTable(10000, 64);
        (Tensor cos, Tensor sin) = new RotaryTable(Scaled(table, position)).UpTo(2);
        double[] frequencies = RotaryTable.Frequencies(10000, 64);
        for (int i = 0; i < frequencies.Length; i++)
        {
            double angle = position * Math.Pow(10000, -2.0 * i / 64);
            Assert.Equal(Math.Cos(angle), cos.AsSpan<float>()[32 + i], 1e-7);
            Assert.Equal(Math.Sin(angle), sin.AsSpan<float>()[32 + i], 1e-7);
        }
    }

    // A table whose row 1 holds the angles of a far position, without all rows before it.
    private static double[] Scaled(RotaryTable table, int position) =>
        [.. RotaryTable.Frequencies(10000, table.RotaryDim).Select(f => f * position)];

    [Fact]
    public void A_table_that_grows_keeps_its_values()
    {
        var table = new RotaryTable(10000, 8);
        float[] before = table.UpTo(10).Cos.Slice(0, 0, 10).ToArray<float>();
        Assert.True(table.UpTo(5000).Cos.Size(0) >= 5000);
        Assert.Equal(before, table.UpTo(10).Cos.Slice(0, 0, 10).ToArray<float>());
    }

    [Fact]
    public void Bits_depend_neither_on_threads_nor_on_registers()
    {
        var table = new RotaryTable(500000, 62);
        Tensor[] inputs = [OpRun.Values(1, DType.F32, 2, 150, 3, 67)];
        OpRun.SameBitsForAnyThreads(t => Ops.Rotary(t[0].Permute(0, 2, 1, 3), table), inputs);
        Assert.Equal("4d5a468bc443752d", OpRun.Hash(OpRun.Evaluate(t => Ops.Rotary(t[0].Permute(0, 2, 1, 3), table), inputs)));
    }

    [Fact]
    public void Negative_and_absurd_positions_are_refused()
    {
        Tensor x = Tensor.Zeros(DType.F32, 1, 2, 6);
        Assert.Equal("[rotary] positions: expected 0 or more, got -1",
            Assert.Throws<CratonException>(() => Ops.Rotary(x, Table, Tensor.From([0, -1], 2))).Message);
        Assert.Equal("[rotary] positions: expected positions below 16777216, got 4000000000",
            Assert.Throws<CratonException>(() => Ops.Rotary(x, Table, Tensor.From([0L, 4_000_000_000], 2))).Message);
        Assert.Equal("[rotary] x: expected at least 6 features, as many as rotate, got [1, 2, 4]",
            Assert.Throws<CratonException>(() => Ops.Rotary(Tensor.Zeros(DType.F32, 1, 2, 4), Table)).Message);
    }
}
