namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>
    /// The matrix product of the last two dimensions, a [.., M, K] · b [.., K, N] → [.., M, N]; leading dimensions broadcast. A transposed
    /// operand is a view (<see cref="Tensor.Transpose"/>) and costs no copy. A vector stands for a row on the left and for a column on the
    /// right, and its dimension is missing in the result.
    /// </summary>
    /// <exception cref="CratonException">The shapes do not fit.</exception>
    public static Tensor MatMul(Tensor a, Tensor b)
    {
        Check.Float("matmul", "a", a);
        Check.SameType("matmul", "b", b, a);
        Check.Rank("matmul", "a", a, 1);
        Check.Rank("matmul", "b", b, 1);
        if (a.Rank == 1) return Squeeze(MatMul(Unsqueeze(a, 0), b), b.Rank == 1 ? 0 : -2);
        if (b.Rank == 1) return Squeeze(MatMul(a, Unsqueeze(b, 1)), -1);
        Check.That(a.Size(-1) == b.Size(-2), "matmul", "b", $"{a.Size(-1)} rows, as many as a {a.Layout} has columns", $"{b.Layout}");
        Span<int> shape = stackalloc int[Layout.MaxRank];
        int rank = Broadcast("matmul", Leading(a.Layout), Leading(b.Layout), shape);
        shape[rank] = a.Size(-2);
        shape[rank + 1] = b.Size(-1);
        Tensor y = Tensor.Empty(a.DType, shape[..(rank + 2)]);
        Kernel.For(y).MatMul(a, Batched(a.Layout, shape[..rank]), b, Batched(b.Layout, shape[..rank]), y, y.Layout);
        if (Tape.Records(a, b))
        {
            var op = MatMulOp.Rent();
            (op.A, op.B) = (a, b);
            Tape.Record(op, y);
        }
        return y;
    }

    // dA = dY · Bᵀ, dB = Aᵀ · dY; where an operand was broadcast its gradient is summed over the batch.
    private sealed class MatMulOp : Op<MatMulOp>
    {
        public Tensor A = null!, B = null!;

        public override string Name => "matmul";

        public override void Backward(Tensor dy)
        {
            ReadOnlySpan<int> batch = dy.Shape[..^2];
            if (A.RequiresGrad) Product(dy, dy.Layout, B, Turned(Batched(B.Layout, batch)), A, batch);
            if (B.RequiresGrad) Product(A, Turned(Batched(A.Layout, batch)), dy, dy.Layout, B, batch);
        }

        private static void Product(Tensor left, in Layout ll, Tensor right, in Layout lr, Tensor input, ReadOnlySpan<int> batch)
        {
            (Tensor dx, bool add) = Tape.GradFor(input);
            var kernels = Kernel.For(dx);
            Layout target = Batched(dx.Layout, batch);
            if (target.Count == dx.Count)
            {
                kernels.MatMul(left, ll, right, lr, dx, target, add);
                return;
            }
            Tensor each = Tensor.Empty(dx.DType, target.Shape);
            kernels.MatMul(left, ll, right, lr, each, each.Layout);
            kernels.SumTo(each, dx.Rank == each.Rank ? dx : Lifted(dx, each.Rank), add);
        }
    }

    // Leading dimensions of size 1 in front, so that the shape aligns with a larger one.
    private static Tensor Lifted(Tensor x, int rank)
    {
        Span<int> shape = stackalloc int[Layout.MaxRank];
        shape.Fill(1);
        x.Shape.CopyTo(shape[(rank - x.Rank)..]);
        return x.Detach().View(shape[..rank]);
    }

    private static Layout Leading(in Layout layout) => new(layout.Shape[..^2]);

    private static Layout Batched(in Layout layout, ReadOnlySpan<int> batch)
    {
        Span<int> shape = stackalloc int[Layout.MaxRank];
        batch.CopyTo(shape);
        shape[batch.Length] = layout[-2];
        shape[batch.Length + 1] = layout[-1];
        return layout.Expand(shape[..(batch.Length + 2)]);
    }

    // The last two dimensions exchanged.
    private static Layout Turned(in Layout layout)
    {
        Span<int> order = stackalloc int[Layout.MaxRank];
        for (int i = 0; i < layout.Rank; i++) order[i] = i;
        (order[layout.Rank - 1], order[layout.Rank - 2]) = (layout.Rank - 2, layout.Rank - 1);
        return layout.Permute(order[..layout.Rank]);
    }
}
