using System.Numerics;

namespace Craton.Data;

/// <summary>
/// A random order of the numbers below n without a table: a Feistel network over the next power of four, walked until it lands below n
/// (Black, Rogaway 2002). The same key gives the same order for ever.
/// </summary>
public readonly struct Permutation
{
    private const int Rounds = 6;

    private readonly long _count;
    private readonly ulong _key;
    private readonly int _halfBits;

    /// <summary>The order of <paramref name="count"/> numbers under a key.</summary>
    public Permutation(long count, ulong seed, ulong epoch)
    {
        _count = count;
        _key = StableHash.Combine(seed, epoch);
        _halfBits = Math.Max(1, (BitOperations.Log2((ulong)Math.Max(1, count - 1)) + 2) / 2);
    }

    /// <summary>The number at a place.</summary>
    public long this[long place]
    {
        get
        {
            do place = Encipher((ulong)place);
            while (place >= _count);
            return place;
        }
    }

    private long Encipher(ulong value)
    {
        ulong mask = (1UL << _halfBits) - 1, left = value >> _halfBits, right = value & mask;
        for (ulong round = 0; round < Rounds; round++)
            (left, right) = (right, left ^ (StableHash.Combine(_key + round, right) & mask));
        return (long)(left << _halfBits | right);
    }
}
