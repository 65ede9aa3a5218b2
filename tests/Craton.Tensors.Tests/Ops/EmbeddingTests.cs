namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class EmbeddingTests
{
    private static readonly Tensor Ids = Tensor.From([2, 0, 2, 4, 2, 1], 2, 3);

    // One-hot rows times the table.
    private static Tensor Composed(Tensor weight, int padding)
    {
        Tensor hot = Tensor.Zeros(weight.DType, 6, weight.Size(0)), cold = Tensor.Zeros(weight.DType, 6, weight.Size(0));
        for (int i = 0; i < 6; i++)
        {
            int at = i * weight.Size(0) + Ids.AsSpan<int>()[i];
            Tensor target = Ids.AsSpan<int>()[i] == padding ? cold : hot;
            if (weight.DType == DType.F64) target.AsSpan<double>()[at] = 1;
            else target.AsSpan<float>()[at] = 1;
        }
        return (Ops.MatMul(hot, weight) + Ops.MatMul(cold, weight.Detach())).View(2, 3, weight.Size(1));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(2)]
    public void Equals_a_product_with_one_hot_rows(int padding)
    {
        OpRun.SameAs(t => Ops.Embedding(t[0], Ids, padding), t => Composed(t[0], padding), type => [OpRun.Values(1, type, 5, 7)]);
        OpRun.SameAs(t => Ops.Embedding(t[0].Slice(1, 2, 6), Ids, padding), t => Composed(t[0].Slice(1, 2, 6), padding), type => [OpRun.Values(1, type, 5, 7)]);
        OpRun.SameAs(t => Ops.Embedding(t[0].Transpose(), Ids, padding), t => Composed(t[0].Transpose(), padding), type => [OpRun.Values(1, type, 7, 5)]);
    }

    [Fact]
    public void A_tied_table_gathers_both_gradients() =>
        OpRun.SameAs(
            t => Ops.MatMul(Ops.Embedding(t[0], Ids), t[0].Transpose()),
            t => Ops.MatMul(Composed(t[0], -1), t[0].Transpose()),
            type => [OpRun.Values(1, type, 5, 7)]);

    [Fact]
    public void Bits_do_not_depend_on_threads()
    {
        var random = new Random(1);
        Tensor ids = Tensor.From(Enumerable.Range(0, 1000).Select(_ => (long)random.Next(50)).ToArray(), 1000);
        OpRun.SameBitsForAnyThreads(t => Ops.Embedding(t[0], ids), OpRun.Values(1, DType.F32, 50, 201));
    }

    [Fact]
    public void A_foreign_id_is_named()
    {
        Tensor weight = Tensor.Zeros(DType.F32, 5, 2);
        Assert.Equal("[embedding] ids: expected ids from 0 to 4 for a table of 5 rows, got 5; use the tokenizer that belongs to the model",
            Assert.Throws<CratonException>(() => Ops.Embedding(weight, Tensor.From([1, 5], 2))).Message);
        Assert.Contains("got -3", Assert.Throws<CratonException>(() => Ops.Embedding(weight, Tensor.From([1L, -3], 2))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_ids_give_no_rows() => Assert.Equal([0, 2], Ops.Embedding(Tensor.Zeros(DType.F32, 5, 2), Tensor.Empty(DType.I32, 0)).Shape.ToArray());
}
