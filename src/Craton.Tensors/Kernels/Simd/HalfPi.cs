using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>
/// Remainders of large floats by π/2 in integer arithmetic: M. Payne and R. Hanek, "Radian reduction for trigonometric functions",
/// SIGNUM Newsletter 18 (1983).
/// </summary>
internal static unsafe class HalfPi
{
    /// <summary>From here on the three-part reduction of <see cref="VMath"/> loses accuracy.</summary>
    public const float FirstLarge = 65536;

    /// <summary>The first 256 binary digits of 2/π.</summary>
    private static ReadOnlySpan<ulong> TwoOverPiDigits =>
        [0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561];

    /// <summary>Replaces the remainders and quadrants of the lanes whose <paramref name="a"/> is large; keeps the others.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V ReduceLarge<V>(V a, V remainder, ref V quadrant) where V : struct, IVec<V>
    {
        float* arguments = stackalloc float[V.Lanes];
        float* remainders = stackalloc float[V.Lanes];
        int* quadrants = stackalloc int[V.Lanes];
        V.Store(arguments, 0, a);
        V.Store(remainders, 0, remainder);
        V.Store(quadrants, 0, quadrant);
        for (int lane = 0; lane < V.Lanes; lane++)
        {
            if (arguments[lane] >= FirstLarge)
                remainders[lane] = Reduce(arguments[lane], out quadrants[lane]);
        }

        quadrant = V.Load(quadrants);
        return V.Load(remainders);
    }

    /// <summary>The remainder in [−π/4, π/4] and the number of multiples modulo 4, for a ≥ <see cref="FirstLarge"/>.</summary>
    private static float Reduce(float a, out int quadrant)
    {
        quadrant = 0;
        if (float.IsPositiveInfinity(a))
            return float.NaN;

        // a = mantissa · 2^exponent. Digit d of 2/π weighs 2^−d, so digits below exponent − 1 only add multiples of 4 to a · 2/π.
        int bits = BitConverter.SingleToInt32Bits(a);
        int exponent = (bits >> 23) - 150;
        uint mantissa = (uint)(bits & 0x7FFFFF) | 0x800000;
        int firstDigit = Math.Max(exponent - 1, 1);
        UInt128 product = mantissa * Digits(firstDigit);

        int fractionBits = 95 + firstDigit - exponent;
        UInt128 multiples = (product + (UInt128.One << (fractionBits - 1))) >> fractionBits;
        quadrant = (int)((uint)multiples & 3);
        double fraction = (double)(Int128)(product - (multiples << fractionBits));
        double unit = BitConverter.Int64BitsToDouble((1023L - fractionBits) << 52);
        return (float)(fraction * unit * (Math.PI / 2));
    }

    /// <summary>96 digits of 2/π from the given one (1 is the first behind the point), as an integer.</summary>
    private static UInt128 Digits(int first)
    {
        ReadOnlySpan<ulong> words = TwoOverPiDigits;
        int word = (first - 1) / 64, shift = (first - 1) % 64;
        var digits = new UInt128(words[word], words[word + 1]) << shift;
        if (shift > 0)
            digits |= words[word + 2] >> (64 - shift);
        return digits >> 32;
    }
}
