using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>A function of one element, such as exp; fields hold its constants.</summary>
internal interface IMap
{
    /// <summary>The function, lane by lane.</summary>
    V Apply<V>(V x) where V : struct, IVec<V>;
}

/// <summary>A function of two elements, such as a + b.</summary>
internal interface IZip
{
    /// <summary>The function, lane by lane.</summary>
    V Apply<V>(V a, V b) where V : struct, IVec<V>;
}

/// <summary>A function of three elements, such as where(condition, a, b).</summary>
internal interface IZip3
{
    /// <summary>The function, lane by lane.</summary>
    V Apply<V>(V a, V b, V c) where V : struct, IVec<V>;
}

/// <summary>The body of a loop over element indices that are independent of each other, with any number of arrays in and out.</summary>
internal interface IElementLoop
{
    /// <summary>Does the work of the elements [index, index + V.Lanes).</summary>
    void At<V>(long index) where V : struct, IVec<V>;
}

/// <summary>
/// Loops over contiguous elements. An output may be the very array of an input (in place); other overlaps are not allowed.
/// The overloads on floats use the registers of <see cref="SimdWidth"/>, those on doubles compute in reference precision.
/// </summary>
internal static unsafe class Elementwise
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>y[i] = f(x[i]).</summary>
    public static void Map<TOp>(TOp f, float* x, float* y, long n) where TOp : struct, IMap =>
        ForEach(new MapLoop<TOp>(f, x, y), n);

    /// <inheritdoc cref="Map{TOp}(TOp, float*, float*, long)"/>
    public static void Map<TOp>(TOp f, double* x, double* y, long n) where TOp : struct, IMap =>
        ForEach<Scalar64, MapLoop<TOp>>(new(f, x, y), n);

    /// <summary>y[i] += f(x[i]).</summary>
    public static void MapAdd<TOp>(TOp f, float* x, float* y, long n) where TOp : struct, IMap =>
        ForEach(new MapAddLoop<TOp>(f, x, y), n);

    /// <inheritdoc cref="MapAdd{TOp}(TOp, float*, float*, long)"/>
    public static void MapAdd<TOp>(TOp f, double* x, double* y, long n) where TOp : struct, IMap =>
        ForEach<Scalar64, MapAddLoop<TOp>>(new(f, x, y), n);

    /// <summary>y[i] = f(a[i], b[i]).</summary>
    public static void Zip<TOp>(TOp f, float* a, float* b, float* y, long n) where TOp : struct, IZip =>
        ForEach(new ZipLoop<TOp>(f, a, b, y), n);

    /// <inheritdoc cref="Zip{TOp}(TOp, float*, float*, float*, long)"/>
    public static void Zip<TOp>(TOp f, double* a, double* b, double* y, long n) where TOp : struct, IZip =>
        ForEach<Scalar64, ZipLoop<TOp>>(new(f, a, b, y), n);

    /// <summary>y[i] += f(a[i], b[i]).</summary>
    public static void ZipAdd<TOp>(TOp f, float* a, float* b, float* y, long n) where TOp : struct, IZip =>
        ForEach(new ZipAddLoop<TOp>(f, a, b, y), n);

    /// <inheritdoc cref="ZipAdd{TOp}(TOp, float*, float*, float*, long)"/>
    public static void ZipAdd<TOp>(TOp f, double* a, double* b, double* y, long n) where TOp : struct, IZip =>
        ForEach<Scalar64, ZipAddLoop<TOp>>(new(f, a, b, y), n);

    /// <summary>y[i] = f(a[i], b[i], c[i]).</summary>
    public static void Zip3<TOp>(TOp f, float* a, float* b, float* c, float* y, long n) where TOp : struct, IZip3 =>
        ForEach(new Zip3Loop<TOp>(f, a, b, c, y), n);

    /// <inheritdoc cref="Zip3{TOp}(TOp, float*, float*, float*, float*, long)"/>
    public static void Zip3<TOp>(TOp f, double* a, double* b, double* c, double* y, long n) where TOp : struct, IZip3 =>
        ForEach<Scalar64, Zip3Loop<TOp>>(new(f, a, b, c, y), n);

    /// <summary>y[i] += f(a[i], b[i], c[i]).</summary>
    public static void Zip3Add<TOp>(TOp f, float* a, float* b, float* c, float* y, long n) where TOp : struct, IZip3 =>
        ForEach(new Zip3AddLoop<TOp>(f, a, b, c, y), n);

    /// <inheritdoc cref="Zip3Add{TOp}(TOp, float*, float*, float*, float*, long)"/>
    public static void Zip3Add<TOp>(TOp f, double* a, double* b, double* c, double* y, long n) where TOp : struct, IZip3 =>
        ForEach<Scalar64, Zip3AddLoop<TOp>>(new(f, a, b, c, y), n);

    /// <summary>Runs a loop body on the elements [0, n) of float arrays with the chosen registers.</summary>
    [MethodImpl(Inline)]
    public static void ForEach<TLoop>(TLoop body, long n) where TLoop : struct, IElementLoop
    {
        var job = new ForEachJob<TLoop>(body, n);
        SimdWidth.Run(ref job);
    }

    /// <summary>Runs a loop body on the elements [0, n) with registers of type <typeparamref name="V"/>, then on single elements.</summary>
    // Compiled with full optimisation at the first call: no slow first runs, and no profile that could change the code of a formula.
    // The body stands here once: unrolling gains nothing (the processor overlaps the iterations) and a long formula written out
    // several times would exceed what the JIT inlines into one method.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void ForEach<V, TLoop>(TLoop body, long n) where V : struct, IVec<V> where TLoop : struct, IElementLoop
    {
        long i = 0;
        for (; i <= n - V.Lanes; i += V.Lanes)
            body.At<V>(i);

        if (i < n)
            Rest(body, i, n);
    }

    // Only registers of several lanes, which hold floats, leave a rest.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rest<TLoop>(TLoop body, long i, long n) where TLoop : struct, IElementLoop
    {
        for (; i < n; i++)
            body.At<Scalar32>(i);
    }

    private readonly struct ForEachJob<TLoop>(TLoop body, long n) : IVecJob where TLoop : struct, IElementLoop
    {
        private readonly TLoop body = body;
        private readonly long n = n;

        [MethodImpl(Inline)]
        public void Run<V>() where V : struct, IVec<V> => ForEach<V, TLoop>(body, n);
    }

    private readonly struct MapLoop<TOp>(TOp f, void* x, void* y) : IElementLoop where TOp : struct, IMap
    {
        private readonly TOp f = f;
        private readonly void* x = x, y = y;

        [MethodImpl(Inline)]
        public void At<V>(long i) where V : struct, IVec<V> => V.Store(y, i, f.Apply(V.Load(x, i)));
    }

    private readonly struct MapAddLoop<TOp>(TOp f, void* x, void* y) : IElementLoop where TOp : struct, IMap
    {
        private readonly TOp f = f;
        private readonly void* x = x, y = y;

        [MethodImpl(Inline)]
        public void At<V>(long i) where V : struct, IVec<V> => V.Store(y, i, V.Load(y, i) + f.Apply(V.Load(x, i)));
    }

    private readonly struct ZipLoop<TOp>(TOp f, void* a, void* b, void* y) : IElementLoop where TOp : struct, IZip
    {
        private readonly TOp f = f;
        private readonly void* a = a, b = b, y = y;

        [MethodImpl(Inline)]
        public void At<V>(long i) where V : struct, IVec<V> => V.Store(y, i, f.Apply(V.Load(a, i), V.Load(b, i)));
    }

    private readonly struct ZipAddLoop<TOp>(TOp f, void* a, void* b, void* y) : IElementLoop where TOp : struct, IZip
    {
        private readonly TOp f = f;
        private readonly void* a = a, b = b, y = y;

        [MethodImpl(Inline)]
        public void At<V>(long i) where V : struct, IVec<V> =>
            V.Store(y, i, V.Load(y, i) + f.Apply(V.Load(a, i), V.Load(b, i)));
    }

    private readonly struct Zip3Loop<TOp>(TOp f, void* a, void* b, void* c, void* y) : IElementLoop where TOp : struct, IZip3
    {
        private readonly TOp f = f;
        private readonly void* a = a, b = b, c = c, y = y;

        [MethodImpl(Inline)]
        public void At<V>(long i) where V : struct, IVec<V> =>
            V.Store(y, i, f.Apply(V.Load(a, i), V.Load(b, i), V.Load(c, i)));
    }

    private readonly struct Zip3AddLoop<TOp>(TOp f, void* a, void* b, void* c, void* y) : IElementLoop where TOp : struct, IZip3
    {
        private readonly TOp f = f;
        private readonly void* a = a, b = b, c = c, y = y;

        [MethodImpl(Inline)]
        public void At<V>(long i) where V : struct, IVec<V> =>
            V.Store(y, i, V.Load(y, i) + f.Apply(V.Load(a, i), V.Load(b, i), V.Load(c, i)));
    }
}
