using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>Σ over the given dimensions, or over all when none are given.</summary>
    /// <param name="x">The tensor.</param>
    /// <param name="dims">Dimensions to reduce; empty means all.</param>
    /// <param name="keepDim">Keep the reduced dimensions with size 1.</param>
    public static Tensor Sum(Tensor x, ReadOnlySpan<int> dims = default, bool keepDim = false)
    {
        Check.Float("sum", "x", x);
        Tensor y = Tensor.Empty(x.DType, Kept("sum", x, dims, stackalloc int[Layout.MaxRank], keepDim: true));
        Kernel.For(x).SumTo(x, y);
        if (Tape.Records(x))
        {
            var op = SumOp.Rent();
            op.X = x;
            Tape.Record(op, y);
        }
        return keepDim ? y : Reshape(y, Kept("sum", x, dims, stackalloc int[Layout.MaxRank], keepDim: false));
    }

    private sealed class SumOp : Op<SumOp>
    {
        public Tensor X = null!;

        public override string Name => "sum";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Kernel.For(dy).Copy(dy, dy.Layout.Expand(dx.Shape), dx, dx.Layout, add);
        }

        public override void BackwardRecorded(Tensor dy, RecordedGradients gradients) => gradients.Add(X, Expand(dy, X.Shape));
    }

    /// <summary>The mean over the given dimensions, or over all when none are given.</summary>
    public static Tensor Mean(Tensor x, ReadOnlySpan<int> dims = default, bool keepDim = false)
    {
        Tensor sum = Sum(x, dims, keepDim);
        return Affine(sum, 1.0 / (x.Count / Math.Max(1, sum.Count)));
    }

    /// <summary>Σ (x − mean)² / (n − correction) over the given dimensions.</summary>
    /// <param name="x">The tensor.</param>
    /// <param name="dims">Dimensions to reduce; empty means all.</param>
    /// <param name="keepDim">Keep the reduced dimensions with size 1.</param>
    /// <param name="correction">1: the unbiased estimate from a sample; 0: the variance of the values themselves.</param>
    public static Tensor Variance(Tensor x, ReadOnlySpan<int> dims = default, bool keepDim = false, int correction = 1)
    {
        Tensor squares = Sum(Square(x - Mean(x, dims, keepDim: true)), dims, keepDim);
        return Affine(squares, 1.0 / (x.Count / Math.Max(1, squares.Count) - correction));
    }

    /// <summary>The p-norm over the given dimensions, p above 0: 2 √Σx² (its gradient at 0 is 0), 1 Σ|x|, ∞ max |x|, else (Σ|x|ᵖ)^(1/p).</summary>
    public static Tensor Norm(Tensor x, ReadOnlySpan<int> dims = default, bool keepDim = false, double p = 2) => p switch
    {
        2 => Unary<RootForward, RootGradient>("norm", Sum(Square(x), dims, keepDim)),
        1 => Sum(Abs(x), dims, keepDim),
        double.PositiveInfinity => Max(Abs(x), dims, keepDim),
        > 0 => Pow(Sum(Pow(Abs(x), p), dims, keepDim), 1 / p),
        _ => throw new CratonException($"[norm] p: expected a number above 0, got {p}"),
    };

    private readonly struct RootForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Sqrt(x);
    }

    private readonly struct RootGradient : ICurvedGradient
    {
        public static bool FromOutput => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V y, V dy) where V : struct, IVec<V> => V.Select(V.Equal(y, V.Broadcast(0)), V.Broadcast(0), dy / (y + y));

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V y, V dy) where V : struct, IVec<V> => V.Select(V.Equal(y, V.Broadcast(0)), V.Broadcast(0), dy / (y * y * V.Broadcast(-2)));
    }

    /// <summary>The greatest value over the given dimensions; equal ones share the gradient evenly.</summary>
    public static Tensor Max(Tensor x, ReadOnlySpan<int> dims = default, bool keepDim = false)
    {
        Check.Float("max", "x", x);
        Tensor y = Tensor.Empty(x.DType, Kept("max", x, dims, stackalloc int[Layout.MaxRank], keepDim: true));
        Check.That(x.Count > 0 || y.Count == 0, "max", "x", "at least one element along the dimensions", $"{x.Layout}");
        Kernel.For(x).MaxTo(x, y);
        if (Tape.Records(x))
        {
            var op = MaxOp.Rent();
            (op.X, op.Y) = (x, y);
            Tape.Record(op, y);
        }
        return keepDim ? y : Reshape(y, Kept("max", x, dims, stackalloc int[Layout.MaxRank], keepDim: false));
    }

    private sealed class MaxOp : Op<MaxOp>
    {
        public Tensor X = null!, Y = null!;

        public override string Name => "max";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Tensor isMax = Equal(X, Y), count = Tensor.Empty(dy.DType, dy.Shape), share = Tensor.Empty(dy.DType, dy.Shape);
            var kernels = Kernel.For(dy);
            kernels.SumTo(isMax, count);
            kernels.Zip(default(DivForward), dy, dy.Layout, count, count.Layout, share);
            kernels.Zip(default(MulForward), isMax, isMax.Layout, share, share.Layout.Expand(dx.Shape), dx, add);
        }
    }

    /// <summary>The index (I64) of the greatest value along a dimension: the first of equal ones; NaN counts as greatest.</summary>
    public static Tensor ArgMax(Tensor x, int dim = -1, bool keepDim = false)
    {
        Check.Float("argmax", "x", x);
        dim = Check.Dim("argmax", x, dim);
        Check.That(x.Rank > 0 && x.Size(dim) > 0, "argmax", "x", "at least one element along the dimension", $"{x.Layout}");
        Tensor y = Tensor.Empty(DType.I64, Kept("argmax", x, [dim], stackalloc int[Layout.MaxRank], keepDim: true));
        Kernel.For(x).ArgMax(x, dim, y);
        return keepDim ? y : Reshape(y, Kept("argmax", x, [dim], stackalloc int[Layout.MaxRank], keepDim: false));
    }

    /// <summary>ln Σ eˣ over the given dimensions, safe from overflow.</summary>
    public static Tensor LogSumExp(Tensor x, ReadOnlySpan<int> dims = default, bool keepDim = false)
    {
        // The shift is a constant to the gradient; an infinite maximum must not turn into ∞ − ∞.
        Tensor max = Max(x.Detach(), dims, keepDim: true);
        Tensor finite = Less(Abs(max), Affine(Equal(max, max), 0, double.PositiveInfinity));
        Tensor shift = Where(finite, max, Tensor.Zeros(x.DType, []));
        Tensor sum = Log(Sum(Exp(x - shift), dims, keepDim: true)) + shift;
        return keepDim ? sum : Reshape(sum, Kept("logsumexp", x, dims, stackalloc int[Layout.MaxRank], keepDim: false));
    }

    // The shape after reducing dims.
    private static ReadOnlySpan<int> Kept(string op, Tensor x, ReadOnlySpan<int> dims, Span<int> shape, bool keepDim)
    {
        uint reduced = dims.IsEmpty ? uint.MaxValue : 0;
        foreach (int dim in dims) reduced |= 1u << Check.Dim(op, x, dim);
        int rank = 0;
        for (int i = 0; i < x.Rank; i++)
            if ((reduced >> i & 1) == 0) shape[rank++] = x.Size(i);
            else if (keepDim) shape[rank++] = 1;
        return shape[..rank];
    }
}
