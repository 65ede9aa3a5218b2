namespace Craton.Tensors;

/// <summary>
/// The inverse of the standard normal distribution function by the rational approximations of M. Wichura, algorithm AS 241 (PPND16,
/// 1988), exact to about 16 digits. Made of IEEE additions, multiplications, divisions and square roots alone, in one order: the bits are
/// those of every machine.
/// </summary>
internal static class NormalQuantile
{
    private const double Ln2 = 0.693147180559945309417232;

    private static ReadOnlySpan<double> CentreAbove =>
    [
        3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
        4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3,
    ];

    private static ReadOnlySpan<double> CentreBelow =>
    [
        1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
        2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3,
    ];

    private static ReadOnlySpan<double> TailAbove =>
    [
        1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
        1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
    ];

    private static ReadOnlySpan<double> TailBelow =>
    [
        1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
        1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
    ];

    /// <summary>The value that a standard normal variable stays below with probability p = (bits + ½) / 2³²: between -6.338 and 6.338.
    /// The third approximation of AS 241, for p &lt; e⁻²⁵, is never needed.</summary>
    public static double FromBits(uint bits)
    {
        double p = (bits + 0.5) * (1.0 / 4294967296.0), q = p - 0.5; // both exact
        if (Math.Abs(q) <= 0.425)
        {
            double r = 0.180625 - (q * q);
            return q * Polynomial(CentreAbove, r) / Polynomial(CentreBelow, r);
        }
        double t = Math.Sqrt(-Log(q < 0 ? p : 1 - p)) - 1.6;
        double z = Polynomial(TailAbove, t) / Polynomial(TailBelow, t);
        return q < 0 ? -z : z;
    }

    /// <summary>Natural logarithm of a positive normal number: x = m·2ᵉ with m in [√½, √2), ln m = 2·artanh((m-1)/(m+1)) by its series.
    /// </summary>
    internal static double Log(double x)
    {
        long bits = BitConverter.DoubleToInt64Bits(x);
        long exponent = (bits >> 52) - 1023;
        double m = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | (1023L << 52));
        if (m > 1.4142135623730951)
        {
            m *= 0.5;
            exponent++;
        }
        double s = (m - 1) / (m + 1), square = s * s, sum = 0;
        for (int n = 23; n >= 3; n -= 2) // |s| < 0.172: the first term left out is below 2⁻⁵³ of the sum
            sum = (sum + (1.0 / n)) * square;
        return (2 * s * (1 + sum)) + (exponent * Ln2);
    }

    private static double Polynomial(ReadOnlySpan<double> coefficients, double x)
    {
        double sum = coefficients[7];
        for (int i = 6; i >= 0; i--)
            sum = (sum * x) + coefficients[i];
        return sum;
    }
}
