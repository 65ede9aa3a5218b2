using Craton.Tensors.Kernels;

namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>Rows of a table: weight [V, D], ids of any shape → ids.Shape + [D].</summary>
    /// <param name="weight">The table.</param>
    /// <param name="ids">I32 or I64 row numbers.</param>
    /// <param name="paddingIdx">A row that is looked up like any other but gets no gradient; −1 for none.</param>
    /// <exception cref="CratonException">An id is negative or V or more.</exception>
    public static Tensor Embedding(Tensor weight, Tensor ids, int paddingIdx = -1)
    {
        Check.Float("embedding", "weight", weight);
        Check.Rank("embedding", "weight", weight, 2, 2);
        Check.Indices("embedding", "ids", ids);
        Check.Rank("embedding", "ids", ids, 0, Layout.MaxRank - 1);
        ids = Contiguous(ids);
        (long least, long greatest) = new Indices(ids).Range(ids.Count);
        if (least < 0 || greatest >= weight.Size(0))
            Check.Fail("embedding", "ids", $"ids from 0 to {weight.Size(0) - 1} for a table of {weight.Size(0)} rows",
                $"{(least < 0 ? least : greatest)}", "use the tokenizer that belongs to the model");
        if (weight.IsForComputing) return Rows(weight, ids);
        if (weight.Layout.Stride(1) != 1 || weight.Layout.Stride(0) < weight.Size(1)) weight = Contiguous(weight);
        Span<int> shape = stackalloc int[Layout.MaxRank];
        ids.Shape.CopyTo(shape);
        shape[ids.Rank] = weight.Size(1);
        Tensor y = Tensor.Empty(weight.DType, shape[..(ids.Rank + 1)]);
        Kernel.For(y).Embedding(weight, ids, y);
        if (Tape.Records(weight))
        {
            var op = EmbeddingOp.Rent();
            (op.Weight, op.Ids, op.PaddingIdx) = (weight, ids, paddingIdx);
            Tape.Record(op, y);
        }
        return y;
    }

    // A weight that is kept in another form than plain floats: few rows are looked up, when text is generated.
    private static Tensor Rows(Tensor table, Tensor ids)
    {
        Span<int> shape = stackalloc int[Layout.MaxRank];
        ids.Shape.CopyTo(shape);
        int width = shape[ids.Rank] = table.Size(1);
        Tensor y = Tensor.Empty(DType.F32, shape[..(ids.Rank + 1)]);
        Span<float> values = y.AsSpan<float>();
        var rows = new Indices(ids);
        for (int i = 0; i < ids.Count; i++)
        {
            Span<float> row = values.Slice(i * width, width);
            if (table.Quantized is { } blocks) blocks.ReadRow((int)rows[i], row);
            else table.Packed!.ReadColumn((int)rows[i], row);
        }
        return y;
    }

    // dweight[id] = Σ dy over the places with that id, in their order.
    private sealed class EmbeddingOp : Op<EmbeddingOp>
    {
        public Tensor Weight = null!, Ids = null!;
        public int PaddingIdx;

        public override string Name => "embedding";

        public override void Backward(Tensor dy)
        {
            (Tensor dw, bool add) = Tape.GradFor(Weight);
            var kernels = Kernel.For(dy);
            if (!add) kernels.Fill(dw, 0);
            kernels.EmbeddingGradient(dy, Ids, PaddingIdx, dw);
        }
    }
}
