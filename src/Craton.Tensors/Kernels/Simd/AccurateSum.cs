using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>
/// The sum of a row with the rounding errors of its additions summed beside it, as accurate as a sum in double precision: large terms
/// that cancel leave the small ones intact. The errors are found exactly by Knuth's two-sum, and used as in T. Ogita, S. M. Rump, S. Oishi,
/// "Accurate Sum and Dot Product" (2005). The sixteen lanes are those of <see cref="Lanes16"/>, so all registers give equal bits.
/// </summary>
internal static unsafe class AccurateSum
{
    private const int Lanes = 16;

    /// <summary>Σ x[i]; 0 for an empty row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static float Of(float* x, long n)
    {
        float* sums = stackalloc float[2 * Lanes], errors = sums + Lanes;
        var job = new Job(x, n & -Lanes, sums, errors);
        SimdWidth.Run(ref job);
        for (long i = n & -Lanes, lane = 0; i < n; i++, lane++) Step<Scalar32>(x + i, sums + lane, errors + lane);
        double total = 0, error = 0;
        for (int lane = 0; lane < Lanes; lane++)
        {
            total += sums[lane];
            error += errors[lane];
        }
        return float.IsFinite((float)total) ? (float)(total + error) : (float)total; // the error of an infinite sum is no number
    }

    private readonly struct Job(float* x, long whole, float* sums, float* errors) : IVecJob
    {
        // Compiled with full optimisation at the first call, as all drivers are: the code does not change while a process runs.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>() where V : struct, IVec<V>
        {
            for (int lane = 0; lane < Lanes; lane += V.Lanes)
            {
                V sum = V.Broadcast(0), error = sum;
                for (long i = lane; i < whole; i += Lanes) (sum, error) = Added(sum, error, V.Load(x, i));
                V.Store(sums, lane, sum);
                V.Store(errors, lane, error);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<V>(float* x, float* sum, float* error) where V : struct, IVec<V>
    {
        (V s, V e) = Added(V.Load(sum), V.Load(error), V.Load(x));
        V.Store(sum, 0, s);
        V.Store(error, 0, e);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V Sum, V Error) Added<V>(V sum, V error, V x) where V : struct, IVec<V>
    {
        V next = sum + x, kept = next - sum;
        return (next, error + ((sum - (next - kept)) + (x - kept)));
    }
}
