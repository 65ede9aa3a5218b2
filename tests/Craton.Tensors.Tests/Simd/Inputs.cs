namespace Craton.Tensors.Tests.Simd;

/// <summary>Inputs that find mistakes: special values, their neighbours, random bit patterns, and dense ordinary numbers.</summary>
internal static class Inputs
{
    public const int Seed = 20260101;

    public static readonly float[] Special =
    [
        0f, -0f, 1f, -1f, 2f, -2f, 0.5f, -0.5f, 3f, -3f, 1.5f, -1.5f, 2.5f, -2.5f, float.Epsilon, -float.Epsilon, 1.17549435e-38f,
        -1.17549435e-38f, 1.17549421e-38f, float.MaxValue, float.MinValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN,
        -float.NaN, 8388608f, 8388609f, 16777216f, 16777217f, -16777215f, 65535.9961f, 65536f, 65536.0078f, 88.72283f, 88.72284f, 88.73f, 89f, 90f,
        -87.33654f, -87.34f, -103.97f, -103.98f, -104f, -105f, 127f, 128f, -126f, -149f, -150f, 0.75f, 0.9f, 4f, 17.3f, 20f, -20f,
        0.34657359f, -0.34657359f, 0.70710678f, 1.41421356f, 1.57079637f, 3.14159274f, 1e-20f, -1e-20f, 1e20f, -1e20f, 1e38f, 1e-38f,
    ];

    /// <summary>Special values, their nearest neighbours, then random bits and numbers of ordinary size by turns.</summary>
    public static float[] Mixed(int count, int seed)
    {
        var rng = new Random(seed);
        var values = new List<float>(count);
        foreach (float s in Special)
            values.AddRange([s, MathF.BitIncrement(s), MathF.BitDecrement(s)]);
        while (values.Count < count)
        {
            values.Add(BitConverter.Int32BitsToSingle(rng.Next(int.MinValue, int.MaxValue)));
            values.Add((float)((rng.NextDouble() * 2 - 1) * 20));
        }

        return [.. values.Take(count)];
    }

    /// <summary>Every pair of special values, then mixed values against shuffled mixed values.</summary>
    public static (float[] A, float[] B) MixedPairs(int count, int seed)
    {
        float[] a = Mixed(count, seed), b = Mixed(count, seed + 1);
        new Random(seed + 2).Shuffle(b);
        for (int i = 0; i < Math.Min(count, Special.Length * Special.Length); i++)
            (a[i], b[i]) = (Special[i / Special.Length], Special[i % Special.Length]);
        return (a, b);
    }

    /// <summary>Evenly spaced numbers over an interval.</summary>
    public static float[] Dense(double low, double high, int count)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (float)(low + (high - low) * i / (count - 1));
        return values;
    }
}
