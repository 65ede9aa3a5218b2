using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>
/// Elementary functions, each written once for every register width. On floats they are branch-free and built only from exactly
/// rounded operations, so their bits depend neither on the register, nor on the machine, nor on a platform's mathematics library;
/// the relative error against the true value is below 2e-7 (<see cref="Pow"/>: 2 units in the last place), special values included.
/// On <see cref="Scalar64"/> they are the platform's double functions: reference values for gradient checks.
/// </summary>
/// <remarks>
/// Method: argument reduction by Cody and Waite ("Software Manual for the Elementary Functions", 1980) with fused multiply-adds, and
/// minimax polynomials by Remez exchange for the error measure of each function, their coefficients rounded to float.
/// </remarks>
internal static partial class VMath
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private const double Log2E = 1.4426950408889634;
    private const float Ln2High = 0.693147182f, Ln2Low = -1.90465421e-09f;

    /// <summary>Added to a small number, leaves its nearest whole number (ties to even) in the low bits: 1.5 · 2^23.</summary>
    private const float RoundingShift = 12582912f;

    /// <summary>2^−100.</summary>
    private const double LeastFelt = 7.8886090522101181e-31;

    /// <summary>The least x whose e^x is a normal number.</summary>
    private const float LeastExponent = -87.3365f;

    /// <summary>Below this magnitude f(x) = x to the last bit for the functions that are odd-like at zero: 2^−60.</summary>
    private const double Negligible = 8.6736173798840355e-19;

    // Processors take a hundred times as long to calculate with subnormal numbers, so a matrix with a few of them, or whose products are, is
    // multiplied ten times slower. Where functions fade out, they end in 0 before.

    /// <summary>x, but 0 in the place of a subnormal number.</summary>
    [MethodImpl(Inline)]
    public static V Normal<V>(V x) where V : struct, IVec<V> => V.Select(V.Abs(x) < V.Broadcast(SmallestNormal), V.Broadcast(0), x);

    /// <summary>x, but 0 where |x| is less than 2^−100: beside such a gradient no other one feels it, and its products would be subnormal.</summary>
    [MethodImpl(Inline)]
    public static V Felt<V>(V x) where V : struct, IVec<V> => V.Select(V.Abs(x) < V.Broadcast(LeastFelt), V.Broadcast(0), x);

    /// <summary>e^x: +0 below −87.3365, where it would be subnormal (<see cref="Normal"/>), ∞ above 88.73.</summary>
    [MethodImpl(Inline)]
    public static V Exp<V>(V x) where V : struct, IVec<V> => ExpAbove(x, LeastExponent);

    /// <summary>e^x as a share of 1: 0 below −64, where beside 1 it is not felt.</summary>
    [MethodImpl(Inline)]
    public static V Share<V>(V x) where V : struct, IVec<V> => ExpAbove(x, -64);

    [MethodImpl(Inline)]
    private static V ExpAbove<V>(V x, double least) where V : struct, IVec<V>
    {
        if (typeof(V) == typeof(Scalar64))
            return Reference<V>(Math.Exp(Number(x)));

        V bounded = V.Clamp(x, V.Broadcast(-88), V.Broadcast(89));
        V shifted = V.Fma(bounded, V.Broadcast(Log2E), V.Broadcast(RoundingShift));
        V n = shifted - V.Broadcast(RoundingShift);
        V power = V.ScaleByPowerOf2(V.Broadcast(1) + Expm1Reduced(Reduce(bounded, n)), n);
        return V.Select(x < V.Broadcast(least), V.Broadcast(0), power);
    }

    /// <summary>e^x − 1 without cancellation near zero.</summary>
    [MethodImpl(Inline)]
    public static V Expm1<V>(V x) where V : struct, IVec<V>
    {
        if (typeof(V) == typeof(Scalar64))
            return Reference<V>(DoubleMath.Expm1(Number(x)));

        V bounded = V.Clamp(x, V.Broadcast(-20), V.Broadcast(89));
        V shifted = V.Fma(bounded, V.Broadcast(Log2E), V.Broadcast(RoundingShift));
        V p = Expm1Reduced(Reduce(bounded, shifted - V.Broadcast(RoundingShift)));

        // 2^n (p + 1) − 1 = 2 (2^(n−1) p + (2^(n−1) − ½)); the power n − 1 keeps n = 128 in range.
        V halfPower = V.AddBits(V.ShiftLeftBits(shifted, 23), V.Broadcast(0.5));
        V half = V.Fma(halfPower, p, halfPower - V.Broadcast(0.5));
        return V.Select(V.Abs(x) < V.Broadcast(Negligible), x, half + half);
    }

    /// <summary>1 / (1 + e^−x); 0 below −87.3365, where it would be subnormal.</summary>
    [MethodImpl(Inline)]
    public static V Sigmoid<V>(V x) where V : struct, IVec<V>
    {
        // e^−|x| cannot overflow, so the lower end keeps its small values.
        V e = Exp(-V.Abs(x));
        V one = V.Broadcast(1);
        return V.Select(x < V.Broadcast(0), e, one) / (one + e);
    }

    /// <summary>Hyperbolic tangent.</summary>
    [MethodImpl(Inline)]
    public static V Tanh<V>(V x) where V : struct, IVec<V>
    {
        if (typeof(V) == typeof(Scalar64))
            return Reference<V>(Math.Tanh(Number(x)));

        V a = V.Abs(x);
        V t = a * a;
        V p = V.Broadcast(0.00173693593f);
        p = Fma(p, t, -0.00765725551f);
        p = Fma(p, t, 0.0214520339f);
        p = Fma(p, t, -0.0538927242f);
        p = Fma(p, t, 0.133326948f);
        p = Fma(p, t, -0.333333164f);
        V near = V.Fma(a * t, p, a);

        V one = V.Broadcast(1);
        V far = one - V.Broadcast(2) / (one + ExpBounded(V.Clamp(a + a, V.Broadcast(-1), V.Broadcast(20))));
        return V.Select(a < V.Broadcast(0.75), near, far) | (x & V.Broadcast(-0.0));
    }

    /// <summary>log(1 + e^x), the smooth form of max(x, 0).</summary>
    [MethodImpl(Inline)]
    public static V Softplus<V>(V x) where V : struct, IVec<V> =>
        ((x > V.Broadcast(0)) & x) + Log1p(Exp(-V.Abs(x)));

    /// <summary>1 / √x by an exact root and an exact quotient, never an estimate.</summary>
    [MethodImpl(Inline)]
    public static V Rsqrt<V>(V x) where V : struct, IVec<V> => V.Broadcast(1) / V.Sqrt(x);

    /// <summary>e^x for x in [−87, 88], where the result is a normal number; NaN stays NaN.</summary>
    [MethodImpl(Inline)]
    private static V ExpBounded<V>(V x) where V : struct, IVec<V>
    {
        V shifted = V.Fma(x, V.Broadcast(Log2E), V.Broadcast(RoundingShift));
        V p = V.Broadcast(1) + Expm1Reduced(Reduce(x, shifted - V.Broadcast(RoundingShift)));

        // The low bits of the shifted number are n: moved into the exponent field they multiply by 2^n. A NaN must not be moved.
        return V.Select(V.Equal(x, x), V.AddBits(p, V.ShiftLeftBits(shifted, 23)), x);
    }

    /// <summary>x − n ln 2.</summary>
    [MethodImpl(Inline)]
    private static V Reduce<V>(V x, V n) where V : struct, IVec<V> =>
        V.Fma(n, V.Broadcast(-Ln2Low), V.Fma(n, V.Broadcast(-Ln2High), x));

    /// <summary>e^r − 1 for |r| ≤ ½ ln 2.</summary>
    [MethodImpl(Inline)]
    private static V Expm1Reduced<V>(V r) where V : struct, IVec<V>
    {
        V q = V.Broadcast(0.00138825108f);
        q = Fma(q, r, 0.00836658012f);
        q = Fma(q, r, 0.0416672006f);
        q = Fma(q, r, 0.166665435f);
        q = Fma(q, r, 0.49999997f);
        return V.Fma(r * r, q, r);
    }

    /// <summary>One step of Horner's scheme: p · x + c.</summary>
    [MethodImpl(Inline)]
    private static V Fma<V>(V p, V x, double c) where V : struct, IVec<V> => V.Fma(p, x, V.Broadcast(c));

    /// <summary>The double in a <see cref="Scalar64"/>; only for V = Scalar64.</summary>
    [MethodImpl(Inline)]
    private static double Number<V>(V x) where V : struct, IVec<V> => Unsafe.BitCast<V, double>(x);

    /// <summary>A double as a <see cref="Scalar64"/>; only for V = Scalar64.</summary>
    [MethodImpl(Inline)]
    private static V Reference<V>(double value) where V : struct, IVec<V> => Unsafe.BitCast<double, V>(value);
}
