namespace Craton.Tensors;

/// <summary>
/// Double-precision functions made of +, −, · and / alone, so that they give the same bits on every machine, which the platform's
/// mathematics library does not. For the few numbers per step that reach a weight: schedules, bias corrections, tables.
/// </summary>
public static class DeterministicMath
{
    private const double TwoOverPi = 0.63661977236758134;

    // π/2 in three parts of 33 bits: their products with a small integer are exact (Cody, Waite 1980).
    private const double HalfPi1 = 1.57079632673412561417e+00, HalfPi2 = 6.07710050630396597660e-11, HalfPi3 = 2.02226624879595063154e-21;

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
