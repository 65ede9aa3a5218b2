namespace Craton.Tensors;

/// <summary>
/// Double-precision functions made of +, −, · and / alone, so that they give the same bits on every machine, which the platform's
/// mathematics library does not. For the few numbers per step that reach a weight: schedules, bias corrections, tables.
/// </summary>
public static class DeterministicMath
{
    /// <summary>ln 2.</summary>
    public const double Ln2 = 0.6931471805599453;

    private const double TwoOverPi = 0.63661977236758134;

    // π/2 in three parts of 33 bits: their products with a small integer are exact (Cody, Waite 1980).
    private const double HalfPi1 = 1.57079632673412561417e+00, HalfPi2 = 6.07710050630396597660e-11, HalfPi3 = 2.02226624879595063154e-21;

    // ln 2 in two parts: the first has 33 bits, so its product with a whole exponent is exact.
    private const double OverLn2 = 1.4426950408889634, Ln2High = 6.93147180369123816490e-01, Ln2Low = 1.90821492927058770002e-10;

    /// <summary>Cosine for |x| up to about 10⁶, to a few units in the last place.</summary>
    public static double Cos(double x) => Turn(x, 1);

    /// <summary>Sine for |x| up to about 10⁶, to a few units in the last place.</summary>
    public static double Sin(double x) => Turn(x, 0);

    /// <summary>x to a whole power of 0 or more, by repeated squaring.</summary>
    public static double Power(double x, long exponent)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(exponent);
        double result = 1;
        for (; exponent > 0; exponent >>= 1)
        {
            if ((exponent & 1) != 0) result *= x;
            x *= x;
        }
        return result;
    }

    /// <summary>eˣ to a few units in the last place.</summary>
    public static double Exp(double x)
    {
        if (double.IsNaN(x)) return x;
        x = Math.Clamp(x, -800, 800); // 0 and ∞ beyond; keeps the whole number below small
        double n = Math.Round(x * OverLn2);
        double r = (x - n * Ln2High) - n * Ln2Low;
        double sum = 1; // Taylor series on |r| ≤ ln 2 / 2: the next term is below 1e-18
        for (int k = 15; k >= 1; k--) sum = 1 + sum * r / k;
        return Math.ScaleB(sum, (int)n);
    }

    /// <summary>Natural logarithm to a few units in the last place; −∞ for 0, NaN below.</summary>
    public static double Log(double x)
    {
        if (!(x > 0) || double.IsInfinity(x)) return x == 0 ? double.NegativeInfinity : x > 0 ? x : double.NaN;
        int exponent = Math.ILogB(x);
        double mantissa = Math.ScaleB(x, -exponent);
        if (mantissa > 1.4142135623730951)
        {
            mantissa *= 0.5;
            exponent++;
        }
        // ln m = 2 (s + s³/3 + s⁵/5 + …) with s = (m − 1)/(m + 1), |s| < 0.172: the next term is below 1e-18.
        double s = (mantissa - 1) / (mantissa + 1), square = s * s, sum = 0;
        for (int k = 23; k >= 3; k -= 2) sum = (sum + 1.0 / k) * square;
        return exponent * Ln2High + (2 * (s + s * sum) + exponent * Ln2Low);
    }

    /// <summary>x to a real power, for x of 0 or more.</summary>
    public static double Pow(double x, double exponent)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(x);
        if (exponent is >= 0 and <= 64 && exponent == Math.Floor(exponent)) return Power(x, (long)exponent);
        return x == 0 ? (exponent > 0 ? 0 : double.PositiveInfinity) : Exp(exponent * Log(x));
    }

    private static double Turn(double x, int quarter)
    {
        double turns = Math.Round(x * TwoOverPi);
        double r = ((x - turns * HalfPi1) - turns * HalfPi2) - turns * HalfPi3;
        long place = ((long)turns + quarter) & 3;
        double value = (place & 1) == 0 ? SinSeries(r) : CosSeries(r);
        return place >= 2 ? -value : value;
    }

    // Taylor series on |r| ≤ π/4: the next term is below 1e-18.
    private static double SinSeries(double r)
    {
        double square = r * r, sum = 0;
        for (int n = 19; n >= 3; n -= 2) sum = (1 + sum) * (-square / (n * (n - 1)));
        return r + r * sum;
    }

    private static double CosSeries(double r)
    {
        double square = r * r, sum = 0;
        for (int n = 18; n >= 2; n -= 2) sum = (1 + sum) * (-square / (n * (n - 1)));
        return 1 + sum;
    }
}
