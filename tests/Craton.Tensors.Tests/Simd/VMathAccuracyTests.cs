using Craton.Tensors.Kernels.Simd;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.Simd;

/// <summary>Every function against double precision: relative error over dense and random inputs, special values exactly.</summary>
public unsafe class VMathAccuracyTests(ITestOutputHelper output)
{
    private const int DenseCount = 400_000, RandomCount = 400_000;
    private const double LeastNormal = 1.1756e-38;

    [Fact]
    public void Exp() => Check(new Formulas.Exp(), Math.Exp, -105, 90);

    [Fact]
    public void Expm1() => Check(new Formulas.Expm1(), DoubleMath.Expm1, -22, 90);

    [Fact]
    public void Log() => Check(new Formulas.Log(), Math.Log, 0, 10);

    [Fact]
    public void Log1p() => Check(new Formulas.Log1p(), DoubleMath.Log1p, -1, 10);

    [Fact]
    public void Tanh() => Check(new Formulas.Tanh(), Math.Tanh, -10, 10);

    [Fact]
    public void Sigmoid() => Check(new Formulas.Sigmoid(), x => x < 0 ? Math.Exp(x) / (1 + Math.Exp(x)) : 1 / (1 + Math.Exp(-x)), -110, 20);

    [Fact]
    public void Softplus() => Check(new Formulas.Softplus(), x => Math.Max(x, 0) + DoubleMath.Log1p(Math.Exp(-Math.Abs(x))), -110, 20);

    [Fact]
    public void Erf() => Check(new Formulas.Erf(), DoubleMath.Erf, -5, 5);

    [Fact]
    public void Sin() => Check(new Formulas.Sin(), Math.Sin, -1e5, 1e5);

    [Fact]
    public void Cos() => Check(new Formulas.Cos(), Math.Cos, -1e5, 1e5);

    [Fact]
    public void Sin_of_small_angles() => Check(new Formulas.Sin(), Math.Sin, -7, 7);

    [Fact]
    public void Cos_of_small_angles() => Check(new Formulas.Cos(), Math.Cos, -7, 7);

    [Fact]
    public void Rsqrt() => Check(new Formulas.Rsqrt(), x => 1 / Math.Sqrt(x), 0, 10);

    [Fact]
    public void Pow_is_within_two_units_in_the_last_place()
    {
        (float[] x, float[] y) = Inputs.MixedPairs(600_000, Inputs.Seed);
        var rng = new Random(Inputs.Seed);
        for (int i = x.Length / 3; i < x.Length; i++)
        {
            // bases of all sizes, exponents such that the result spans the whole range
            x[i] = (float)Math.Exp((rng.NextDouble() * 2 - 1) * (i % 2 == 0 ? 88 : 0.7));
            y[i] = (float)((rng.NextDouble() * 2 - 1) * 104 / Math.Abs(Math.Log(x[i])));
        }

        float[] result = new float[x.Length];
        fixed (float* px = x, py = y, pr = result)
            Elementwise.Zip(default(Formulas.Pow), px, py, pr, x.Length);

        double worst = 0;
        int at = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double want = Math.Pow(x[i], y[i]);
            double error = ErrorInUlps(result[i], want);
            if (error > worst)
                (worst, at) = (error, i);
            if (error > 2)
                Assert.Fail($"pow({x[i]:R}, {y[i]:R}): expected {(float)want:R}, got {result[i]:R}, {error:F2} ulp, seed {Inputs.Seed}");
        }

        output.WriteLine($"largest error {worst:F3} units in the last place at {x[at]:R}, {y[at]:R}, seed {Inputs.Seed}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_zero_keeps_its_sign_in_odd_functions(bool negative)
    {
        float zero = negative ? -0f : 0f;
        CheckSign<Formulas.Expm1>(zero);
        CheckSign<Formulas.Log1p>(zero);
        CheckSign<Formulas.Tanh>(zero);
        CheckSign<Formulas.Erf>(zero);
        CheckSign<Formulas.Sin>(zero);
    }

    [Fact]
    public void Large_angles_agree_with_double_arithmetic_on_every_binade()
    {
        // Math.Sin reduces exactly too, so every float is a fair test up to the largest.
        var rng = new Random(Inputs.Seed);
        float[] x = new float[200_000];
        for (int i = 0; i < x.Length; i++)
            x[i] = (float)Math.ScaleB(1 + rng.NextDouble(), 10 + i % 118);
        CheckValues(new Formulas.Sin(), Math.Sin, x);
        CheckValues(new Formulas.Cos(), Math.Cos, x);
    }

    [Fact]
    public void No_exponential_is_subnormal()
    {
        CheckNormal(new Formulas.Exp());
        CheckNormal(new Formulas.Sigmoid());
        CheckNormal(new Formulas.Silu());
        CheckNormal(new Formulas.Softplus());
    }

    private static void CheckNormal<TOp>(TOp f) where TOp : struct, IMap
    {
        float[] x = Inputs.Dense(-110, -60, DenseCount), y = new float[x.Length];
        fixed (float* px = x, py = y)
            Elementwise.Map(f, px, py, x.Length);
        Assert.DoesNotContain(y, float.IsSubnormal);
        Assert.Contains(y, value => value != 0);
    }

    [Fact]
    public void Reference_precision_delegates_to_double()
    {
        double[] x = [0.3, -1.7, 1e-9, 5], y = new double[4];
        fixed (double* px = x, py = y)
        {
            Elementwise.Map(default(Formulas.Expm1), px, py, 4);
            Assert.Equal(1e-9 + 0.5e-18, y[2], 1e-24);
            Elementwise.Map(default(Formulas.Gelu), px, py, 4);
            Assert.Equal(0.3 * 0.61791142218895256, y[0], 1e-15);
            Elementwise.Map(default(Formulas.Erf), px, py, 4);
            Assert.Equal(-0.98379045859077456, y[1], 1e-15);
        }
    }

    private static void CheckSign<TOp>(float zero) where TOp : struct, IMap
    {
        float y = 1;
        Elementwise.Map(default(TOp), &zero, &y, 1);
        Assert.Equal(BitConverter.SingleToInt32Bits(zero), BitConverter.SingleToInt32Bits(y));
    }

    private void Check<TOp>(TOp f, Func<double, double> truth, double low, double high) where TOp : struct, IMap
    {
        CheckValues(f, truth, Inputs.Dense(low, high, DenseCount));
        CheckValues(f, truth, Inputs.Dense(-1, 1, DenseCount));
        CheckValues(f, truth, Inputs.Mixed(RandomCount, Inputs.Seed));
    }

    private void CheckValues<TOp>(TOp f, Func<double, double> truth, float[] x) where TOp : struct, IMap
    {
        float[] y = new float[x.Length];
        fixed (float* px = x, py = y)
            Elementwise.Map(f, px, py, x.Length);

        double worst = 0;
        float at = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double error = RelativeError(y[i], truth(x[i]));
            if (!(error <= worst))
                (worst, at) = (error, x[i]);
        }

        output.WriteLine($"largest relative error {worst:E2} at {at:R}, seed {Inputs.Seed}");
        Assert.True(worst <= 2e-7, $"{typeof(TOp).Name}({at:R}): relative error {worst:E2}, expected {truth(at):R}, seed {Inputs.Seed}");
    }

    /// <summary>0 for equal specials, ∞ for unequal ones; in the place of what is subnormal there may be 0.</summary>
    private static double RelativeError(float got, double want)
    {
        if (got == 0 && Math.Abs(want) < LeastNormal) return 0;
        float rounded = (float)want;
        if (!float.IsFinite(rounded) || !float.IsFinite(got) || want == 0)
            return rounded.Equals(got) ? 0 : double.PositiveInfinity;
        double error = Math.Abs(got - want);
        return error <= 1.5e-45 ? 0 : error / Math.Abs(want);
    }

    private static double ErrorInUlps(float got, double want)
    {
        float rounded = (float)want;
        if (!float.IsFinite(rounded) || !float.IsFinite(got) || want == 0)
        {
            bool sameSign = float.IsNegative(rounded) == float.IsNegative(got) || float.IsNaN(got);
            if (rounded.Equals(got) && sameSign)
                return 0;

            // At the edge of overflow the neighbour of infinity is as near as it gets.
            bool edge = Math.Abs(want) is > 3.4028e38 and < 3.4029e38 && sameSign;
            return edge ? 1 : double.PositiveInfinity;
        }

        float magnitude = Math.Abs(rounded);
        return Math.Abs(got - want) / (magnitude - (double)MathF.BitDecrement(magnitude));
    }
}
