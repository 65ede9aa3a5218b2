namespace Craton.Tensors;

// Order along a dimension. The kernels find indices; values and gradients follow by Gather.
public static partial class Ops
{
    /// <summary>The smallest value over the given dimensions; equal ones share the gradient evenly; NaN wins.</summary>
    public static Tensor Min(Tensor x, ReadOnlySpan<int> dims = default, bool keepDim = false) => Neg(Max(Neg(x), dims, keepDim));

    /// <summary>The index (I64) of the smallest value along a dimension: the first of equal ones; NaN counts as smallest.</summary>
    public static Tensor ArgMin(Tensor x, int dim = -1, bool keepDim = false) => ArgMax(Neg(x.Detach()), dim, keepDim);

    /// <summary>The greatest value along a dimension and its index (I64): the first of equal ones, which gets the whole gradient; NaN wins.</summary>
    public static (Tensor Values, Tensor Indices) MaxWithIndex(Tensor x, int dim = -1, bool keepDim = false) =>
        Chosen(x, Check.Dim("max", x, dim), ArgMax(x, dim, keepDim: true), keepDim);

    /// <summary>The smallest value along a dimension and its index (I64): the first of equal ones, which gets the whole gradient; NaN wins.</summary>
    public static (Tensor Values, Tensor Indices) MinWithIndex(Tensor x, int dim = -1, bool keepDim = false) =>
        Chosen(x, Check.Dim("min", x, dim), ArgMin(x, dim, keepDim: true), keepDim);

    private static (Tensor Values, Tensor Indices) Chosen(Tensor x, int dim, Tensor index, bool keepDim)
    {
        Tensor values = Gather(x, dim, index);
        return keepDim ? (values, index) : (Squeeze(values, dim), Squeeze(index, dim));
    }

    /// <summary>
    /// The elements in order along a dimension and where they were (I64). Equal elements keep their order; NaN counts as the greatest.
    /// </summary>
    public static (Tensor Values, Tensor Indices) Sort(Tensor x, int dim = -1, bool descending = false)
    {
        Tensor index = SortIndices("sort", x, dim, descending);
        return (Gather(x, dim, index), index);
    }

    /// <summary>
    /// The k greatest (or smallest) elements along a dimension, in order, and where they were (I64): the first of equal ones; NaN counts as
    /// the greatest.
    /// </summary>
    public static (Tensor Values, Tensor Indices) TopK(Tensor x, int k, int dim = -1, bool largest = true)
    {
        Tensor order = SortIndices("topk", x, dim, descending: largest);
        Check.That(k >= 0 && k <= x.Size(dim), "topk", "k", $"0 to {x.Size(dim)}, the size of the dimension", $"{k}");
        Tensor index = Contiguous(Slice(order, dim, 0, k));
        return (Gather(x, dim, index), index);
    }

    private static Tensor SortIndices(string name, Tensor x, int dim, bool descending)
    {
        Check.Float(name, "x", x);
        Check.That(x.Rank > 0, name, "x", "at least one dimension", "a scalar");
        Tensor index = Tensor.Empty(DType.I64, x.Shape);
        Kernel.For(x).SortIndices(x, Check.Dim(name, x, dim), descending, index);
        return index;
    }

    /// <summary>y[i] = Σ x[j] over j ≤ i along a dimension.</summary>
    public static Tensor CumSum(Tensor x, int dim = -1)
    {
        Check.Float("cumsum", "x", x);
        dim = Check.Dim("cumsum", x, dim);
        Tensor y = Tensor.Empty(x.DType, x.Shape);
        Kernel.For(x).CumSum(x, dim, y);
        if (Tape.Records(x))
        {
            var op = CumSumOp.Rent();
            (op.X, op.Dim) = (x, dim);
            Tape.Record(op, y);
        }
        return y;
    }

    // dx[j] = Σ dy[i] over i ≥ j.
    private sealed class CumSumOp : Op<CumSumOp>
    {
        public Tensor X = null!;
        public int Dim;

        public override string Name => "cumsum";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Kernel.For(dy).CumSum(dy, Dim, dx, fromEnd: true, add);
        }
    }
}
