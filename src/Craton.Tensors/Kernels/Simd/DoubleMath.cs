namespace Craton.Tensors.Kernels.Simd;

/// <summary>Double functions that the platform lacks or gives without accuracy near zero, for reference values.</summary>
internal static class DoubleMath
{
    /// <summary>e^x − 1; W. Kahan's correction: the error of u = e^x cancels in (u − 1)/log u.</summary>
    public static double Expm1(double x)
    {
        double u = Math.Exp(x);
        if (u == 1 || Math.Abs(x) < 1e-300)
            return x;
        return u - 1 == -1 || double.IsInfinity(u) ? u - 1 : (u - 1) * (x / Math.Log(u));
    }

    /// <summary>log(1 + x), by the same correction.</summary>
    public static double Log1p(double x)
    {
        double u = 1 + x;
        if (u == 1)
            return x;
        return double.IsFinite(u) && u != 0 ? Math.Log(u) * (x / (u - 1)) : Math.Log(u);
    }

    /// <summary>erf x = 2/√π e^−x² Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!: all terms of one sign, so nothing cancels (DLMF 7.6.2).</summary>
    public static double Erf(double x)
    {
        if (Math.Abs(x) >= 6)
            return Math.Sign(x);

        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > 1e-17 * Math.Abs(sum); n++)
        {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }
}
