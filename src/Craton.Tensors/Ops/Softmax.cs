namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>
    /// y = eˣ / Σ eˣ along a dimension, safe from overflow. A row of −∞ alone gives NaN; see <see cref="MaskedSoftmax"/>.
    /// </summary>
    public static Tensor Softmax(Tensor x, int dim = -1) => Softmax("softmax", x, dim, null);

    /// <summary>
    /// Softmax over the places where the mask holds; 0 elsewhere. A row without any such place is all zeros, with zero gradient.
    /// </summary>
    /// <param name="x">The tensor.</param>
    /// <param name="mask">Bool, broadcast to x: true for what takes part.</param>
    /// <param name="dim">The dimension that sums to 1.</param>
    public static Tensor MaskedSoftmax(Tensor x, Tensor mask, int dim = -1)
    {
        if (mask.DType != DType.Bool) Check.Fail("masked_softmax", "mask", "Bool", $"{mask.DType}");
        Span<int> shape = stackalloc int[Layout.MaxRank];
        shape = shape[..Broadcast("masked_softmax", x.Layout, mask.Layout, shape)];
        if (!shape.SequenceEqual(x.Shape)) Check.Fail("masked_softmax", "mask", $"a shape that broadcasts to {x.Layout}", $"{mask.Layout}");
        return Softmax("masked_softmax", x, dim, mask);
    }

    private static Tensor Softmax(string name, Tensor x, int dim, Tensor? mask)
    {
        Check.Float(name, "x", x);
        dim = Check.Dim(name, x, dim);
        Tensor y = Tensor.Lease(x.DType, x.Layout.Dense());
        Kernel.For(x).Softmax(x, mask, dim, y);
        if (Tape.Records(x))
        {
            var op = SoftmaxOp.Rent();
            (op.X, op.Y, op.Dim) = (x, y, dim);
            Tape.Record(op, y);
        }
        return y;
    }

    /// <summary>The same from simple operations: the meaning of <see cref="Softmax(Tensor, int)"/> and its test oracle.</summary>
    internal static Tensor SoftmaxComposed(Tensor x, int dim)
    {
        Tensor e = Exp(x - Max(x.Detach(), [dim], keepDim: true));
        return e / Sum(e, [dim], keepDim: true);
    }

    // dx = y · (dy − Σ dy · y). Where the mask did not hold, y is 0 and so is dx.
    private sealed class SoftmaxOp : Op<SoftmaxOp>
    {
        public Tensor X = null!, Y = null!;
        public int Dim;

        public override string Name => "softmax";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Kernel.For(dy).SoftmaxGradient(Y, dy, Dim, dx, add);
        }
    }

    /// <summary>y = x − ln Σ eˣ along a dimension, safe from overflow.</summary>
    public static Tensor LogSoftmax(Tensor x, int dim = -1)
    {
        Check.Float("log_softmax", "x", x);
        dim = Check.Dim("log_softmax", x, dim);
        Tensor y = Tensor.Lease(x.DType, x.Layout.Dense());
        Kernel.For(x).LogSoftmax(x, dim, y);
        if (Tape.Records(x))
        {
            var op = LogSoftmaxOp.Rent();
            (op.X, op.Y, op.Dim) = (x, y, dim);
            Tape.Record(op, y);
        }
        return y;
    }

    /// <summary>The same from simple operations: the meaning of <see cref="LogSoftmax"/> and its test oracle.</summary>
    internal static Tensor LogSoftmaxComposed(Tensor x, int dim) => x - LogSumExp(x, [dim], keepDim: true);

    // dx = dy − eʸ · Σ dy.
    private sealed class LogSoftmaxOp : Op<LogSoftmaxOp>
    {
        public Tensor X = null!, Y = null!;
        public int Dim;

        public override string Name => "log_softmax";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Kernel.For(dy).LogSoftmaxGradient(Y, dy, Dim, dx, add);
        }
    }
}
