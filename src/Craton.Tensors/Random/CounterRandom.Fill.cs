using Craton.Tensors.Threading;

namespace Craton.Tensors;

// Whole spans, on all workers.
public readonly unsafe partial struct CounterRandom
{
    /// <summary>Sets element i to <see cref="Uniform"/>(first + i) stretched to [low, high): low + u·(high - low) with two roundings.
    /// </summary>
    public void FillUniform(Span<float> destination, float low = 0, float high = 1, long first = 0)
        => Fill(destination, first, new UniformFill(low, high - low));

    /// <summary>Sets element i to mean + deviation·<see cref="Normal"/>(first + i), computed in double and rounded once.</summary>
    public void FillNormal(Span<float> destination, float mean = 0, float deviation = 1, long first = 0)
        => Fill(destination, first, new NormalFill(mean, deviation));

    /// <summary>Sets element i to <paramref name="yes"/> where <see cref="Bernoulli"/>(first + i) holds, else to <paramref name="no"/>.
    /// A dropout mask of rate p is <c>FillBernoulli(mask, 1 - p, 1 / (1 - p), 0)</c>.</summary>
    public void FillBernoulli<T>(Span<T> destination, double probability, T yes, T no, long first = 0)
        where T : unmanaged
        => Fill(destination, first, new BernoulliFill<T>(Threshold(probability), yes, no));

    private void Fill<T, TFill>(Span<T> destination, long first, TFill fill)
        where T : unmanaged
        where TFill : struct, IFill<T>
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        fixed (T* start = destination)
        {
            var job = new FillJob<T, TFill>(this, start, destination.Length, first, fill);
            WorkerPool.Run(ref job, (int)(((long)destination.Length + ChunkLength - 1) / ChunkLength));
        }
    }

    /// <summary>How one word becomes an element.</summary>
    private interface IFill<T>
    {
        static abstract Kind Kind { get; }

        T Element(uint word);
    }

    private readonly struct UniformFill(float low, float range) : IFill<float>
    {
        public static Kind Kind => Kind.Words;

        public float Element(uint word) => low + (ToUniform(word) * range);
    }

    private readonly struct NormalFill(double mean, double deviation) : IFill<float>
    {
        public static Kind Kind => Kind.Normal;

        public float Element(uint word) => (float)(mean + (deviation * NormalQuantile.FromBits(word)));
    }

    private readonly struct BernoulliFill<T>(ulong threshold, T yes, T no) : IFill<T>
    {
        public static Kind Kind => Kind.Bernoulli;

        public T Element(uint word) => word < threshold ? yes : no;
    }

    private readonly struct FillJob<T, TFill>(CounterRandom random, T* start, int length, long first, TFill fill) : IJob
        where T : unmanaged
        where TFill : struct, IFill<T>
    {
        public void Run(int task, int worker)
        {
            long begin = (long)task * ChunkLength, end = Math.Min(length, begin + ChunkLength);
            long i = begin;
            for (; i < end && ((first + i) & 3) != 0; i++)
                start[i] = fill.Element(random.Word(TFill.Kind, first + i));
            for (; i <= end - 4; i += 4)
            {
                (uint x0, uint x1, uint x2, uint x3) = random.Block(TFill.Kind, (first + i) >> 2);
                start[i] = fill.Element(x0);
                start[i + 1] = fill.Element(x1);
                start[i + 2] = fill.Element(x2);
                start[i + 3] = fill.Element(x3);
            }
            for (; i < end; i++)
                start[i] = fill.Element(random.Word(TFill.Kind, first + i));
        }
    }
}
