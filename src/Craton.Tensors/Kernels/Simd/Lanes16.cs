using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>
/// What a row is reduced by. <see cref="Step"/> may read any number of rows and may store (the exponentials of a softmax, say):
/// its fields hold the pointers and the constants.
/// </summary>
internal interface IRowFold
{
    /// <summary>The value every lane starts from, the neutral element of <see cref="Combine"/>.</summary>
    V Start<V>() where V : struct, IVec<V>;

    /// <summary>The accumulators with the elements [index, index + V.Lanes) taken in.</summary>
    V Step<V>(V accumulator, long index) where V : struct, IVec<V>;

    /// <summary>Two partial results as one.</summary>
    V Combine<V>(V a, V b) where V : struct, IVec<V>;
}

/// <summary>
/// Reductions of one row in one fixed order, whatever the register: element i belongs to lane i mod 16, each lane takes its elements
/// in order, and the lanes are combined by one tree: l with l + 8, then l + 4, l + 2, l + 1. One 512-bit, two 256-bit or four 128-bit
/// registers hold the sixteen lanes, so all widths give equal bits.
/// </summary>
internal static unsafe class Lanes16
{
    private const int Count = 16;
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>Σ x[i]; 0 for an empty row.</summary>
    public static float Sum(float* x, long n) => (float)Fold(new SumFold(x), n);

    /// <inheritdoc cref="Sum(float*, long)"/>
    public static double Sum(double* x, long n) => Fold<Scalar64, SumFold>(new(x), n);

    /// <summary>Σ x[i]², by fused multiply-adds.</summary>
    public static float SumOfSquares(float* x, long n) => (float)Fold(new DotFold(x, x), n);

    /// <inheritdoc cref="SumOfSquares(float*, long)"/>
    public static double SumOfSquares(double* x, long n) => Fold<Scalar64, DotFold>(new(x, x), n);

    /// <summary>Σ x[i] · y[i], by fused multiply-adds.</summary>
    public static float Dot(float* x, float* y, long n) => (float)Fold(new DotFold(x, y), n);

    /// <inheritdoc cref="Dot(float*, float*, long)"/>
    public static double Dot(double* x, double* y, long n) => Fold<Scalar64, DotFold>(new(x, y), n);

    /// <summary>The largest element, −∞ for an empty row, NaN if any element is NaN.</summary>
    public static float Max(float* x, long n) => (float)Fold(new MaxFold(x), n);

    /// <inheritdoc cref="Max(float*, long)"/>
    public static double Max(double* x, long n) => Fold<Scalar64, MaxFold>(new(x), n);

    /// <summary>y[i] = f(x[i]), and the sum of all y[i]: the heart of a softmax. y may be x.</summary>
    public static float MapSum<TOp>(TOp f, float* x, float* y, long n) where TOp : struct, IMap =>
        (float)Fold(new MapSumFold<TOp>(f, x, y), n);

    /// <inheritdoc cref="MapSum{TOp}(TOp, float*, float*, long)"/>
    public static double MapSum<TOp>(TOp f, double* x, double* y, long n) where TOp : struct, IMap =>
        Fold<Scalar64, MapSumFold<TOp>>(new(f, x, y), n);

    /// <summary>Reduces the elements [0, n) of float rows with the chosen registers; the result is a float.</summary>
    [MethodImpl(Inline)]
    public static double Fold<TFold>(TFold fold, long n) where TFold : struct, IRowFold
    {
        var job = new FoldJob<TFold>(fold, n);
        SimdWidth.Run(ref job);
        return job.Result;
    }

    /// <summary>
    /// Reduces the elements [0, n) with registers of type <typeparamref name="V"/>. The result is exact in the type of V's elements.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    public static double Fold<V, TFold>(TFold fold, long n) where V : struct, IVec<V> where TFold : struct, IRowFold
    {
        double* lanes = stackalloc double[Count]; // or sixteen floats
        long whole = n & -Count;

        // A pass covers four registers, or as many as sixteen lanes need: one pass, or four for single elements.
        for (int lane = 0; lane < Count; lane += 4 * V.Lanes)
        {
            V a0 = fold.Start<V>(), a1 = a0, a2 = a0, a3 = a0;
            for (long i = lane; i < whole; i += Count)
            {
                a0 = fold.Step(a0, i);
                if (V.Lanes <= 8)
                    a1 = fold.Step(a1, i + V.Lanes);
                if (V.Lanes <= 4)
                {
                    a2 = fold.Step(a2, i + 2 * V.Lanes);
                    a3 = fold.Step(a3, i + 3 * V.Lanes);
                }
            }

            V.Store(lanes, lane, a0);
            if (V.Lanes <= 8)
                V.Store(lanes, lane + V.Lanes, a1);
            if (V.Lanes <= 4)
            {
                V.Store(lanes, lane + 2 * V.Lanes, a2);
                V.Store(lanes, lane + 3 * V.Lanes, a3);
            }
        }

        // Registers of several lanes hold floats.
        return V.Lanes == 1 ? Finish<V, V, TFold>(fold, lanes, whole, n) : Finish<Vec128, Scalar32, TFold>(fold, lanes, whole, n);
    }

    /// <summary>Takes the last n mod 16 elements into their lanes, then combines the lanes: W is S or four of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static double Finish<W, S, TFold>(TFold fold, double* lanes, long whole, long n)
        where W : struct, IVec<W> where S : struct, IVec<S> where TFold : struct, IRowFold
    {
        for (long i = whole; i < n; i++)
            S.Store(lanes, i - whole, fold.Step(S.Load(lanes, i - whole), i));

        Halve<W, TFold>(fold, lanes, 8);
        Halve<W, TFold>(fold, lanes, 4);
        Halve<S, TFold>(fold, lanes, 2);
        Halve<S, TFold>(fold, lanes, 1);
        return S.ElementSize == sizeof(float) ? *(float*)lanes : *lanes;
    }

    /// <summary>One level of the tree: lane l takes in lane l + distance.</summary>
    [MethodImpl(Inline)]
    private static void Halve<W, TFold>(TFold fold, double* lanes, int distance)
        where W : struct, IVec<W> where TFold : struct, IRowFold
    {
        for (int l = 0; l < distance; l += W.Lanes)
            W.Store(lanes, l, fold.Combine(W.Load(lanes, l), W.Load(lanes, l + distance)));
    }

    private struct FoldJob<TFold>(TFold fold, long n) : IVecJob where TFold : struct, IRowFold
    {
        private readonly TFold fold = fold;
        private readonly long n = n;
        public double Result;

        [MethodImpl(Inline)]
        public void Run<V>() where V : struct, IVec<V> => Result = Fold<V, TFold>(fold, n);
    }

    private readonly struct SumFold(void* x) : IRowFold
    {
        private readonly void* x = x;

        [MethodImpl(Inline)]
        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(0);

        [MethodImpl(Inline)]
        public V Step<V>(V sum, long i) where V : struct, IVec<V> => sum + V.Load(x, i);

        [MethodImpl(Inline)]
        public V Combine<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }

    private readonly struct DotFold(void* x, void* y) : IRowFold
    {
        private readonly void* x = x, y = y;

        [MethodImpl(Inline)]
        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(0);

        [MethodImpl(Inline)]
        public V Step<V>(V sum, long i) where V : struct, IVec<V> => V.Fma(V.Load(x, i), V.Load(y, i), sum);

        [MethodImpl(Inline)]
        public V Combine<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }

    private readonly struct MaxFold(void* x) : IRowFold
    {
        private readonly void* x = x;

        [MethodImpl(Inline)]
        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(double.NegativeInfinity);

        [MethodImpl(Inline)]
        public V Step<V>(V max, long i) where V : struct, IVec<V> => V.Max(max, V.Load(x, i));

        [MethodImpl(Inline)]
        public V Combine<V>(V a, V b) where V : struct, IVec<V> => V.Max(a, b);
    }

    private readonly struct MapSumFold<TOp>(TOp f, void* x, void* y) : IRowFold where TOp : struct, IMap
    {
        private readonly TOp f = f;
        private readonly void* x = x, y = y;

        [MethodImpl(Inline)]
        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(0);

        [MethodImpl(Inline)]
        public V Step<V>(V sum, long i) where V : struct, IVec<V>
        {
            V value = f.Apply(V.Load(x, i));
            V.Store(y, i, value);
            return sum + value;
        }

        [MethodImpl(Inline)]
        public V Combine<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }
}
