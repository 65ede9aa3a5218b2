using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    private const long FewBatches = 8, SmallBatch = 1 << 21, ProductsPerTask = 1 << 18;

    public override void MatMul(Tensor a, in Layout la, Tensor b, in Layout lb, Tensor y, in Layout ly, bool add = false)
    {
        var batches = new BatchWalk(la, lb, ly);
        GemmShape shape = batches.Shape;
        long products = Math.Max(1, (long)shape.M * shape.N * shape.K * shape.Batch);
        var job = new BatchesJob(batches, a, b, y, add, Math.Max(1, ProductsPerTask / products));
        if (batches.Count < FewBatches || products > SmallBatch) job.Multiply(0, batches.Count); // each on all threads
        else WorkerPool.Run(ref job, job.Tasks);
    }

    /// <summary>Some batches are a task.</summary>
    private readonly struct BatchesJob(BatchWalk batches, Tensor a, Tensor b, Tensor y, bool add, long perTask) : IJob
    {
        public int Tasks => checked((int)((batches.Count + perTask - 1) / perTask));

        public void Run(int task, int worker) => Multiply(task * perTask, Math.Min(batches.Count, (task + 1) * perTask));

        public void Multiply(long first, long end)
        {
            for (BatchWalk batch = batches.Part(first, end); batch.Next();)
                Gemm.Multiply(batch.Shape, batch.A<float>(a), batch.B<float>(b), batch.Y<float>(y), add);
        }
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
