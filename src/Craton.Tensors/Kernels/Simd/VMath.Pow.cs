using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

internal static partial class VMath
{
    /// <summary>
    /// x^y within 2 units in the last place, with the special cases of C's pow: x^0 = 1^y = 1 even for NaN; a negative x needs a
    /// whole y, else NaN.
    /// </summary>
    [MethodImpl(Inline)]
    public static V Pow<V>(V x, V y) where V : struct, IVec<V>
    {
        if (typeof(V) == typeof(Scalar64))
            return Reference<V>(Math.Pow(Number(x), Number(y)));

        V zero = V.Broadcast(0), one = V.Broadcast(1), infinity = V.Broadcast(double.PositiveInfinity);
        V a = V.Abs(x);
        V log = Log2(a, out V logLow);
        V power = Exp2OfProduct(y, log, logLow);

        V negativeY = y < zero;
        power = V.Select(V.Equal(a, zero), V.Select(negativeY, infinity, zero), power);
        power = V.Select(V.Equal(a, infinity), V.Select(negativeY, zero, infinity), power);
        power = V.Select(V.Equal(a, one), one, power);

        V halfY = y * V.Broadcast(0.5);
        V whole = V.Equal(V.Truncate(y), y);
        V odd = V.AndNot(whole, V.Equal(V.Truncate(halfY), halfY));
        power |= odd & x & V.Broadcast(-0.0);
        V undefined = V.AndNot((x < zero) & (a < infinity), whole);
        power = V.Select(undefined, V.Broadcast(double.NaN), power);

        V ordered = V.Equal(x, x) & V.Equal(y, y);
        power = V.Select(ordered, power, x + y);
        return V.Select(V.Equal(y, zero) | V.Equal(x, one), one, power);
    }

    /// <summary>The base-2 logarithm of positive finite x as the unevaluated sum of the result and <paramref name="low"/>.</summary>
    [MethodImpl(Inline)]
    private static V Log2<V>(V x, out V low) where V : struct, IVec<V>
    {
        // ln m = 2 artanh(s), s = (m − 1)/(m + 1) = s + sLow; the sum m + 1 = d + dLow is exact.
        V one = V.Broadcast(1);
        V m = Mantissa(x, out V exponent);
        V f = m - one;
        V d = m + one;
        V dLow = m - (d - one);
        V inverse = one / d;
        V s = f * inverse;
        V sLow = V.Fma(-s, dLow, V.Fma(-s, d, f)) * inverse;

        // artanh(s) = s + s³ p(s²) with p = 1/3 + s² q(s²). The cube reaches a hundredth of s: it too needs its rounding errors.
        V t = s * s;
        V tLow = V.Fma(s, s, -t) + (s + s) * sLow;
        V q = V.Broadcast(0.0974064767f);
        q = Fma(q, t, 0.110921219f);
        q = Fma(q, t, 0.142859444f);
        q = Fma(q, t, 0.199999988f) * t;
        V third = V.Broadcast(0.333333343f);
        V p = third + q;
        V pLow = ((third - p) + q) - V.Broadcast(9.93410776e-09f);
        V cube = s * t;
        V cubeLow = V.Fma(s, t, -cube) + V.Fma(s, tLow, t * sLow);
        V term = cube * p;
        V termLow = V.Fma(cube, p, -term) + V.Fma(cube, pLow, cubeLow * p);
        V high = s + term;
        V highLow = ((s - high) + term) + (termLow + sLow);

        // times 2 / ln 2 in two parts, plus the exponent, which is 0 or larger than the rest
        V factor = V.Broadcast(2.88539004f);
        V log = high * factor;
        V logLow = V.Fma(high, factor, -log) + V.Fma(high, V.Broadcast(3.85192607e-08f), highLow * factor);
        V sum = exponent + log;
        V sumLow = ((exponent - sum) + log) + logLow;
        V result = sum + sumLow;
        low = (sum - result) + sumLow;
        return result;
    }

    /// <summary>2^(y · (log + logLow)).</summary>
    [MethodImpl(Inline)]
    private static V Exp2OfProduct<V>(V y, V log, V logLow) where V : struct, IVec<V>
    {
        // Beyond ±200 the result is 0 or ∞, and the low part may be a NaN from ∞ − ∞.
        V limit = V.Broadcast(200);
        V product = y * log;
        V low = V.Fma(y, log, -product) + y * logLow;
        low = (V.Abs(product) < limit) & low;
        product = V.Clamp(product, -limit, limit);

        V n = (product + V.Broadcast(RoundingShift)) - V.Broadcast(RoundingShift);
        V r = (product - n) + low;
        V p = V.Broadcast(0.000153531553f);
        p = Fma(p, r, 0.00133991323f);
        p = Fma(p, r, 0.00961843971f);
        p = Fma(p, r, 0.0555033199f);
        p = Fma(p, r, 0.240226477f);
        p = Fma(p, r, 0.693147182f);
        return V.ScaleByPowerOf2(V.Fma(p, r, V.Broadcast(1)), n);
    }
}
