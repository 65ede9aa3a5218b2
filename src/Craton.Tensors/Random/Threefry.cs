using System.Numerics;

namespace Craton.Tensors;

/// <summary>The counter-based generators Threefry of J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel Random Numbers: As Easy as 1,
/// 2, 3" (2011), derived from the block cipher Threefish: additions, rotations and exclusive or only.</summary>
public static class Threefry
{
    private const uint Parity = 0x1BD11BDA;

    /// <summary>Rounds that the authors recommend.</summary>
    public const int DefaultRounds = 20;

    private static ReadOnlySpan<byte> Rotations2 => [13, 15, 26, 6, 17, 29, 16, 24];

    private static ReadOnlySpan<byte> Rotations4A => [10, 11, 13, 23, 6, 17, 25, 18];

    private static ReadOnlySpan<byte> Rotations4B => [26, 21, 27, 5, 20, 11, 10, 20];

    /// <summary>threefry2x32: two random words for a counter and a key of two words each (least significant first).</summary>
    public static (uint X0, uint X1) Block2x32((uint X0, uint X1) counter, (uint K0, uint K1) key, int rounds = DefaultRounds)
    {
        Span<uint> keys = [key.K0, key.K1, Parity ^ key.K0 ^ key.K1];
        (uint x0, uint x1) = (counter.X0 + keys[0], counter.X1 + keys[1]);
        for (int round = 0; round < rounds; round++)
        {
            x0 += x1;
            x1 = BitOperations.RotateLeft(x1, Rotations2[round % 8]) ^ x0;
            if (round % 4 == 3)
            {
                int injection = (round / 4) + 1;
                x0 += keys[injection % 3];
                x1 += keys[(injection + 1) % 3] + (uint)injection;
            }
        }
        return (x0, x1);
    }

    /// <summary>threefry4x32: four random words for a counter and a key of four words each (least significant first).</summary>
    public static (uint X0, uint X1, uint X2, uint X3) Block4x32(
        (uint X0, uint X1, uint X2, uint X3) counter, (uint K0, uint K1, uint K2, uint K3) key, int rounds = DefaultRounds)
    {
        Span<uint> keys = [key.K0, key.K1, key.K2, key.K3, Parity ^ key.K0 ^ key.K1 ^ key.K2 ^ key.K3];
        (uint x0, uint x1, uint x2, uint x3) = (counter.X0 + keys[0], counter.X1 + keys[1], counter.X2 + keys[2], counter.X3 + keys[3]);
        for (int round = 0; round < rounds; round++)
        {
            // Words 1 and 3 exchange their partners in every other round.
            (uint p, uint q) = round % 2 == 0 ? (x1, x3) : (x3, x1);
            x0 += p;
            p = BitOperations.RotateLeft(p, Rotations4A[round % 8]) ^ x0;
            x2 += q;
            q = BitOperations.RotateLeft(q, Rotations4B[round % 8]) ^ x2;
            (x1, x3) = round % 2 == 0 ? (p, q) : (q, p);
            if (round % 4 == 3)
            {
                int injection = (round / 4) + 1;
                x0 += keys[injection % 5];
                x1 += keys[(injection + 1) % 5];
                x2 += keys[(injection + 2) % 5];
                x3 += keys[(injection + 3) % 5] + (uint)injection;
            }
        }
        return (x0, x1, x2, x3);
    }
}
