namespace Craton.Tensors.Quantization;

/// <summary>Blocks of 256 values −d, 0 or d. TQ1_0 packs five digits to the base 3 in a byte, TQ2_0 four of 2 bits.</summary>
internal static class TernaryBlocks
{
    // Runs of bytes of TQ1_0 as (first byte, bytes, digits): digit n of byte m of a run is the run's value n · bytes + m.
    private static readonly (int First, int Bytes, int Digits)[] Runs = [(0, 32, 5), (32, 16, 5), (48, 4, 4)];

    private static ReadOnlySpan<byte> PowersOf3 => [1, 3, 9, 27, 81];

    public static void DequantizeTq1(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 52);
        int at = 0;
        foreach ((int first, int bytes, int digits) in Runs)
            for (int n = 0; n < digits; n++)
                for (int m = 0; m < bytes; m++)
                {
                    // The byte is a fraction of 256, whose digits are shifted out one by one.
                    byte shifted = (byte)(block[first + m] * PowersOf3[n]);
                    y[at++] = ((shifted * 3 >> 8) - 1) * d;
                }
    }

    public static void DequantizeTq2(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Blocks.Half(block, 64);
        for (int i = 0; i < 256; i++) y[i] = (((block[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2)) & 3) - 1) * d;
    }

    public static void QuantizeTq1(ReadOnlySpan<float> x, Span<byte> block)
    {
        float d = Blocks32.Magnitude(x), inverse = Blocks32.Inverse(d);
        int at = 0;
        foreach ((int first, int bytes, int digits) in Runs)
        {
            for (int m = 0; m < bytes; m++)
            {
                int number = 0;
                for (int n = 0; n < 5; n++) number = 3 * number + (n < digits ? Digit(x[at + n * bytes + m], inverse) : 0);
                block[first + m] = (byte)((number * 256 + 242) / 243); // rounded up, so that shifting out finds the digits
            }
            at += bytes * digits;
        }
        Blocks.PutHalf(block, 52, d);
    }

    public static void QuantizeTq2(ReadOnlySpan<float> x, Span<byte> block)
    {
        float d = Blocks32.Magnitude(x), inverse = Blocks32.Inverse(d);
        block.Clear();
        for (int i = 0; i < 256; i++) block[i / 128 * 32 + i % 32] |= (byte)(Digit(x[i], inverse) << (i / 32 % 4 * 2));
        Blocks.PutHalf(block, 64, d);
    }

    private static int Digit(float value, float inverse) => (int)MathF.Round(value * inverse, MidpointRounding.AwayFromZero) + 1;
}
