using System.Numerics;

namespace Craton.Data;

/// <summary>
/// A pseudo-random permutation of 0 .. count-1 computed number by number, without any array: a balanced Feistel network over the
/// next even number of bits, walked until it falls back into the range (Black and Rogaway 2002, "Ciphers with arbitrary finite domains").
/// </summary>
internal readonly struct Permutation
{
    // Fewer rounds, or halves of fewer bits, give visibly uneven orders of a handful of documents.
    private const int Rounds = 8, MinHalfBits = 4;
    private readonly ulong _count, _key;
    private readonly int _half;

    /// <summary>Creates the permutation of a key.</summary>
    public Permutation(long count, ulong key)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        (_count, _key) = ((ulong)count, key);
        int bits = 64 - BitOperations.LeadingZeroCount(_count - 1);
        _half = Math.Max(MinHalfBits, (bits + 1) / 2);
    }

    /// <summary>Where number <paramref name="index"/> goes. On average fewer than four walks, for tiny counts up to 256 / count.</summary>
    public long this[long index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, _count, nameof(index));
            ulong x = (ulong)index;
            do x = Encrypt(x);
            while (x >= _count);
            return (long)x;
        }
    }

    private ulong Encrypt(ulong x)
    {
        ulong mask = (1UL << _half) - 1, left = x >> _half, right = x & mask;
        for (int round = 0; round < Rounds; round++)
            (left, right) = (right, left ^ StableHash.Combine(_key + (ulong)round, right) & mask);
        return left << _half | right;
    }
}
