using System.Numerics;
using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>
    /// y = a · b (+ y): the last two dimensions are matrices, the leading ones a batch of one shape for all three. Every element is one
    /// chain of fused multiply-adds over k, starting from 0 or from y.
    /// </summary>
    public virtual void MatMul(Tensor a, in Layout la, Tensor b, in Layout lb, Tensor y, in Layout ly, bool add = false)
    {
        for (var batch = new BatchWalk(la, lb, ly); batch.Next();)
            if (y.DType == DType.F64) GemmReference.Multiply(batch.Shape, batch.A<double>(a), batch.B<double>(b), batch.Y<double>(y), add);
            else GemmReference.Multiply(batch.Shape, batch.A<float>(a), batch.B<float>(b), batch.Y<float>(y), add);
    }

    /// <summary>y = x · wᵀ + bias + residual: x [rows, K] and residual [rows, N] with any leading dimensions, contiguous; w [N, K].</summary>
    public virtual void Linear(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y)
    {
        int k = w.Size(1), n = w.Size(0);
        int rows = k == 0 ? (int)(y.Count / Math.Max(1, n)) : (int)(x.Count / k);
        Layout transposed = w.Layout.Permute([1, 0]);
        MatMul(x, Flat(x, rows, k), w, transposed, y, Flat(y, rows, n));
        if (bias is not null) Zip(default(Sum), y, y.Layout, bias, bias.Layout.Expand(y.Shape), y);
        if (residual is not null) Zip(default(Sum), y, y.Layout, residual, residual.Layout, y);
    }

    private protected static Layout Flat(Tensor contiguous, int rows, int columns) => new([rows, columns], [columns, 1], contiguous.Layout.Offset);

    private readonly struct Sum : IZip
    {
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }

    /// <summary>Walks the outer batch dimensions of a product; the innermost one is left to the product itself.</summary>
    private protected struct BatchWalk
    {
        private readonly Layout _a, _b, _y;
        private long _walk = -1, _end;
        private long _startA, _startB, _startY;

        public BatchWalk(in Layout a, in Layout b, in Layout y)
        {
            (_a, _b, _y) = (a, b, y);
            Shape = new GemmShape(y[-2], y[-1], a[-1], y.Rank > 2 ? y[-3] : 1);
            _end = y.Count == 0 ? 0 : 1;
            for (int i = 0; i < y.Rank - 3; i++) _end *= y[i];
            Count = _end;
        }

        public GemmShape Shape { get; }

        /// <summary>Number of batches.</summary>
        public long Count { get; }

        /// <summary>A walk from one batch to before another.</summary>
        public readonly BatchWalk Part(long first, long end) => this with { _walk = first - 1, _end = end };

        public bool Next()
        {
            if (++_walk >= _end) return false;
            (_startA, _startB, _startY) = (_a.Offset, _b.Offset, _y.Offset);
            long rest = _walk;
            for (int i = _y.Rank - 4; i >= 0; i--)
            {
                (rest, long at) = Math.DivRem(rest, _y[i]);
                _startA += at * _a.Stride(i);
                _startB += at * _b.Stride(i);
                _startY += at * _y.Stride(i);
            }
            return true;
        }

        public readonly StridedMatrix<T> A<T>(Tensor a) where T : unmanaged => Matrix<T>(a, _a, _startA);

        public readonly StridedMatrix<T> B<T>(Tensor b) where T : unmanaged => Matrix<T>(b, _b, _startB);

        public readonly StridedMatrix<T> Y<T>(Tensor y) where T : unmanaged => Matrix<T>(y, _y, _startY);

        private static StridedMatrix<T> Matrix<T>(Tensor tensor, in Layout layout, long start) where T : unmanaged =>
            new((T*)tensor.Storage.Pointer + start, (nint)layout.Stride(-2), (nint)layout.Stride(-1), layout.Rank > 2 ? (nint)layout.Stride(-3) : 0);
    }
}
