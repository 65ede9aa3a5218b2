using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Diagnostics;

/// <summary>
/// Quick probes of what the machine can do at best, against which kernels are measured. Each takes less than a second and gives the best
/// of several short rounds; other programs, and the power limits of shared machines, make single rounds slower.
/// </summary>
public static unsafe class MachineLimits
{
    private const int FmaSteps = 400_000; // a few milliseconds a round
    private const int Chains = 12;
    private const long ArrayBytes = 64L << 20; // three of them are several times larger than common last-level caches

    /// <summary>Bits of the registers that the products use.</summary>
    public static int RegisterBits => Gemm.RegisterBits;

    /// <summary>Fused multiply-adds on registers alone, in 10⁹ floating-point operations (two each) a second over all threads.</summary>
    /// <param name="threads">Threads that compute at once, at least 1.</param>
    public static double FmaGflops(int threads) => FmaGflops(threads, RegisterBits);

    /// <summary>The same on registers of a given width, which the hardware must have.</summary>
    /// <param name="threads">Threads that compute at once, at least 1.</param>
    /// <param name="registerBits">512, 256, 128, or anything else for no vectors.</param>
    public static double FmaGflops(int threads, int registerBits) => registerBits switch
    {
        512 => FmaGflops<Vec512>(threads),
        256 => FmaGflops<Vec256>(threads),
        128 => FmaGflops<Vec128>(threads),
        _ => FmaGflops<Scalar32>(threads),
    };

    /// <summary>STREAM triad a = b + s·c on arrays beyond the caches, in 10⁹ bytes a second, counted as 3 of 4 bytes an element.</summary>
    /// <param name="threads">Threads that share the arrays, at least 1.</param>
    public static double TriadGigabytesPerSecond(int threads)
        => OnArrays(threads, (a, b, c, length) => Triad(a, b, c, length), bytes: 3 * ArrayBytes);

    /// <summary>Sum of arrays beyond the caches, in 10⁹ bytes a second.</summary>
    /// <param name="threads">Threads that share the arrays, at least 1.</param>
    public static double ReadGigabytesPerSecond(int threads)
        => OnArrays(threads, (a, b, c, length) => *a = Sum(a, length) + Sum(b, length) + Sum(c, length), bytes: 3 * ArrayBytes);

    private delegate void ArrayLoop(float* a, float* b, float* c, long length);

    private static double FmaGflops<V>(int threads)
        where V : struct, IVec<V>
    {
        int steps = FmaSteps / (V.Lanes == 1 ? 8 : 1);
        double seconds = BestSeconds(threads, _ => FmaLoop<V>(steps));
        return 2.0 * Chains * V.Lanes * steps * threads / seconds / 1e9;
    }

    private static double OnArrays(int threads, ArrayLoop loop, long bytes)
    {
        long length = ArrayBytes / sizeof(float);
        var memory = (float*)NativeMemory.AlignedAlloc((nuint)(3 * ArrayBytes), 64);
        try
        {
            new Span<float>(memory, checked((int)(3 * length))).Fill(1);
            double seconds = BestSeconds(threads, thread =>
            {
                // Parts begin at multiples of 16 elements.
                long first = length / 16 * thread / threads * 16, end = length / 16 * (thread + 1) / threads * 16;
                loop(memory + first, memory + length + first, memory + (2 * length) + first, end - first);
            });
            return bytes / seconds / 1e9;
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    /// <summary>The shortest time in which all threads together did the work, of some tenths of a second of rounds.</summary>
    private static double BestSeconds(int threads, Action<int> work)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        double best = double.PositiveInfinity;
        var total = Stopwatch.StartNew();
        using var barrier = new Barrier(threads);
        var helpers = new Thread[threads - 1];
        bool stop = false;
        for (int i = 0; i < helpers.Length; i++)
        {
            int number = i + 1;
            helpers[i] = new Thread(() =>
            {
                while (true)
                {
                    barrier.SignalAndWait();
                    if (stop)
                        return;
                    work(number);
                    barrier.SignalAndWait();
                }
            });
            helpers[i].Start();
        }
        for (int round = 0; round < 3 || total.Elapsed.TotalSeconds < 0.3; round++)
        {
            barrier.SignalAndWait();
            long start = Stopwatch.GetTimestamp();
            work(0);
            barrier.SignalAndWait();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        stop = true;
        barrier.SignalAndWait();
        foreach (Thread helper in helpers)
            helper.Join();
        return best;
    }

    /// <summary>Twelve independent chains keep two units of a latency of up to six cycles busy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FmaLoop<V>(int steps)
        where V : struct, IVec<V>
    {
        float* values = stackalloc float[16];
        new Span<float>(values, 16).Fill(0.5f);
        V x = V.Load(values), c0 = x, c1 = x, c2 = x, c3 = x, c4 = x, c5 = x, c6 = x, c7 = x, c8 = x, c9 = x, c10 = x, c11 = x;
        for (int i = 0; i < steps; i++)
        {
            c0 = V.Fma(c0, x, x);
            c1 = V.Fma(c1, x, x);
            c2 = V.Fma(c2, x, x);
            c3 = V.Fma(c3, x, x);
            c4 = V.Fma(c4, x, x);
            c5 = V.Fma(c5, x, x);
            c6 = V.Fma(c6, x, x);
            c7 = V.Fma(c7, x, x);
            c8 = V.Fma(c8, x, x);
            c9 = V.Fma(c9, x, x);
            c10 = V.Fma(c10, x, x);
            c11 = V.Fma(c11, x, x);
        }
        V sum = V.Fma(c0, c1, V.Fma(c2, c3, V.Fma(c4, c5, V.Fma(c6, c7, V.Fma(c8, c9, V.Fma(c10, c11, x))))));
        V.Store(values, 0, sum); // keeps the loop alive
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Triad(float* a, float* b, float* c, long length)
    {
        Vector256<float> scale = Vector256.Create(3f);
        for (long i = 0; i < length; i += 8)
            (Vector256.Load(b + i) + (scale * Vector256.Load(c + i))).Store(a + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(float* a, long length)
    {
        Vector256<float> sum0 = default, sum1 = default;
        for (long i = 0; i < length; i += 16)
        {
            sum0 += Vector256.Load(a + i);
            sum1 += Vector256.Load(a + i + 8);
        }
        return Vector256.Sum(sum0 + sum1);
    }
}
