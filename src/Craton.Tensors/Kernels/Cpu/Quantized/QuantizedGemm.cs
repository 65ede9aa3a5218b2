using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Quantization;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

/// <summary>What a tile of a quantised product reads and writes: one or four rows of activations, and their results for 16 rows of weights.</summary>
internal unsafe struct QuantizedTile
{
    /// <summary>Integers of the first row; rows are <see cref="Columns"/> apart.</summary>
    public sbyte* X;

    /// <summary>Scales of the first row, one for every 32 values.</summary>
    public float* Scales;

    /// <summary>Offsets of the first row (<see cref="QuantizedRows.Offsets"/>).</summary>
    public int* Offsets;

    /// <summary>From a row's offsets to the next's.</summary>
    public int OffsetStride;

    /// <summary>Values of a row.</summary>
    public int Columns;

    /// <summary>First result.</summary>
    public float* Y;

    /// <summary>From a row of results to the next.</summary>
    public int Stride;
}

/// <summary>
/// y = x · Wᵀ + bias with W in panels (<see cref="PanelLayout"/>) and x quantised per block of 32. Every element is computed alone and in one
/// order: it does not depend on the other rows of x, on threads, or on registers.
/// </summary>
internal static unsafe class QuantizedGemm
{
    private const int ChunkBytes = 400 << 10;   // of activations, which are read again for every panel: to stay in the second cache
    private const long LeastWork = 1 << 16;     // products worth a task

    /// <summary>The instruction set in use.</summary>
    public static string Path => Select<PathName, string>(default);

    /// <summary>Computes y [rows, outputs] from x [rows, columns].</summary>
    public static void Multiply(BlockType type, byte* panels, int outputs, int columns, float* x, long rows, float* y, float* bias)
    {
        QuantizedRows quantized = QuantizedRows.From(type, x, rows, columns);
        int count = (outputs + PanelLayout.Rows - 1) / PanelLayout.Rows;
        long most = Math.Max(1, (long)columns * outputs * rows / LeastWork);
        int threads = WorkerPool.Threads, tasks = (int)Math.Min(Math.Min(count, most), threads == 1 ? 1 : 8 * threads);
        if (tasks > threads) tasks -= tasks % threads; // an equal number for each
        var job = new Job
        {
            Kernels = KernelsFor(type),
            Panels = panels,
            PanelBytes = PanelBytes(type, columns),
            PanelCount = count,
            Tasks = tasks,
            Outputs = outputs,
            Columns = columns,
            X = quantized,
            Rows = rows,
            Y = y,
            Bias = bias,
        };
        WorkerPool.Run(ref job, tasks);
    }

    /// <summary>Bytes of a panel of so many columns.</summary>
    public static long PanelBytes(BlockType type, int columns) => (long)columns / type.BlockValues() * PanelLayout.BlockBytes(type);

    private static TResult Select<TChoice, TResult>(TChoice choice) where TChoice : struct, IChoice<TResult> =>
        AvxVnni.IsSupported && SimdWidth.Current >= 256 ? choice.Of<DotWhole256, Vector256<byte>, Vector256<int>, Vector256<int>, Vector256<float>>()
        : Avx512BW.IsSupported && SimdWidth.Current >= 512 ? choice.Of<Dot512, Vector512<byte>, Vector512<short>, Vector512<int>, Vector512<float>>()
        : Avx2.IsSupported && SimdWidth.Current >= 256 ? choice.Of<Dot256, Vector256<byte>, Vector256<short>, Vector256<int>, Vector256<float>>()
        : Dp.IsSupported && SimdWidth.Current >= 128 ? choice.Of<DotNeon, Vector128<byte>, Vector128<int>, Vector128<int>, Vector128<float>>()
        : choice.Of<DotScalar, uint, int, int, float>();

    // One row takes as many bytes at once as there are: widths mix, since integer sums are exact.
    private static Kernels KernelsFor(BlockType type)
    {
        var of = new KernelsOf(type);
        Kernels kernels = type == BlockType.Q8_0 && DotWhole256.StoresSigned
            ? of.Of<DotWhole256, Vector256<byte>, Vector256<int>, Vector256<int>, Vector256<float>>()
            : Select<KernelsOf, Kernels>(of);
        if (!Avx512BW.IsSupported || SimdWidth.Current < 512) return kernels;
        Kernels widest = of.Of<Dot512, Vector512<byte>, Vector512<short>, Vector512<int>, Vector512<float>>();
        kernels.One = widest.One;
        kernels.RowsOfOne = widest.RowsOfOne;
        return kernels;
    }

    private interface IChoice<TResult>
    {
        TResult Of<TDot, TBytes, TSum, TInt, TFloat>() where TDot : struct, IDot<TBytes, TSum, TInt, TFloat>;
    }

    private readonly struct PathName : IChoice<string>
    {
        public string Of<TDot, TBytes, TSum, TInt, TFloat>() where TDot : struct, IDot<TBytes, TSum, TInt, TFloat> => typeof(TDot).Name;
    }

    private struct Kernels
    {
        public delegate*<byte*, in QuantizedTile, int, void> One, Four;
        public delegate*<byte*, int, byte*, void> Spread;
        public delegate*<int, int> SpreadBytes;
        public int RowsOfOne, RowsOfFour;
    }

    private readonly struct KernelsOf(BlockType type) : IChoice<Kernels>
    {
        public Kernels Of<TDot, TBytes, TSum, TInt, TFloat>() where TDot : struct, IDot<TBytes, TSum, TInt, TFloat>
        {
            return type switch
            {
                BlockType.Q8_0 => Of<QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.Q8_0>(),
                BlockType.Q4_0 => Of<QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.Q4_0>(),
                BlockType.Q4_K => Of<QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.Q4_K>(),
                BlockType.Q5_K => Of<QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.Q5_K>(),
                BlockType.Q6_K => Of<QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.Q6_K>(),
                _ => throw new NotSupportedException($"no kernel for {type}"),
            };

            static Kernels Of<TPanel>() where TPanel : struct, QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.IPanel => new()
            {
                One = &QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.One<TPanel>,
                Four = &QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.Four<TPanel>,
                Spread = &QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.Spread<TPanel>,
                SpreadBytes = &QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.SpreadBytes<TPanel>,
                RowsOfOne = QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.RowsAtOnce<TPanel>(),
                RowsOfFour = QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>.RowsAtOnce<TPanel>(),
            };
        }
    }

    private struct Job : IJob
    {
        public Kernels Kernels;
        public byte* Panels;
        public long PanelBytes, Rows;
        public int PanelCount, Tasks, Outputs, Columns;
        public QuantizedRows X;
        public float* Y, Bias;

        public readonly void Run(int task, int worker)
        {
            int first = (int)((long)PanelCount * task / Tasks), end = (int)((long)PanelCount * (task + 1) / Tasks);
            byte* spread = Rows < 4 ? null : (byte*)WorkerScratch.Rent(Kernels.SpreadBytes(Columns));
            long chunk = Math.Max(4, ChunkBytes / Columns & ~3);
            for (long start = 0; start < Rows; start += chunk)
                for (int panel = first; panel < end; panel++)
                    RunPanel(panel, start, Math.Min(Rows, start + chunk), spread);
        }

        private readonly void RunPanel(int panel, long start, long end, byte* spread)
        {
            byte* weights = Panels + panel * PanelBytes;
            int output = panel * PanelLayout.Rows, count = Math.Min(PanelLayout.Rows, Outputs - output);
            float* edge = stackalloc float[4 * PanelLayout.Rows]; // where a tile writes that is cut at the right
            long row = start;
            if (end - row >= 4) Kernels.Spread(weights, Columns, spread);
            for (; row + 4 <= end; row += 4) RunTile(Kernels.Four, spread, row, 4, output, count, edge);
            for (; row < end; row++) RunTile(Kernels.One, weights, row, 1, output, count, edge);
        }

        private readonly void RunTile(delegate*<byte*, in QuantizedTile, int, void> kernel, byte* weights, long row, int rows, int output, int count, float* edge)
        {
            bool isEdge = count < PanelLayout.Rows;
            float* y = Y + row * Outputs + output;
            var tile = new QuantizedTile
            {
                X = X.Values(row),
                Scales = X.Scales(row),
                Offsets = X.Offsets(row),
                OffsetStride = X.OffsetStride,
                Columns = Columns,
                Y = isEdge ? edge : y,
                Stride = isEdge ? PanelLayout.Rows : Outputs,
            };
            for (int lane = 0; lane < PanelLayout.Rows; lane += rows == 1 ? Kernels.RowsOfOne : Kernels.RowsOfFour) kernel(weights, tile, lane);
            for (int r = 0; r < rows && (isEdge || Bias is not null); r++)
                for (int n = 0; n < count; n++)
                {
                    float value = tile.Y[r * tile.Stride + n];
                    y[(long)r * Outputs + n] = Bias is null ? value : value + Bias[output + n];
                }
        }
    }
}
