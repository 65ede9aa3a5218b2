using System.Buffers.Binary;

namespace Craton.Tensors.Quantization;

/// <summary>
/// Blocks of 32 values with one scale. Types that end in 0 store x = d·(q − offset), those that end in 1 x = d·q + m. Value j of the first half
/// is the lower nibble of byte j, value j of the second half the upper one; a fifth bit lies in a word of its own.
/// </summary>
internal static class Blocks32
{
    private const int Half = 16;

    public static void DequantizeQ4_0(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0);
        for (int j = 0; j < Half; j++)
        {
            int q = block[2 + j];
            y[j] = ((q & 15) - 8) * d;
            y[j + Half] = ((q >> 4) - 8) * d;
        }
    }

    public static void DequantizeQ4_1(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0), m = Blocks.Half(block, 2);
        for (int j = 0; j < Half; j++)
        {
            int q = block[4 + j];
            y[j] = (q & 15) * d + m;
            y[j + Half] = (q >> 4) * d + m;
        }
    }

    public static void DequantizeQ5_0(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0);
        uint high = BinaryPrimitives.ReadUInt32LittleEndian(block[2..]);
        for (int j = 0; j < 2 * Half; j++) y[j] = (Five(block[6..], high, j) - 16) * d;
    }

    public static void DequantizeQ5_1(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0), m = Blocks.Half(block, 2);
        uint high = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        for (int j = 0; j < 2 * Half; j++) y[j] = Five(block[8..], high, j) * d + m;
    }

    public static void DequantizeQ8_0(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 0);
        for (int j = 0; j < 2 * Half; j++) y[j] = (sbyte)block[2 + j] * d;
    }

    public static void QuantizeQ4_0(ReadOnlySpan<float> x, Span<byte> block)
    {
        float d = Extreme(x) / -8, inverse = Inverse(d);
        Blocks.PutHalf(block, 0, d);
        for (int j = 0; j < Half; j++) block[2 + j] = (byte)(Step(x[j]) | (Step(x[j + Half]) << 4));

        int Step(float value) => Math.Clamp((int)(value * inverse + 8.5f), 0, 15);
    }

    public static void QuantizeQ4_1(ReadOnlySpan<float> x, Span<byte> block)
    {
        (float min, float max) = Range(x);
        float d = (max - min) / 15, inverse = Inverse(d);
        Blocks.PutHalf(block, 0, d);
        Blocks.PutHalf(block, 2, min);
        for (int j = 0; j < Half; j++) block[4 + j] = (byte)(Step(x[j]) | (Step(x[j + Half]) << 4));

        int Step(float value) => Math.Clamp((int)((value - min) * inverse + 0.5f), 0, 15);
    }

    public static void QuantizeQ5_0(ReadOnlySpan<float> x, Span<byte> block)
    {
        float d = Extreme(x) / -16, inverse = Inverse(d);
        Blocks.PutHalf(block, 0, d);
        uint high = 0;
        for (int j = 0; j < Half; j++) block[6 + j] = Pack(Step(x[j]), Step(x[j + Half]), j, ref high);
        BinaryPrimitives.WriteUInt32LittleEndian(block[2..], high);

        int Step(float value) => Math.Clamp((int)(value * inverse + 16.5f), 0, 31);
    }

    public static void QuantizeQ5_1(ReadOnlySpan<float> x, Span<byte> block)
    {
        (float min, float max) = Range(x);
        float d = (max - min) / 31, inverse = Inverse(d);
        Blocks.PutHalf(block, 0, d);
        Blocks.PutHalf(block, 2, min);
        uint high = 0;
        for (int j = 0; j < Half; j++) block[8 + j] = Pack(Step(x[j]), Step(x[j + Half]), j, ref high);
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], high);

        int Step(float value) => Math.Clamp((int)((value - min) * inverse + 0.5f), 0, 31);
    }

    public static void QuantizeQ8_0(ReadOnlySpan<float> x, Span<byte> block)
    {
        float d = Magnitude(x) / 127, inverse = Inverse(d);
        Blocks.PutHalf(block, 0, d);
        for (int j = 0; j < 2 * Half; j++) block[2 + j] = (byte)(sbyte)MathF.Round(x[j] * inverse, MidpointRounding.AwayFromZero);
    }

    /// <summary>The greatest magnitude.</summary>
    public static float Magnitude(ReadOnlySpan<float> x)
    {
        float most = 0;
        foreach (float value in x) most = MathF.Max(most, MathF.Abs(value));
        return most;
    }

    /// <summary>1/d, and 0 for 0.</summary>
    public static float Inverse(float d) => d == 0 ? 0 : 1 / d;

    private static int Five(ReadOnlySpan<byte> low, uint high, int j) =>
        (j < Half ? low[j] & 15 : low[j - Half] >> 4) | (int)((high >> j) & 1) << 4;

    private static byte Pack(int first, int second, int j, ref uint high)
    {
        high |= (uint)(first >> 4) << j | (uint)(second >> 4) << (j + Half);
        return (byte)((first & 15) | (second & 15) << 4);
    }

    // The first value of the greatest magnitude, with its sign.
    private static float Extreme(ReadOnlySpan<float> x)
    {
        float extreme = x[0]; // so that a block of zeros keeps their sign
        foreach (float value in x)
            if (MathF.Abs(value) > MathF.Abs(extreme)) extreme = value;
        return extreme;
    }

    private static (float Min, float Max) Range(ReadOnlySpan<float> x)
    {
        float min = x[0], max = x[0];
        foreach (float value in x)
        {
            if (value < min) min = value;
            if (value > max) max = value;
        }
        return (min, max);
    }
}
