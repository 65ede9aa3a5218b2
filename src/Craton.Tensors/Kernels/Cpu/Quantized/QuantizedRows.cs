using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Craton.Tensors.Quantization;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

/// <summary>
/// Activations as 8-bit integers: for every 32 values x ≈ d·q with d = max|x|/127 and q = x·(127/max|x|) rounded to nearest, ties to even. With
/// them go the numbers that make up for the offset or the minimum that the weights are stored with.
/// </summary>
internal readonly unsafe struct QuantizedRows
{
    private const int Block = 32;
    private const float Least = 1e-30f; // a block below this counts as zero: 127/max would overflow

    private readonly sbyte* _values;
    private readonly float* _scales;
    private readonly int* _offsets;
    private readonly int _columns;

    private QuantizedRows(byte* memory, long rows, int columns, int offsetStride)
    {
        (_columns, OffsetStride) = (columns, offsetStride);
        _scales = (float*)memory;
        _offsets = (int*)(_scales + rows * (columns / Block));
        _values = (sbyte*)(_offsets + rows * offsetStride);
    }

    /// <summary>Offsets of a row: one for every 32 values, or for every 16 with Q6_K.</summary>
    public int OffsetStride { get; }

    /// <summary>The integers of a row.</summary>
    public sbyte* Values(long row) => _values + row * _columns;

    /// <summary>The scales of a row, one for every 32 values.</summary>
    public float* Scales(long row) => _scales + row * (_columns / Block);

    /// <summary>
    /// The offsets of a row: −128, −8 or −32 times the sum of the integers for Q8_0, Q4_0 and Q6_K; for Q4_K and Q5_K floats, −d times the sum.
    /// </summary>
    public int* Offsets(long row) => _offsets + row * OffsetStride;

    /// <summary>
    /// Quantises rows [rows, columns] into scratch memory of this thread, which stays valid until the next rent at this depth.
    /// </summary>
    public static QuantizedRows From(BlockType type, float* x, long rows, int columns)
    {
        int offsets = columns / (type == BlockType.Q6_K ? 16 : Block);
        var result = new QuantizedRows((byte*)WorkerScratch.Rent(rows * (columns + columns / Block * 4 + offsets * 4)), rows, columns, offsets);
        var job = new Job { Type = type, X = x, Result = result, Rows = rows, PerTask = Math.Max(1, 16384 / columns) };
        int tasks = (int)((rows + job.PerTask - 1) / job.PerTask);
        if (tasks == 1) job.Run(0, 0);
        else WorkerPool.Run(ref job, tasks);
        return result;
    }

    private struct Job : IJob
    {
        public BlockType Type;
        public float* X;
        public QuantizedRows Result;
        public long Rows;
        public int PerTask;

        public readonly void Run(int task, int worker)
        {
            long end = Math.Min(Rows, (long)(task + 1) * PerTask);
            int columns = Result._columns;
            int* sums = stackalloc int[2];
            for (long row = (long)task * PerTask; row < end; row++)
                for (int block = 0; block < columns / Block; block++)
                {
                    float scale = Quantize(X + row * columns + block * Block, Result.Values(row) + block * Block, sums);
                    Result.Scales(row)[block] = scale;
                    PutOffsets(Result.Offsets(row), block, scale, sums[0], sums[1]);
                }
        }

        private readonly void PutOffsets(int* offsets, int block, float scale, int first, int second)
        {
            switch (Type)
            {
                case BlockType.Q8_0: offsets[block] = -128 * (first + second); break;
                case BlockType.Q4_0: offsets[block] = -8 * (first + second); break;
                case BlockType.Q6_K: (offsets[2 * block], offsets[2 * block + 1]) = (-32 * first, -32 * second); break;
                default: ((float*)offsets)[block] = -scale * (first + second); break;
            }
        }
    }

    private static float Quantize(float* x, sbyte* q, int* sums)
    {
        // Magnitudes are ordered as their bits are, not-a-number above all.
        Vector256<int> most = Magnitude(x);
        for (int i = 8; i < Block; i += 8) most = Vector256.Max(most, Magnitude(x + i));
        Vector128<int> half = Vector128.Max(most.GetLower(), most.GetUpper());
        float max = BitConverter.Int32BitsToSingle(Math.Max(Math.Max(half[0], half[1]), Math.Max(half[2], half[3])));
        float inverse = max >= Least && max < float.PositiveInfinity ? 127 / max : 0;
        Vector256<int> a = Rounded(x, inverse), b = Rounded(x + 8, inverse), c = Rounded(x + 16, inverse), d = Rounded(x + 24, inverse);
        Vector256.Narrow(Vector256.Narrow(a, b), Vector256.Narrow(c, d)).Store(q);
        (sums[0], sums[1]) = (Total(a + b), Total(c + d));
        return max < Least ? 0 : max / 127;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Total(Vector256<int> values)
    {
        Vector128<int> half = values.GetLower() + values.GetUpper();
        return half[0] + half[1] + (half[2] + half[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Magnitude(float* x) => Vector256.Load(x).AsInt32() & Vector256.Create(int.MaxValue);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Rounded(float* x, float inverse) => Vector256.ConvertToInt32(Vector256.Round(Vector256.Load(x) * Vector256.Create(inverse)));
}
