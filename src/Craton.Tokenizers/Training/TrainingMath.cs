namespace Craton.Tokenizers.Training;

/// <summary>Exponential and logarithm that are the same on every machine, since tokens depend on them.</summary>
internal static class TrainingMath
{
    private const double Ln2High = 0.693147180369123816490, Ln2Low = 1.90821492927058770002e-10;

    /// <summary>e to a power, for numbers that are no infinity.</summary>
    public static double Exp(double x)
    {
        x = Math.Clamp(x, -700, 700);
        double n = Math.Round(x / (Ln2High + Ln2Low));
        double rest = x - n * Ln2High - n * Ln2Low;
        double sum = 1;
        for (int k = 15; k >= 1; k--)
            sum = 1 + sum * rest / k; // Taylor: the next term is below 1e-18
        return Math.ScaleB(sum, (int)n);
    }

    /// <summary>The natural logarithm of a number above 0.</summary>
    public static double Log(double x)
    {
        int exponent = Math.ILogB(x);
        double mantissa = Math.ScaleB(x, -exponent);
        if (mantissa > 1.4142135623730951)
            (mantissa, exponent) = (mantissa / 2, exponent + 1);
        // 2 (s + s³/3 + s⁵/5 + …) with s = (m - 1) / (m + 1): the next term is below 1e-18.
        double s = (mantissa - 1) / (mantissa + 1), sum = 0;
        for (int k = 23; k >= 3; k -= 2)
            sum = (sum + 1.0 / k) * s * s;
        return exponent * Ln2High + (2 * (s + s * sum) + exponent * Ln2Low);
    }

    /// <summary>log(eᵃ + eᵇ); either may be minus infinity.</summary>
    public static double LogSumExp(double a, double b)
    {
        (double small, double large) = a < b ? (a, b) : (b, a);
        return double.IsNegativeInfinity(small) ? large : large + Log(1 + Exp(small - large));
    }

    /// <summary>The digamma function of a number above 0 (an asymptotic series, after steps up to where it holds).</summary>
    public static double Digamma(double x)
    {
        double result = 0;
        for (; x < 7; x++)
            result -= 1 / x;
        x -= 0.5;
        double r = 1 / (x * x);
        return result + Log(x) + r / 24 - 7 * r * r / 960 + 31 * r * r * r / 8064 - 127 * r * r * r * r / 30720;
    }
}
