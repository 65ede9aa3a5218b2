using Craton.Tensors.Quantization;

namespace Craton.Tensors.Tests.Quantization;

/// <summary>What quantisation loses, and inputs at the ends of its range.</summary>
public sealed class QuantizeTests
{
    /// <summary>Relative root-mean-square error of normal values, as the number of bits allows.</summary>
    [Theory]
    [InlineData(BlockType.Q8_0, 0.007)]
    [InlineData(BlockType.Q6_K, 0.02)]
    [InlineData(BlockType.Q5_K, 0.04)]
    [InlineData(BlockType.Q4_K, 0.075)]
    [InlineData(BlockType.Q5_0, 0.06)]
    [InlineData(BlockType.Q4_0, 0.11)]
    [InlineData(BlockType.Q5_1, 0.05)]
    [InlineData(BlockType.Q4_1, 0.1)]
    [InlineData(BlockType.MXFP4, 0.14)]
    public void The_error_of_normal_values_is_small(BlockType type, double limit)
    {
        float[] x = new float[256 * 64];
        new CounterRandom(7, 1).FillNormal(x, 0, 0.02f);
        float[] y = RoundTrip(type, x);
        double error = 0, power = 0;
        for (int i = 0; i < x.Length; i++)
        {
            error += Math.Pow(x[i] - y[i], 2);
            power += Math.Pow(x[i], 2);
        }
        Assert.InRange(Math.Sqrt(error / power), limit / 4, limit);
    }

    [Theory]
    [InlineData(BlockType.Q4_K)]
    [InlineData(BlockType.Q5_K)]
    [InlineData(BlockType.Q6_K)]
    public void Zeros_constants_and_the_ends_of_the_range_stay_finite(BlockType type)
    {
        foreach (float value in new[] { 0f, -0f, 1f, -1f, 1e-30f, 1e-42f, 65504f, -65504f, 3e5f })
        {
            float[] constant = new float[256], one = new float[256];
            Array.Fill(constant, value);
            one[77] = value;
            foreach (float[] x in new[] { constant, one })
            {
                float[] y = RoundTrip(type, x);
                Assert.All(y, v => Assert.True(float.IsFinite(v), $"{type} of {value}: {v}"));
                if (MathF.Abs(value) is >= 1 and < 65504)
                    for (int i = 0; i < 256; i++) Assert.InRange(y[i], x[i] - 0.04f * MathF.Abs(value), x[i] + 0.04f * MathF.Abs(value));
            }
        }
    }

    private static float[] RoundTrip(BlockType type, float[] x)
    {
        byte[] blocks = new byte[type.ByteCount(x.Length)];
        float[] y = new float[x.Length];
        Blocks.Quantize(type, x, blocks);
        Blocks.Dequantize(type, blocks, y);
        return y;
    }
}
