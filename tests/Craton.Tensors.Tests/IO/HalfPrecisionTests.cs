using Craton.Tensors.IO;

namespace Craton.Tensors.Tests.IO;

public sealed class HalfPrecisionTests
{
    private static readonly ushort[] AllBits = [.. Enumerable.Range(0, 1 << 16).Select(i => (ushort)i)];

    private static float[] Widen(DType type)
    {
        float[] wide = new float[AllBits.Length];
        HalfPrecision.Widen(AllBits, wide, type);
        return wide;
    }

    [Fact]
    public void Every_F16_widens_to_its_value()
    {
        float[] wide = Widen(DType.F16);
        for (int i = 0; i < wide.Length; i++)
        {
            float expected = (float)BitConverter.UInt16BitsToHalf(AllBits[i]);
            if (float.IsNaN(expected)) Assert.True(float.IsNaN(wide[i]));
            else Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(wide[i]));
        }
    }

    [Theory]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void Narrowing_what_was_widened_gives_the_same_bits(DType type)
    {
        ushort[] back = new ushort[AllBits.Length];
        HalfPrecision.Narrow(Widen(type), back, type);
        uint quiet = type == DType.F16 ? 0x200u : 0x40u;
        for (int i = 0; i < back.Length; i++)
        {
            bool isNaN = type == DType.F16 ? Half.IsNaN(BitConverter.UInt16BitsToHalf(AllBits[i])) : float.IsNaN(BitConverter.UInt32BitsToSingle((uint)i << 16));
            Assert.Equal(isNaN ? AllBits[i] | quiet : AllBits[i], back[i]);
        }
    }

    /// <summary>Every 16-bit number, the midpoint to the next, and the singles next to that midpoint, all of both signs.</summary>
    [Theory]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void Narrowing_rounds_to_nearest_and_ties_to_even(DType type)
    {
        float[] wide = Widen(type);
        int infinity = type == DType.F16 ? 0x7C00 : 0x7F80;
        for (int i = 0; i < infinity - 1; i++)
        {
            double middle = ((double)wide[i] + wide[i + 1]) / 2;
            Assert.Equal(middle, (float)middle);
            float[] inputs = [(float)middle, MathF.BitDecrement((float)middle), MathF.BitIncrement((float)middle), -(float)middle];
            ushort[] narrow = new ushort[4];
            HalfPrecision.Narrow(inputs, narrow, type);
            int even = i % 2 == 0 ? i : i + 1;
            Assert.Equal([(ushort)even, (ushort)i, (ushort)(i + 1), (ushort)(even | 0x8000)], narrow);
        }
        float largest = wide[infinity - 1];
        float overflow = type == DType.F16 ? 65520 : MathF.BitIncrement(largest * (1 + 1f / 512));
        ushort[] ends = new ushort[3];
        HalfPrecision.Narrow([overflow, MathF.BitDecrement(overflow), float.PositiveInfinity], ends, type);
        Assert.Equal((ushort)infinity, ends[2]);
        if (type == DType.F16) Assert.Equal([(ushort)infinity, (ushort)(infinity - 1)], ends[..2]);
    }

    [Fact]
    public void F16_agrees_with_the_framework_on_random_singles()
    {
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, 1 << 18).Select(_ => BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32))).Where(v => !float.IsNaN(v)),
            .. Enumerable.Range(0, 1 << 18).Select(_ => (random.NextSingle() - 0.5f) * MathF.Pow(2, random.Next(-30, 18)))];
        ushort[] narrow = new ushort[values.Length];
        HalfPrecision.Narrow(values, narrow, DType.F16);
        for (int i = 0; i < values.Length; i++) Assert.Equal(BitConverter.HalfToUInt16Bits((Half)values[i]), narrow[i]);
    }
}
