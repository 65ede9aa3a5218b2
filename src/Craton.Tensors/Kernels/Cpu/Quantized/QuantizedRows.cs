using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

/// <summary>
/// Activations as 8-bit integers: for every 32 values x ≈ d·q with d = max|x|/127 and q = x·(127/max|x|) rounded to nearest, ties to even. The
/// sums of every 16 integers are kept too: weights that are stored with an offset need them.
/// </summary>
internal readonly unsafe struct QuantizedRows
{
    private const int Block = 32;
    private const float Least = 1e-30f; // a block below this counts as zero: 127/max would overflow

    private readonly sbyte* _values;
    private readonly float* _scales;
    private readonly int* _sums;
    private readonly int _columns;

    private QuantizedRows(byte* memory, long rows, int columns)
    {
        _columns = columns;
        _scales = (float*)memory;
        _sums = (int*)(_scales + rows * (columns / Block));
        _values = (sbyte*)(_sums + rows * (columns / 16));
    }

    /// <summary>The integers of a row.</summary>
    public sbyte* Values(long row) => _values + row * _columns;

    /// <summary>The scales of a row, one for every 32 values.</summary>
    public float* Scales(long row) => _scales + row * (_columns / Block);

    /// <summary>The sums of a row, one for every 16 integers.</summary>
    public int* Sums(long row) => _sums + row * (_columns / 16);

    /// <summary>Quantises rows [rows, columns] into scratch memory of this thread, which stays valid until the next rent at this depth.</summary>
    public static QuantizedRows From(float* x, long rows, int columns)
    {
        var result = new QuantizedRows((byte*)WorkerScratch.Rent(rows * (columns + columns / Block * 4 + columns / 16 * 4)), rows, columns);
        var job = new Job { X = x, Result = result, Rows = rows, PerTask = Math.Max(1, 16384 / columns) };
        int tasks = (int)((rows + job.PerTask - 1) / job.PerTask);
        if (tasks == 1) job.Run(0, 0);
        else WorkerPool.Run(ref job, tasks);
        return result;
    }

    private struct Job : IJob
    {
        public float* X;
        public QuantizedRows Result;
        public long Rows;
        public int PerTask;

        public readonly void Run(int task, int worker)
        {
            long end = Math.Min(Rows, (long)(task + 1) * PerTask);
            int columns = Result._columns;
            for (long row = (long)task * PerTask; row < end; row++)
                for (int block = 0; block < columns / Block; block++)
                    Result.Scales(row)[block] = Quantize(X + row * columns + block * Block, Result.Values(row) + block * Block, Result.Sums(row) + 2 * block);
        }
    }

    private static float Quantize(float* x, sbyte* q, int* sums)
    {
        // Magnitudes are ordered as their bits are, not-a-number above all.
        Vector128<int> most = Vector128<int>.Zero;
        for (int i = 0; i < Block; i += 4) most = Vector128.Max(most, Vector128.LoadUnsafe(ref *x, (nuint)i).AsInt32() & Vector128.Create(int.MaxValue));
        float max = BitConverter.Int32BitsToSingle(Math.Max(Math.Max(most[0], most[1]), Math.Max(most[2], most[3])));
        float inverse = max >= Least && max < float.PositiveInfinity ? 127 / max : 0;
        for (int half = 0; half < 2; half++)
        {
            float* from = x + 16 * half;
            Vector128<int> a = Rounded(from, inverse), b = Rounded(from + 4, inverse), c = Rounded(from + 8, inverse), d = Rounded(from + 12, inverse);
            Vector128.Narrow(Vector128.Narrow(a, b), Vector128.Narrow(c, d)).Store(q + 16 * half);
            Vector128<int> sum = a + b + (c + d);
            sums[half] = sum[0] + sum[1] + (sum[2] + sum[3]);
        }
        return max < Least ? 0 : max / 127;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Rounded(float* x, float inverse) => Vector128.ConvertToInt32(Vector128.Round(Vector128.Load(x) * Vector128.Create(inverse)));
}
