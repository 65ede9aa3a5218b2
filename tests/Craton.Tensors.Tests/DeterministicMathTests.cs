namespace Craton.Tensors.Tests;

public sealed class DeterministicMathTests
{
    [Fact]
    public void Functions_agree_with_the_platform_to_a_few_units_in_the_last_place()
    {
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            double x = (random.NextDouble() - 0.5) * 1400, positive = Math.ScaleB(1 + random.NextDouble(), random.Next(-1020, 1020));
            double near = 1 + (random.NextDouble() - 0.5) / (1 << random.Next(20)), power = (random.NextDouble() - 0.5) * 8;
            Close(Math.Exp(x), DeterministicMath.Exp(x));
            Close(Math.Log(positive), DeterministicMath.Log(positive));
            Close(Math.Log(near), DeterministicMath.Log(near));
            Close(Math.Pow(i + 1, power), DeterministicMath.Pow(i + 1, power), 1e-14);
            Assert.Equal(Math.Cos(x), DeterministicMath.Cos(x), 1e-15);
            Assert.Equal(Math.Sin(x), DeterministicMath.Sin(x), 1e-15);
        }
    }

    [Fact]
    public void Ends_of_the_range()
    {
        Assert.Equal(1, DeterministicMath.Exp(0));
        Assert.Equal(0, DeterministicMath.Exp(double.NegativeInfinity));
        Assert.Equal(double.PositiveInfinity, DeterministicMath.Exp(double.PositiveInfinity));
        Assert.Equal(double.PositiveInfinity, DeterministicMath.Exp(710));
        Assert.True(double.IsNaN(DeterministicMath.Exp(double.NaN)));
        Assert.Equal(0, DeterministicMath.Log(1));
        Assert.Equal(double.NegativeInfinity, DeterministicMath.Log(0));
        Assert.Equal(double.PositiveInfinity, DeterministicMath.Log(double.PositiveInfinity));
        Assert.True(double.IsNaN(DeterministicMath.Log(-1)));
        Close(Math.Log(double.Epsilon), DeterministicMath.Log(double.Epsilon));
        Assert.Equal(1, DeterministicMath.Pow(0, 0));
        Assert.Equal(0, DeterministicMath.Pow(0, 2.5));
        Assert.Equal(double.PositiveInfinity, DeterministicMath.Pow(0, -1));
        Assert.Equal(81, DeterministicMath.Pow(3, 4));
    }

    private static void Close(double expected, double actual, double relative = 1e-15) =>
        Assert.True(Math.Abs(expected - actual) <= relative * Math.Abs(expected), $"expected {expected:R}, got {actual:R}");
}
