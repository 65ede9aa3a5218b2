namespace Craton.Tensors;

/// <summary>The counter-based generators Philox of J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel Random Numbers: As Easy as 1, 2,
/// 3" (2011): a keyed bijection of counters whose outputs for 0, 1, 2 … are random numbers. Any of them can be had at once, in any
/// order.</summary>
public static class Philox
{
    private const uint Multiplier2 = 0xD256D193, Multiplier4A = 0xD2511F53, Multiplier4B = 0xCD9E8D57;

    // The key moves by these from round to round: the golden ratio and √3 - 1 in 32 bits.
    private const uint StepA = 0x9E3779B9, StepB = 0xBB67AE85;

    /// <summary>Rounds that the authors recommend.</summary>
    public const int DefaultRounds = 10;

    /// <summary>philox4x32: four random words for a counter of four words (least significant first) and a key of two.</summary>
    public static (uint X0, uint X1, uint X2, uint X3) Block4x32(
        (uint X0, uint X1, uint X2, uint X3) counter, (uint K0, uint K1) key, int rounds = DefaultRounds)
    {
        (uint x0, uint x1, uint x2, uint x3) = counter;
        (uint k0, uint k1) = key;
        for (int round = 0; round < rounds; round++)
        {
            ulong a = (ulong)Multiplier4A * x0, b = (ulong)Multiplier4B * x2;
            (x0, x1, x2, x3) = ((uint)(b >> 32) ^ x1 ^ k0, (uint)b, (uint)(a >> 32) ^ x3 ^ k1, (uint)a);
            k0 += StepA;
            k1 += StepB;
        }
        return (x0, x1, x2, x3);
    }

    /// <summary>philox2x32: two random words for a counter of two words (least significant first) and a key of one.</summary>
    public static (uint X0, uint X1) Block2x32((uint X0, uint X1) counter, uint key, int rounds = DefaultRounds)
    {
        (uint x0, uint x1) = counter;
        for (int round = 0; round < rounds; round++)
        {
            ulong a = (ulong)Multiplier2 * x0;
            (x0, x1) = ((uint)(a >> 32) ^ key ^ x1, (uint)a);
            key += StepA;
        }
        return (x0, x1);
    }
}
