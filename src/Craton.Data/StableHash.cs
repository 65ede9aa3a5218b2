namespace Craton.Data;

/// <summary>
/// 64-bit hashes that are the same in every process, on every machine and for ever (unlike <see cref="string.GetHashCode()"/>).
/// They decide splits, sampling and duplicates, so changing one constant here changes every data set. Not for security.
/// The mixing step is the folded 64 x 64 -> 128-bit product known from wyhash and MUM.
/// </summary>
public static class StableHash
{
    private const ulong Key0 = 0x9E3779B97F4A7C15, Key1 = 0xD6E8FEB86659FD93;

    /// <summary>Hashes UTF-16 text under a seed.</summary>
    public static ulong Of(ReadOnlySpan<char> text, ulong seed = 0)
    {
        ulong hash = Mix(seed ^ Key0, (ulong)text.Length ^ Key1);
        while (text.Length >= 4)
        {
            hash = Mix(hash ^ (text[0] | (ulong)text[1] << 16 | (ulong)text[2] << 32 | (ulong)text[3] << 48), Key0);
            text = text[4..];
        }

        ulong tail = 0;
        foreach (char c in text) tail = tail << 16 | c;
        return Mix(hash ^ tail, Key1);
    }

    /// <summary>Combines two hashes; the order matters.</summary>
    public static ulong Combine(ulong first, ulong second) => Mix(first ^ Key0, second ^ Key1);

    /// <summary>A hash as a fraction in [0, 1), exact in a double (53 bits).</summary>
    public static double ToUnit(ulong hash) => (hash >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number below <paramref name="bound"/> from a hash, without the bias of a remainder (Lemire 2019, without rejection: the bias is below bound / 2^64).</summary>
    public static ulong Below(ulong hash, ulong bound) => Math.BigMul(hash, bound, out _);

    private static ulong Mix(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        ulong folded = high ^ low;

        // One more multiply-xorshift: the fold alone keeps some structure of small inputs such as counters.
        folded ^= folded >> 32;
        folded *= Key1;
        return folded ^ folded >> 29;
    }
}
