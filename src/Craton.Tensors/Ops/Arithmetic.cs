using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>a + b, broadcast.</summary>
    public static Tensor Add(Tensor a, Tensor b) => Binary<AddForward, PassGradient, PassGradient>("add", a, b);

    /// <summary>a − b, broadcast.</summary>
    public static Tensor Sub(Tensor a, Tensor b) => Binary<SubForward, PassGradient, NegatedGradient>("sub", a, b);

    /// <summary>a · b, element by element, broadcast.</summary>
    public static Tensor Mul(Tensor a, Tensor b) => Binary<MulForward, MulGradientA, MulGradientB>("mul", a, b);

    /// <summary>a / b, broadcast.</summary>
    public static Tensor Div(Tensor a, Tensor b) => Binary<DivForward, DivGradientA, DivGradientB>("div", a, b);

    /// <summary>The greater of a and b; NaN wins; where they are equal each gets half the gradient.</summary>
    public static Tensor Maximum(Tensor a, Tensor b) => Binary<MaximumForward, GreaterGradientA, GreaterGradientB>("maximum", a, b);

    /// <summary>The smaller of a and b; NaN wins; where they are equal each gets half the gradient.</summary>
    public static Tensor Minimum(Tensor a, Tensor b) => Binary<MinimumForward, GreaterGradientB, GreaterGradientA>("minimum", a, b);

    /// <summary>a to the power b, broadcast.</summary>
    public static Tensor Pow(Tensor a, Tensor b) => Binary<PowForward, PowGradientA, PowGradientB>("pow", a, b);

    /// <summary>scale · x + shift.</summary>
    public static Tensor Affine(Tensor x, double scale, double shift = 0) =>
        Unary("affine", x, new AffineForward(scale, shift), new ScaleGradient(scale));

    /// <summary>−x.</summary>
    public static Tensor Neg(Tensor x) => Affine(x, -1);

    private readonly struct AddForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }

    private readonly struct SubForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => a - b;
    }

    private readonly struct PassGradient : IZip3, IRecordedShare
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V dy) where V : struct, IVec<V> => dy;

        public Tensor Recorded(Tensor a, Tensor b, Tensor dy) => dy;
    }

    private readonly struct NegatedGradient : IZip3, IRecordedShare
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V dy) where V : struct, IVec<V> => -dy;

        public Tensor Recorded(Tensor a, Tensor b, Tensor dy) => -dy;
    }

    private readonly struct MulForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => a * b;
    }

    private readonly struct MulGradientA : IZip3, IRecordedShare
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V dy) where V : struct, IVec<V> => dy * b;

        public Tensor Recorded(Tensor a, Tensor b, Tensor dy) => dy * b;
    }

    private readonly struct MulGradientB : IZip3, IRecordedShare
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V dy) where V : struct, IVec<V> => dy * a;

        public Tensor Recorded(Tensor a, Tensor b, Tensor dy) => dy * a;
    }

    private readonly struct DivForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => a / b;
    }

    private readonly struct DivGradientA : IZip3, IRecordedShare
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V dy) where V : struct, IVec<V> => dy / b;

        public Tensor Recorded(Tensor a, Tensor b, Tensor dy) => dy / b;
    }

    private readonly struct DivGradientB : IZip3, IRecordedShare
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V dy) where V : struct, IVec<V> => -(dy * (a / b)) / b;

        public Tensor Recorded(Tensor a, Tensor b, Tensor dy) => -(dy * (a / b)) / b;
    }

    private readonly struct MaximumForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => V.Max(a, b);
    }

    private readonly struct MinimumForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => V.Min(a, b);
    }

    // The share of the greater one of two: 1, 0, or a half where they are equal.
    private readonly struct GreaterGradientA : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V dy) where V : struct, IVec<V> => GreaterShare(a, b, dy);
    }

    private readonly struct GreaterGradientB : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V dy) where V : struct, IVec<V> => GreaterShare(b, a, dy);
    }

    private static V GreaterShare<V>(V mine, V other, V dy) where V : struct, IVec<V>
    {
        V shared = V.Select(V.Equal(mine, other), dy * V.Broadcast(0.5), V.Broadcast(0));
        return V.Select(mine > other, dy, shared);
    }

    private readonly struct PowForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => VMath.Pow(a, b);
    }

    private readonly struct PowGradientA : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V dy) where V : struct, IVec<V> =>
            V.Select(V.Equal(b, V.Broadcast(0)), V.Broadcast(0), dy * b * VMath.Pow(a, b - V.Broadcast(1)));
    }

    private readonly struct PowGradientB : IZip3
    {
        // 0 to a power of 0 or more is flat in the power.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V dy) where V : struct, IVec<V>
        {
            V flat = (V.Equal(a, V.Broadcast(0)) & (b >= V.Broadcast(0)));
            return V.Select(flat, V.Broadcast(0), dy * VMath.Pow(a, b) * VMath.Log(a));
        }
    }

    private readonly struct AffineForward(double scale, double shift) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Fma(x, V.Broadcast(scale), V.Broadcast(shift));
    }

    private readonly struct ScaleGradient(double scale) : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => dy * V.Broadcast(scale);

        public Tensor? Recorded(Tensor saved, Tensor dy) => Affine(dy, scale);
    }
}

public sealed unsafe partial class Tensor
{
    /// <summary>Sum, broadcast.</summary>
    public static Tensor operator +(Tensor a, Tensor b) => Ops.Add(a, b);

    /// <summary>Difference, broadcast.</summary>
    public static Tensor operator -(Tensor a, Tensor b) => Ops.Sub(a, b);

    /// <summary>Product of elements, broadcast.</summary>
    public static Tensor operator *(Tensor a, Tensor b) => Ops.Mul(a, b);

    /// <summary>Quotient, broadcast.</summary>
    public static Tensor operator /(Tensor a, Tensor b) => Ops.Div(a, b);

    /// <summary>x + number.</summary>
    public static Tensor operator +(Tensor x, double number) => Ops.Affine(x, 1, number);

    /// <summary>x − number.</summary>
    public static Tensor operator -(Tensor x, double number) => Ops.Affine(x, 1, -number);

    /// <summary>x · number.</summary>
    public static Tensor operator *(Tensor x, double number) => Ops.Affine(x, number);

    /// <summary>x / number.</summary>
    public static Tensor operator /(Tensor x, double number) => Ops.Affine(x, 1 / number);

    /// <summary>−x.</summary>
    public static Tensor operator -(Tensor x) => Ops.Neg(x);
}
