using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors;

/// <summary>The derivative of a one-argument function: <c>dx = Apply(saved, dy)</c>, where saved is x, or y when <see cref="FromOutput"/>.</summary>
internal interface IUnaryGradient : IZip
{
    static abstract bool FromOutput { get; }

    /// <summary>The same as an operation that is recorded, for gradients of gradients; null where the derivative has none.</summary>
    Tensor? Recorded(Tensor saved, Tensor dy) => null;
}

/// <summary>A derivative that has a derivative itself.</summary>
internal interface ICurvedGradient : IUnaryGradient
{
    /// <summary>The derivative of <c>Apply(saved, dy)</c> with respect to saved.</summary>
    V Curvature<V>(V saved, V dy) where V : struct, IVec<V>;
}

/// <summary>The share of an argument in a gradient, as recorded operations.</summary>
internal interface IRecordedShare
{
    Tensor Recorded(Tensor a, Tensor b, Tensor dy);
}

public static partial class Ops
{
    // y = f(x). One recorded operation serves every function of one argument; the formulas are structs beside the public functions.
    private static Tensor Unary<TForward, TGradient>(string name, Tensor x, TForward forward = default, TGradient gradient = default)
        where TForward : struct, IMap where TGradient : struct, IUnaryGradient
    {
        Check.Float(name, "x", x);
        Tensor y = Tensor.Lease(x.DType, x.Layout.Dense());
        Kernel.For(x).Map(forward, x, y);
        if (Tape.Records(x))
        {
            var op = UnaryOp<TGradient>.Rent();
            (op.Function, op.Gradient, op.X, op.Saved) = (name, gradient, x, TGradient.FromOutput ? y : x);
            Tape.Record(op, y);
        }
        return y;
    }

    private sealed class UnaryOp<TGradient> : Op<UnaryOp<TGradient>> where TGradient : struct, IUnaryGradient
    {
        public string Function = "";
        public TGradient Gradient;
        public Tensor X = null!, Saved = null!;

        public override string Name => Function;

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Kernel.For(dy).Zip(Gradient, Saved, Saved.Layout, dy, dy.Layout, dx, add);
        }

        public override void BackwardRecorded(Tensor dy, RecordedGradients gradients)
        {
            if (Gradient.Recorded(Saved, dy) is not { } dx) base.BackwardRecorded(dy, gradients);
            else gradients.Add(X, dx);
        }
    }

    // dx = f′(saved) · dy, recorded: it is linear in dy, and curved in what was saved.
    private static Tensor RecordedSlope<TGradient>(TGradient gradient, Tensor saved, Tensor dy) where TGradient : struct, ICurvedGradient =>
        Binary<TGradient, CurvatureGradient<TGradient>, SlopeGradient<TGradient>>("slope", saved, dy, gradient, new(gradient), new(gradient));

    private readonly struct CurvatureGradient<TGradient>(TGradient gradient) : IZip3 where TGradient : struct, ICurvedGradient
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V saved, V dy, V second) where V : struct, IVec<V> => gradient.Curvature(saved, dy) * second;
    }

    private readonly struct SlopeGradient<TGradient>(TGradient gradient) : IZip3 where TGradient : struct, ICurvedGradient
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V saved, V dy, V second) where V : struct, IVec<V> => gradient.Apply(saved, second);
    }

    // y = f(a, b) with broadcasting. The gradient structs give the share of each argument from (a, b, dy); where an argument was
    // broadcast its share is summed over the repetitions.
    private static Tensor Binary<TForward, TGradientA, TGradientB>(
        string name, Tensor a, Tensor b, TForward forward = default, TGradientA gradientA = default, TGradientB gradientB = default)
        where TForward : struct, IZip where TGradientA : struct, IZip3 where TGradientB : struct, IZip3
    {
        Check.Float(name, "a", a);
        Check.SameType(name, "b", b, a);
        Span<int> shape = stackalloc int[Layout.MaxRank];
        shape = shape[..Broadcast(name, a.Layout, b.Layout, shape)];
        Layout la = a.Layout.Expand(shape), lb = b.Layout.Expand(shape);
        // Where an argument already has the result's shape, the result is laid out like it.
        Layout dense = a.Shape.SequenceEqual(shape) ? a.Layout.Dense() : new Layout(shape);
        Tensor y = Tensor.Lease(a.DType, dense);
        Kernel.For(y).Zip(forward, a, la, b, lb, y);
        if (Tape.Records(a, b))
        {
            var op = BinaryOp<TGradientA, TGradientB>.Rent();
            (op.Function, op.GradientA, op.GradientB, op.A, op.B) = (name, gradientA, gradientB, a, b);
            Tape.Record(op, y);
        }
        return y;
    }

    private sealed class BinaryOp<TGradientA, TGradientB> : Op<BinaryOp<TGradientA, TGradientB>>
        where TGradientA : struct, IZip3 where TGradientB : struct, IZip3
    {
        public string Function = "";
        public TGradientA GradientA;
        public TGradientB GradientB;
        public Tensor A = null!, B = null!;

        public override string Name => Function;

        public override void Backward(Tensor dy)
        {
            Share(GradientA, A, dy);
            Share(GradientB, B, dy);
        }

        public override void BackwardRecorded(Tensor dy, RecordedGradients gradients)
        {
            if (GradientA is not IRecordedShare shareA || GradientB is not IRecordedShare shareB) base.BackwardRecorded(dy, gradients);
            else
            {
                if (gradients.Wants(A)) gradients.AddBroadcast(A, shareA.Recorded(A, B, dy));
                if (gradients.Wants(B)) gradients.AddBroadcast(B, shareB.Recorded(A, B, dy));
            }
        }

        private void Share<TGradient>(TGradient gradient, Tensor input, Tensor dy) where TGradient : struct, IZip3
        {
            if (!input.RequiresGrad) return;
            if (typeof(TGradient) == typeof(PassGradient) && input.Layout.SameShape(dy.Layout))
            {
                Tape.PassGradient(input, dy);
                return;
            }
            Layout la = A.Layout.Expand(dy.Shape), lb = B.Layout.Expand(dy.Shape);
            var kernels = Kernel.For(dy);
            (Tensor dx, bool add) = Tape.GradFor(input);
            if (input.Layout.SameShape(dy.Layout)) kernels.Zip3(gradient, A, la, B, lb, dy, dy.Layout, dx, add);
            else
            {
                Tensor share = Tensor.Lease(dy.DType, dy.Layout.Dense());
                kernels.Zip3(gradient, A, la, B, lb, dy, dy.Layout, share);
                kernels.SumTo(share, dx, add);
            }
        }
    }

    // The common shape of two operands, NumPy's rule: aligned at the right, sizes equal or one of them 1.
    internal static int Broadcast(string op, in Layout a, in Layout b, Span<int> shape)
    {
        int rank = Math.Max(a.Rank, b.Rank);
        for (int i = 1; i <= rank; i++)
        {
            int sa = i <= a.Rank ? a[-i] : 1, sb = i <= b.Rank ? b[-i] : 1;
            Check.That(sa == sb || sa == 1 || sb == 1, op, "b", $"a shape that broadcasts with {a}", $"{b}");
            shape[rank - i] = sa == 1 ? sb : sa;
        }
        return rank;
    }
}
