using Craton.Tensors.Kernels;

namespace Craton.Tensors.Tests;

public sealed class PortableMathTests
{
    [Fact]
    public void Agrees_with_the_platform_to_its_accuracy()
    {
        var random = new Random(1);
        for (int i = 0; i < 20000; i++)
        {
            double x = 1400 * (random.NextDouble() - 0.5);
            Assert.Equal(1, PortableMath.Exp(x) / Math.Exp(x), 1e-15);
            double positive = Math.Exp(x / 2);
            Assert.Equal(Math.Log(positive), PortableMath.Log(positive), 1e-15 + 1e-15 * Math.Abs(x));
            double angle = x * random.Next(1_000_000);
            Assert.Equal(Math.Sin(angle), PortableMath.SinCos(angle).Sin, 1e-15);
            Assert.Equal(Math.Cos(angle), PortableMath.SinCos(angle).Cos, 1e-15);
        }
    }

    [Fact]
    public void Exact_places_are_exact()
    {
        Assert.Equal(1, PortableMath.Exp(0));
        Assert.Equal(0, PortableMath.Log(1));
        Assert.Equal((0, 1), PortableMath.SinCos(0));
        Assert.Equal(1, PortableMath.Pow(10000, 0));
    }
}
