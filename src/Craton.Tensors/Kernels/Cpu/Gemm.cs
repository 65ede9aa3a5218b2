using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// Single-precision matrix product, C = (accumulate ? C : 0) + A·B, batched, for operands of any strides.
/// </summary>
/// <remarks>
/// <para>Every element of C is <b>one chain of fused multiply-adds over k = 0 .. K-1</b>, from 0 or from C. Its bits therefore depend on its
/// row of A and its column of B alone: not on M, N, the batch, the register width, blocking or the number of threads; a row multiplied
/// alone gives the bits it has within a batch (only which of several NaN comes out is left open). <see cref="GemmReference"/> is this definition written down.</para>
/// <para>The work is cut into rectangles of C that are computed without regard to each other (<see cref="GemmPartition"/>). Within one,
/// blocks of k and of rows keep the packed operands in cache (<see cref="GemmRectangle{V, TEpilogue}"/>), and a register tile does the
/// arithmetic (<see cref="GemmTiles{V}"/>). Between blocks of k the running sum rests in C.</para>
/// </remarks>
internal static unsafe class Gemm
{
    /// <summary>C = (accumulate ? C : 0) + A·B for each matrix of the batch.</summary>
    /// <param name="shape">M, N, K and the batch count. With K = 0 the product is 0.</param>
    /// <param name="a">M×K matrices.</param>
    /// <param name="b">K×N matrices.</param>
    /// <param name="c">M×N matrices that overlap neither A, nor B, nor each other.</param>
    /// <param name="accumulate">Start each sum from C rather than from 0.</param>
    public static void Multiply(
        GemmShape shape, StridedMatrix<float> a, StridedMatrix<float> b, StridedMatrix<float> c, bool accumulate = false)
        => Multiply(shape, a, b, c, accumulate, new NoEpilogue());

    /// <summary>The product, followed for each finished element by an epilogue such as bias and activation. Rows of C must be adjacent
    /// values (column stride 1).</summary>
    public static void Multiply<TEpilogue>(
        GemmShape shape, StridedMatrix<float> a, StridedMatrix<float> b, StridedMatrix<float> c, bool accumulate, TEpilogue epilogue)
        where TEpilogue : struct, IGemmEpilogue
        => Multiply(RegisterBits, shape, a, b, c, accumulate, epilogue);

    /// <summary>The product of a linear layer, with what is added to it.</summary>
    /// <param name="problem">One product; rows of C are contiguous.</param>
    /// <param name="bias">Null, or contiguous F32 [N].</param>
    /// <param name="residual">Null, or contiguous F32 of C's shape.</param>
    public static void Linear(in GemmProblem problem, Tensor? bias, Tensor? residual)
    {
        float* b = bias is null ? null : (float*)bias.Pointer;
        if (residual is not null) Multiply(RegisterBits, problem, new ResidualEpilogue(b, (float*)residual.Pointer, problem.Shape.N));
        else if (bias is not null) Multiply(RegisterBits, problem, new BiasEpilogue(b));
        else Multiply(RegisterBits, problem, new NoEpilogue());
    }

    /// <summary>Bits of the registers used unless others are asked for: the process's, but no vectors where the hardware has no fused
    /// multiply-add, which would then be computed lane by lane, slower than by scalar code.</summary>
    internal static int RegisterBits => Fma.IsSupported || AdvSimd.IsSupported ? SimdWidth.Current : Math.Min(SimdWidth.Current, 32);

    /// <summary>The product on registers of 512, 256, 128 or 32 bits.</summary>
    internal static void Multiply<TEpilogue>(
        int registerBits, GemmShape shape, StridedMatrix<float> a, StridedMatrix<float> b, StridedMatrix<float> c, bool accumulate,
        TEpilogue epilogue)
        where TEpilogue : struct, IGemmEpilogue
    {
        Multiply(registerBits, new GemmProblem(shape, a, b, c, accumulate, exchanged: false), epilogue);
    }

    internal static void Multiply<TEpilogue>(int registerBits, in GemmProblem problem, TEpilogue epilogue)
        where TEpilogue : struct, IGemmEpilogue
    {
        switch (registerBits)
        {
            case 512: Run<Vec512, TEpilogue>(problem, epilogue); break;
            case 256: Run<Vec256, TEpilogue>(problem, epilogue); break;
            case 128: Run<Vec128, TEpilogue>(problem, epilogue); break;
            default: Run<Scalar32, TEpilogue>(problem, epilogue); break;
        }
    }

    private static void Run<V, TEpilogue>(in GemmProblem problem, TEpilogue epilogue)
        where V : struct, IVec<V>
        where TEpilogue : struct, IGemmEpilogue
    {
        GemmShape shape = problem.Shape;
        if (shape.M <= 0 || shape.N <= 0 || shape.Batch <= 0)
            return;
        if (shape.N <= GemmTiles<V>.MostRows && shape.N < shape.M && !problem.Exchanged && problem.PackedB is null)
        {
            Run<V, TEpilogue>(problem.Exchange(), epilogue);
            return;
        }
        GemmPartition partition = GemmPartition.For(shape, GemmTiles<V>.MostRows, GemmTiles<V>.VectorsAcross(shape.M) * V.Lanes, WorkerPool.Threads, problem.PackedB is not null);
        var job = new Job<V, TEpilogue>(problem, partition, epilogue);
        WorkerPool.Run(ref job, partition.Tasks);
    }

    /// <summary>Task t computes an equal share of all rectangles of all matrices.</summary>
    private readonly struct Job<V, TEpilogue>(GemmProblem problem, GemmPartition partition, TEpilogue epilogue) : IJob
        where V : struct, IVec<V>
        where TEpilogue : struct, IGemmEpilogue
    {
        private readonly GemmProblem _problem = problem;
        private readonly GemmPartition _partition = partition;
        private readonly TEpilogue _epilogue = epilogue;

        public void Run(int task, int worker)
        {
            long first = _partition.Rectangles * task / _partition.Tasks, end = _partition.Rectangles * (task + 1) / _partition.Tasks;
            for (long i = first; i < end; i++)
            {
                GemmRange range = _partition.Range(i, out int batch);
                new GemmRectangle<V, TEpilogue>(_problem, batch, range, _epilogue).Compute();
            }
        }
    }
}

/// <summary>One call's arguments.</summary>
internal readonly unsafe struct GemmProblem(
    GemmShape shape, StridedMatrix<float> a, StridedMatrix<float> b, StridedMatrix<float> c, bool accumulate, bool exchanged, PackedMatrix? packedB = null)
{
    public readonly GemmShape Shape = shape;
    public readonly StridedMatrix<float> A = a, B = b, C = c;
    public readonly bool Accumulate = accumulate;

    /// <summary>B, instead of the strided one, when it is packed for good.</summary>
    public readonly PackedMatrix? PackedB = packedB;

    /// <summary>Rows and columns of C have changed places.</summary>
    public readonly bool Exchanged = exchanged;

    /// <summary>Cᵀ = Bᵀ·Aᵀ: the same sums, in which a C of few columns has few rows and fills the lanes of the tiles. The factors of each
    /// step change places, which does not change its bits.</summary>
    public GemmProblem Exchange()
        => new(Shape with { M = Shape.N, N = Shape.M }, B.Transposed, A.Transposed, C.Transposed, Accumulate, !Exchanged);
}
