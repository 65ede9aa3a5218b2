using Craton.Tensors.Kernels.Cpu;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    public override void MatMul(Tensor a, in Layout la, Tensor b, in Layout lb, Tensor y, in Layout ly, bool add = false)
    {
        for (var batch = new BatchWalk(la, lb, ly); batch.Next();)
            Gemm.Multiply(batch.Shape, batch.A<float>(a), batch.B<float>(b), batch.Y<float>(y), add);
    }

    public override void Linear(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y)
    {
        if (bias is { Layout.IsContiguous: false })
        {
            base.Linear(x, w, bias, residual, y);
            return;
        }
        int k = w.Size(1), n = w.Size(0);
        var shape = new GemmShape((int)(y.Count / Math.Max(1, n)), n, k);
        var weights = new StridedMatrix<float>((float*)w.Pointer, (nint)w.Layout.Stride(0), (nint)w.Layout.Stride(1)).Transposed;
        StridedMatrix<float> rows = new((float*)x.Pointer, k, 1), result = new((float*)y.Pointer, n, 1);
        Gemm.Linear(new GemmProblem(shape, rows, weights, result, accumulate: false, exchanged: false), bias, residual);
    }
}
