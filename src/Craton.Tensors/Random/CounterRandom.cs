using System.Text;

namespace Craton.Tensors;

/// <summary>
/// Random numbers that are a function of seed, step, place and number: no state, so element i of a tensor has the same value for any
/// number of threads, after a resume, and on every machine. Philox4x32-10; the seed is its key, the rest its counter.
/// </summary>
/// <remarks>Different kinds of numbers (uniform, normal, integers …) of one key are independent of each other. Two uses of one kind need
/// different steps or places. Numbers of elements are below 2⁴⁸.</remarks>
/// <param name="seed">Seed of the run.</param>
/// <param name="step">Step of the training, or another running number.</param>
/// <param name="place">What the numbers are for: a layer, a tensor (see <see cref="PlaceOf"/>).</param>
public readonly unsafe partial struct CounterRandom(ulong seed, uint step = 0, uint place = 0)
{
    private const int ChunkLength = 1 << 14; // elements of a task; a multiple of 4

    /// <summary>What a number is for, in the highest bits of the counter, so that no two kinds ever use the same block.</summary>
    private enum Kind : uint
    {
        Words,
        Normal,
        Bernoulli,
        Integer,
        Permutation,
    }

    /// <summary>Seed of the run.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>Step of the training, or another running number.</summary>
    public uint Step { get; } = step;

    /// <summary>What the numbers are for.</summary>
    public uint Place { get; } = place;

    /// <summary>A place for a name such as the path of a module: its FNV-1a hash (32 bits over UTF-8).</summary>
    public static uint PlaceOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        uint hash = 2166136261;
        foreach (byte value in Encoding.UTF8.GetBytes(name))
            hash = (hash ^ value) * 16777619;
        return hash;
    }

    /// <summary>Word i: 32 random bits.</summary>
    public uint Bits(long i) => Word(Kind.Words, i);

    /// <summary>Number i, uniform in [0, 1): one of the 2²⁴ multiples of 2⁻²⁴.</summary>
    public float Uniform(long i) => ToUniform(Word(Kind.Words, i));

    /// <summary>Number i of the standard normal distribution, within ±6.338.</summary>
    public float Normal(long i) => (float)NormalQuantile.FromBits(Word(Kind.Normal, i));

    /// <summary>Number i, true with the given probability (to 2⁻³²).</summary>
    public bool Bernoulli(long i, double probability) => Word(Kind.Bernoulli, i) < Threshold(probability);

    /// <summary>Number i of the integers 0 .. <paramref name="bound"/>-1, all exactly equally likely.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is less than 1.</exception>
    public int NextInt(long i, int bound) => Below(Kind.Integer, i, bound);

    /// <summary>Fills with a random order of the integers 0 .. length-1, all orders equally likely (Fisher and Yates).</summary>
    public void Permute(Span<int> destination)
    {
        for (int i = 0; i < destination.Length; i++)
        {
            int j = Below(Kind.Permutation, i, i + 1);
            destination[i] = destination[j];
            destination[j] = i;
        }
    }

    private static float ToUniform(uint word) => (word >> 8) * (1f / (1 << 24));

    /// <summary>A word lies below this with the given probability.</summary>
    private static ulong Threshold(double probability)
    {
        if (probability is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "a probability lies between 0 and 1");
        return (ulong)(probability * 4294967296.0);
    }

    /// <summary>D. Lemire, "Fast Random Integer Generation in an Interval" (2019): the high half of word·bound; words whose low half is in
    /// the uneven rest are rejected. Each number has blocks of its own to take words from.</summary>
    private int Below(Kind kind, long i, int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        uint rest = (uint)(-bound) % (uint)bound; // 2³² mod bound
        for (uint attempt = 0; ; attempt++)
        {
            (uint x0, uint x1, uint x2, uint x3) = Block(kind, i, attempt);
            if (Accept(x0, bound, rest, out int result) || Accept(x1, bound, rest, out result)
                || Accept(x2, bound, rest, out result) || Accept(x3, bound, rest, out result))
                return result;
        }
    }

    private static bool Accept(uint word, int bound, uint rest, out int result)
    {
        ulong product = (ulong)word * (uint)bound;
        result = (int)(product >> 32);
        return (uint)product >= rest;
    }

    private uint Word(Kind kind, long i)
    {
        (uint x0, uint x1, uint x2, uint x3) = Block(kind, i >> 2);
        return (i & 3) switch { 0 => x0, 1 => x1, 2 => x2, _ => x3 };
    }

    /// <summary>Counter, from its highest bit: place 32, step 32, kind 4, attempt 12, number 48.</summary>
    private (uint X0, uint X1, uint X2, uint X3) Block(Kind kind, long number, uint attempt = 0)
    {
        uint high = ((uint)kind << 28) | ((attempt & 0xFFF) << 16) | ((uint)(number >> 32) & 0xFFFF);
        return Philox.Block4x32(((uint)number, high, Step, Place), ((uint)Seed, (uint)(Seed >> 32)));
    }
}
