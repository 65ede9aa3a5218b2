using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

/// <summary>The parts of a Muon step (Jordan 2024), for F32 matrices. They record nothing and allocate only leases of the open scope.</summary>
public static unsafe class MuonKernels
{
    // Rows of a symmetric product that are computed at once, from the first column to the diagonal: a multiple of every tile's rows.
    private const int SymmetricRows = 96;

    private const int PieceLength = 32768;

    /// <summary>m ← μ·m + (1 − μ)·s·g, with m and g of one shape.</summary>
    public static void Momentum(Tensor momentum, Tensor gradient, double mu, double scale) =>
        Mix(momentum, mu, momentum, (1 - mu) * scale, gradient);

    /// <summary>d = μ·m + (1 − μ)·s·g, all of one shape: Nesterov's look ahead along the momentum.</summary>
    public static void Direction(Tensor direction, Tensor momentum, Tensor gradient, double mu, double scale) =>
        Mix(direction, mu, momentum, (1 - mu) * scale, gradient);

    /// <summary>p ← keep·p − rate·u, with p and u of one shape.</summary>
    public static void Update(Tensor parameter, Tensor update, double keep, double rate) =>
        Mix(parameter, keep, parameter, -rate, update);

    /// <summary>
    /// Approximately orthogonal matrices with the singular vectors of those of x [P, rows, columns], by iterations of
    /// X ← (aI + bA + cA²)·X with A = XXᵀ, from x / (‖x‖ + eps). Tall matrices are multiplied from the right, with A = XᵀX, so A is always
    /// the smaller one. x is used up.
    /// </summary>
    /// <exception cref="CratonException">x is not a contiguous F32 tensor of three dimensions.</exception>
    public static Tensor NewtonSchulz(Tensor x, int iterations, (double A, double B, double C) coefficients, double eps)
    {
        Check.Rank("newton_schulz", "x", x, 3, 3);
        Check.That(x.DType == DType.F32 && x.Layout.IsContiguous, "newton_schulz", "x", "a contiguous F32 tensor", $"{x}");
        var kernels = Kernel.For(x);
        bool tall = x.Size(1) > x.Size(2);
        int count = x.Size(0), small = Math.Min(x.Size(1), x.Size(2));
        var normalise = new NormaliseJob(x, eps);
        WorkerPool.Run(ref normalise, count);
        Tensor next = Tensor.Empty(DType.F32, x.Shape);
        Tensor square = Tensor.Empty(DType.F32, count, small, small), inner = Tensor.Empty(DType.F32, square.Shape), factor = Tensor.Empty(DType.F32, square.Shape);
        for (int i = 0; i < iterations; i++)
        {
            Layout turned = x.Layout.Permute([0, 2, 1]);
            if (tall) SymmetricProduct(kernels, x, turned, x, x.Layout, square);
            else SymmetricProduct(kernels, x, x.Layout, x, turned, square);
            kernels.Map(new Scaling(coefficients.C), square, inner); // (cA + bI)·A + aI: no sum of matrices is needed
            AddToDiagonal(inner, coefficients.B);
            SymmetricProduct(kernels, inner, inner.Layout, square, square.Layout, factor);
            AddToDiagonal(factor, coefficients.A);
            if (tall) kernels.MatMul(x, x.Layout, factor, factor.Layout, next, next.Layout);
            else kernels.MatMul(factor, factor.Layout, x, x.Layout, next, next.Layout);
            (x, next) = (next, x);
        }
        return x;
    }

    // y = a·p + b·q
    private static void Mix(Tensor y, double a, Tensor p, double b, Tensor q)
    {
        Check.SameShape("muon", "gradient", q, y.Layout);
        Check.SameShape("muon", "momentum", p, y.Layout);
        Kernel.For(y).Zip(new Mixture(a, b), p, p.Layout, q, q.Layout, y);
    }

    /// <summary>y = a·b for a product that is symmetric: the lower part is computed, the upper one copied from it.</summary>
    private static void SymmetricProduct(ReferenceKernels kernels, Tensor a, in Layout la, Tensor b, in Layout lb, Tensor y)
    {
        int size = y.Size(1);
        for (int first = 0; first < size; first += SymmetricRows)
        {
            int rows = Math.Min(SymmetricRows, size - first);
            Layout band = y.Layout.Slice(1, first, rows);
            kernels.MatMul(a, la.Slice(1, first, rows), b, lb.Slice(2, 0, first + rows), y, band.Slice(2, 0, first + rows));
            if (first > 0) kernels.Copy(y, band.Slice(2, 0, first).Permute([0, 2, 1]), y, y.Layout.Slice(1, 0, first).Slice(2, first, rows));
        }
    }

    private static void AddToDiagonal(Tensor x, double value)
    {
        int size = x.Size(1);
        float* data = (float*)x.Pointer;
        for (int matrix = 0; matrix < x.Size(0); matrix++, data += (long)size * size)
            for (int i = 0; i < size; i++)
                data[(long)i * (size + 1)] += (float)value;
    }

    private readonly struct Mixture(double a, double b) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V y) where V : struct, IVec<V> => V.Fma(V.Broadcast(a), x, V.Broadcast(b) * y);
    }

    private readonly struct Scaling(double factor) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => x * V.Broadcast(factor);
    }

    /// <summary>Task t divides matrix t by its norm.</summary>
    private readonly struct NormaliseJob(Tensor matrices, double eps) : IJob
    {
        private readonly float* _data = (float*)matrices.Pointer;
        private readonly long _count = (long)matrices.Size(1) * matrices.Size(2);

        public void Run(int task, int worker)
        {
            float* matrix = _data + task * _count;
            double sum = 0;
            for (long i = 0; i < _count; i += PieceLength) sum += Lanes16.SumOfSquares(matrix + i, Math.Min(PieceLength, _count - i));
            Elementwise.Map(new Scaling(1 / (Math.Sqrt(sum) + eps)), matrix, matrix, _count);
        }
    }
}
