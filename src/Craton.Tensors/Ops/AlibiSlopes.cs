namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>
    /// The slopes of attention with linear biases (Press et al., "Train Short, Test Long", 2022): 2^(−8i/n), i = 1 .. n, for n heads, a power
    /// of two; for other numbers those of the power below, then every second one of the power above.
    /// </summary>
    /// <param name="heads">Number of query heads, 1 or more.</param>
    /// <returns>F32 [heads].</returns>
    public static Tensor AlibiSlopes(int heads)
    {
        Check.That(heads > 0, "alibi_slopes", "heads", "1 or more", $"{heads}");
        int whole = 1 << System.Numerics.BitOperations.Log2((uint)heads);
        Tensor slopes = Tensor.Empty(DType.F32, heads);
        Span<float> values = slopes.AsSpan<float>();
        for (int i = 0; i < heads; i++)
        {
            double exponent = i < whole ? -8.0 * (i + 1) / whole : -4.0 * (2 * (i - whole) + 1) / whole;
            values[i] = (float)Kernels.PortableMath.Pow(2, exponent);
        }
        return slopes;
    }
}
