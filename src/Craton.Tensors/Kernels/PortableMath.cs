namespace Craton.Tensors.Kernels;

/// <summary>
/// Double functions built only from exactly rounded operations: the same bits on every machine, unlike a platform's library. For tables
/// and constants that reach weights or tokens. The relative error is below 1e-15 (sine and cosine: absolute).
/// </summary>
/// <remarks>Argument reduction by Cody and Waite (1980) with fused multiply-adds, then the Taylor series.</remarks>
internal static class PortableMath
{
    private const double Ln2High = 0.6931471805599453, Ln2Low = 2.3190468138462996e-17;
    private const double HalfPiHigh = 1.5707963267948966, HalfPiLow = 6.123233995736766e-17;

    /// <summary>e^x for |x| ≤ 700.</summary>
    public static double Exp(double x)
    {
        double n = Math.Round(x * (1 / Ln2High));
        double r = Math.FusedMultiplyAdd(-n, Ln2Low, Math.FusedMultiplyAdd(-n, Ln2High, x));
        double sum = 1; // 1 + r (1 + r/2 (1 + r/3 (…)))
        for (int k = 15; k > 0; k--) sum = Math.FusedMultiplyAdd(r / k, sum, 1);
        return Math.ScaleB(sum, (int)n);
    }

    /// <summary>Natural logarithm of a positive normal number.</summary>
    public static double Log(double x)
    {
        int exponent = Math.ILogB(x);
        double m = Math.ScaleB(x, -exponent);
        if (m > 1.4142135623730951) (m, exponent) = (m / 2, exponent + 1);
        double s = (m - 1) / (m + 1), t = s * s; // ln m = 2 artanh s
        double sum = 0;
        for (int k = 23; k > 0; k -= 2) sum = Math.FusedMultiplyAdd(sum, t, 1.0 / k);
        return Math.FusedMultiplyAdd(exponent, Ln2High, Math.FusedMultiplyAdd(2 * s, sum, exponent * Ln2Low));
    }

    /// <summary>x to the power y, for positive x.</summary>
    public static double Pow(double x, double y) => Exp(y * Log(x));

    /// <summary>Sine and cosine for |x| up to 2^30.</summary>
    public static (double Sin, double Cos) SinCos(double x)
    {
        double n = Math.Round(x * (1 / HalfPiHigh));
        double r = Math.FusedMultiplyAdd(-n, HalfPiLow, Math.FusedMultiplyAdd(-n, HalfPiHigh, x)), t = r * r;
        double sin = 1, cos = 1;
        for (int k = 18; k > 0; k -= 2)
        {
            sin = Math.FusedMultiplyAdd(-t / (k * (k + 1)), sin, 1);
            cos = Math.FusedMultiplyAdd(-t / (k * (k - 1)), cos, 1);
        }
        sin *= r;
        return ((long)n & 3) switch
        {
            0 => (sin, cos),
            1 => (cos, -sin),
            2 => (-sin, -cos),
            _ => (-cos, sin),
        };
    }
}
