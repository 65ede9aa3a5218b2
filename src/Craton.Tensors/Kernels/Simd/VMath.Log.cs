using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

internal static partial class VMath
{
    private const float SmallestNormal = 1.17549435e-38f;

    /// <summary>The bit pattern of √½: where the exponent of a logarithm's argument changes.</summary>
    private const int SqrtHalfBits = 0x3F3504F3;

    /// <summary>Natural logarithm: −∞ at ±0, NaN below.</summary>
    [MethodImpl(Inline)]
    public static V Log<V>(V x) where V : struct, IVec<V>
    {
        if (typeof(V) == typeof(Scalar64))
            return Reference<V>(Math.Log(Number(x)));

        V m = Mantissa(x, out V exponent);
        V f = m - V.Broadcast(1);
        V p = V.Broadcast(-0.0763449296f);
        p = Fma(p, f, 0.12761575f);
        p = Fma(p, f, -0.131601825f);
        p = Fma(p, f, 0.142017588f);
        p = Fma(p, f, -0.166233569f);
        p = Fma(p, f, 0.200012267f);
        p = Fma(p, f, -0.250008196f);
        p = Fma(p, f, 0.333333313f);

        // log(1 + f) = f − f²/2 + f³ p(f), the smallest parts first.
        V square = f * f;
        V low = V.Fma(exponent, V.Broadcast(Ln2Low), square * f * p);
        low = V.Fma(V.Broadcast(-0.5), square, low);
        V log = V.Fma(exponent, V.Broadcast(Ln2High), f + low);

        log = V.Select(x < V.Broadcast(double.PositiveInfinity), log, x);
        log = V.Select(x < V.Broadcast(0), V.Broadcast(double.NaN), log);
        return V.Select(V.Equal(x, V.Broadcast(0)), V.Broadcast(double.NegativeInfinity), log);
    }

    /// <summary>log(1 + x) without loss near zero.</summary>
    [MethodImpl(Inline)]
    public static V Log1p<V>(V x) where V : struct, IVec<V>
    {
        if (typeof(V) == typeof(Scalar64))
            return Reference<V>(DoubleMath.Log1p(Number(x)));

        // 1 + x = u + error exactly (Knuth's two-sum), and log(u + error) = log u + error / u to first order.
        V one = V.Broadcast(1);
        V u = one + x;
        V part = u - one;
        V error = (one - (u - part)) + (x - part);
        V inside = (x > V.Broadcast(-1)) & (x < V.Broadcast(double.PositiveInfinity));
        V log = Log(u) + (inside & (error / u));
        return V.Select(V.Abs(x) < V.Broadcast(Negligible), x, log);
    }

    /// <summary>
    /// m in [√½, √2) and a whole exponent with x = m · 2^exponent, for positive finite x, subnormal ones included; anything elsewhere.
    /// </summary>
    [MethodImpl(Inline)]
    private static V Mantissa<V>(V x, out V exponent) where V : struct, IVec<V>
    {
        V subnormal = x < V.Broadcast(SmallestNormal);
        x = V.Select(subnormal, x * V.Broadcast(8388608), x); // 2^23
        V power = V.ShiftRightBits(V.SubtractBits(x, V.BroadcastBits(SqrtHalfBits)), 23);
        exponent = V.BitsToNumber(power) - (subnormal & V.Broadcast(23));
        return V.SubtractBits(x, V.ShiftLeftBits(power, 23));
    }
}
