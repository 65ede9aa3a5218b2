using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

internal static partial class VMath
{
    /// <summary>π/2 in three floats whose sum has 72 correct bits.</summary>
    private const float HalfPiHigh = 1.57079637f, HalfPiMiddle = -4.37113883e-08f, HalfPiLow = -1.71512451e-15f;

    private const double TwoOverPi = 0.63661977236758134;

    /// <summary>Sine of x in radians, also of the largest; NaN for ±∞.</summary>
    [MethodImpl(Inline)]
    public static V Sin<V>(V x) where V : struct, IVec<V>
    {
        if (typeof(V) == typeof(Scalar64))
            return Reference<V>(Math.Sin(Number(x)));

        V r = ReduceByHalfPi(V.Abs(x), out V quadrant);
        return SinOfQuadrant(r, quadrant) ^ (x & V.Broadcast(-0.0));
    }

    /// <summary>Cosine of x in radians, also of the largest; NaN for ±∞.</summary>
    [MethodImpl(Inline)]
    public static V Cos<V>(V x) where V : struct, IVec<V>
    {
        if (typeof(V) == typeof(Scalar64))
            return Reference<V>(Math.Cos(Number(x)));

        V r = ReduceByHalfPi(V.Abs(x), out V quadrant);
        return SinOfQuadrant(r, V.AddBits(quadrant, V.BroadcastBits(1)));
    }

    /// <summary>sin(r + quadrant · π/2) for |r| ≤ π/4; only the two lowest bits of the quadrant count.</summary>
    [MethodImpl(Inline)]
    private static V SinOfQuadrant<V>(V r, V quadrant) where V : struct, IVec<V>
    {
        V t = r * r;
        V p = V.Broadcast(-0.000195120199f);
        p = Fma(p, t, 0.00833213702f);
        p = Fma(p, t, -0.166666538f);
        V sin = V.Fma(r * t, p, r);

        V q = V.Broadcast(2.44294297e-05f);
        q = Fma(q, t, -0.00138872839f);
        q = Fma(q, t, 0.0416666456f);
        V cos = V.Fma(t * t, q, V.Fma(V.Broadcast(-0.5), t, V.Broadcast(1)));

        V odd = V.ShiftRightBits(V.ShiftLeftBits(quadrant, 31), 31);
        V sign = V.ShiftLeftBits(quadrant, 30) & V.Broadcast(-0.0);
        return V.Select(odd, cos, sin) ^ sign;
    }

    /// <summary>
    /// The remainder of a ≥ 0 by π/2 in [−π/4, π/4]; the low bits of <paramref name="quadrant"/> count the multiples taken away.
    /// </summary>
    [MethodImpl(Inline)]
    private static V ReduceByHalfPi<V>(V a, out V quadrant) where V : struct, IVec<V>
    {
        V shifted = V.Fma(a, V.Broadcast(TwoOverPi), V.Broadcast(RoundingShift));
        V n = shifted - V.Broadcast(RoundingShift);
        V r = V.Fma(n, V.Broadcast(-HalfPiHigh), a);
        r = V.Fma(n, V.Broadcast(-HalfPiMiddle), r);
        r = V.Fma(n, V.Broadcast(-HalfPiLow), r);
        quadrant = shifted;
        if (V.Any(a >= V.Broadcast(HalfPi.FirstLarge)))
            return HalfPi.ReduceLarge(a, r, ref quadrant);
        return r;
    }
}
