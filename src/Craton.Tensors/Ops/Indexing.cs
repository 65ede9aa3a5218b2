namespace Craton.Tensors;

// Reading and adding by index. An index of a whole slice is an index of elements that repeats, so two kernels serve all four.
public static partial class Ops
{
    /// <summary>y[.., i, ..] = x[.., index[.., i, ..], ..]: elements chosen along a dimension.</summary>
    /// <param name="x">The tensor.</param>
    /// <param name="dim">The dimension that the index counts along.</param>
    /// <param name="index">I32 or I64, of x's rank; in the other dimensions not larger than x. The result has its shape.</param>
    public static Tensor Gather(Tensor x, int dim, Tensor index)
    {
        dim = Check.Dim("gather", x, dim);
        CheckElementIndex("gather", x, dim, index);
        return GatherAlong("gather", x, dim, CheckIndex("gather", index, x.Size(dim)), index.Shape);
    }

    /// <summary>The slices of x along a dimension whose numbers index [N] gives, in its order.</summary>
    public static Tensor IndexSelect(Tensor x, int dim, Tensor index)
    {
        dim = Check.Dim("index_select", x, dim);
        Check.Rank("index_select", "index", index, 1, 1);
        index = CheckIndex("index_select", index, x.Size(dim));
        Span<int> shape = stackalloc int[Layout.MaxRank];
        x.Shape.CopyTo(shape);
        shape[dim] = index.Size(0);
        shape = shape[..x.Rank];
        return GatherAlong("index_select", x, dim, Along(index, dim, shape), shape);
    }

    /// <summary>x with source[.., i, ..] added to the element [.., index[.., i, ..], ..]; equal places add up in row-major order.</summary>
    /// <param name="x">The tensor that is added to; itself unchanged.</param>
    /// <param name="dim">The dimension that the index counts along.</param>
    /// <param name="index">I32 or I64, of x's rank; in the other dimensions not larger than x.</param>
    /// <param name="source">What is added, shaped like the index.</param>
    public static Tensor ScatterAdd(Tensor x, int dim, Tensor index, Tensor source)
    {
        dim = Check.Dim("scatter_add", x, dim);
        CheckElementIndex("scatter_add", x, dim, index);
        Check.SameShape("scatter_add", "source", source, index.Layout);
        return ScatterAddAlong("scatter_add", x, dim, CheckIndex("scatter_add", index, x.Size(dim)), source);
    }

    /// <summary>x with slice i of source added to its slice index[i] along a dimension; index [N], source like x but N slices.</summary>
    public static Tensor IndexAdd(Tensor x, int dim, Tensor index, Tensor source)
    {
        dim = Check.Dim("index_add", x, dim);
        Check.Rank("index_add", "index", index, 1, 1);
        Span<int> shape = stackalloc int[Layout.MaxRank];
        x.Shape.CopyTo(shape);
        shape[dim] = index.Size(0);
        Check.Shape("index_add", "source", source, shape[..x.Rank]);
        return ScatterAddAlong("index_add", x, dim, Along(CheckIndex("index_add", index, x.Size(dim)), dim, source.Shape), source);
    }

    private static Tensor GatherAlong(string name, Tensor x, int dim, Tensor index, ReadOnlySpan<int> shape)
    {
        Tensor y = Tensor.Empty(x.DType, shape);
        Kernel.For(x).Gather(x, dim, index, y);
        if (Tape.Records(x))
        {
            var op = GatherOp.Rent();
            (op.Function, op.X, op.Index, op.Dim) = (name, x, index, dim);
            Tape.Record(op, y);
        }
        return y;
    }

    private sealed class GatherOp : Op<GatherOp>
    {
        public string Function = "";
        public Tensor X = null!, Index = null!;
        public int Dim;

        public override string Name => Function;

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            var kernels = Kernel.For(dy);
            if (!add) kernels.Fill(dx, 0);
            kernels.ScatterAdd(dy, Dim, Index, dx);
        }
    }

    private static Tensor ScatterAddAlong(string name, Tensor x, int dim, Tensor index, Tensor source)
    {
        Check.Float(name, "x", x);
        Check.SameType(name, "source", source, x);
        Tensor y = Tensor.Empty(x.DType, x.Shape);
        Kernel.For(x).Copy(x, y);
        Kernel.For(x).ScatterAdd(source, dim, index, y);
        if (Tape.Records(x, source))
        {
            var op = ScatterAddOp.Rent();
            (op.Function, op.X, op.Index, op.Source, op.Dim) = (name, x, index, source, dim);
            Tape.Record(op, y);
        }
        return y;
    }

    private sealed class ScatterAddOp : Op<ScatterAddOp>
    {
        public string Function = "";
        public Tensor X = null!, Index = null!, Source = null!;
        public int Dim;

        public override string Name => Function;

        public override void Backward(Tensor dy)
        {
            if (X.RequiresGrad) Tape.GradFor(X).Take(dy);
            if (!Source.RequiresGrad) return;
            Tensor part = Tensor.Empty(dy.DType, Source.Shape);
            Kernel.For(dy).Gather(dy, Dim, Index, part);
            Tape.GradFor(Source).Take(part);
        }
    }

    private static void CheckElementIndex(string op, Tensor x, int dim, Tensor index)
    {
        Check.That(x.Rank > 0, op, "x", "at least one dimension", "a scalar");
        Check.Rank(op, "index", index, x.Rank, x.Rank);
        for (int i = 0; i < x.Rank; i++)
            Check.That(i == dim || index.Size(i) <= x.Size(i), op, "index", $"at most {x.Size(i)} in dimension {i}, the size of x", $"{index.Layout}");
    }

    // The index as I64, every entry within the dimension.
    private static Tensor CheckIndex(string op, Tensor index, int size)
    {
        Check.Indices(op, "index", index);
        index = Contiguous(Cast(index, DType.I64));
        (long least, long greatest) = new Indices(index).Range(index.Count);
        Check.That(least >= 0 && greatest < size, op, "index", $"indices from 0 to {size - 1}", $"{(least < 0 ? least : greatest)}");
        return index;
    }

    // A one-dimensional index as a view of a whole shape: the same for every other place.
    private static Tensor Along(Tensor index, int dim, ReadOnlySpan<int> shape)
    {
        Span<long> strides = stackalloc long[Layout.MaxRank];
        strides.Clear();
        strides[dim] = index.Layout.Stride(0);
        return index.CreateView(new Layout(shape, strides[..shape.Length], index.Layout.Offset), differentiable: false);
    }
}
