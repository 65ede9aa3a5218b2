using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    private const int EmbeddingColumnsPerTask = 64;

    public override void Embedding(Tensor weight, Tensor ids, Tensor y)
    {
        int n = weight.Size(1);
        var job = new EmbeddingJob((float*)weight.Pointer, weight.Layout.Stride(0), new Indices(ids), ids.Count, (float*)y.Pointer, n);
        WorkerPool.Run(ref job, checked((int)((ids.Count + job.PerTask - 1) / job.PerTask)));
    }

    public override void EmbeddingGradient(Tensor dy, Tensor ids, int padding, Tensor dweight)
    {
        // Tasks own columns: each of them sees all places in their order, so no two write one element.
        int n = dweight.Size(1);
        var job = new EmbeddingGradientJob((float*)dy.Pointer, new Indices(ids), ids.Count, padding, (float*)dweight.Pointer, dweight.Layout.Stride(0), n);
        WorkerPool.Run(ref job, (n + EmbeddingColumnsPerTask - 1) / EmbeddingColumnsPerTask);
    }

    private readonly struct EmbeddingJob(float* weight, long stride, Indices ids, long count, float* y, int n) : IJob
    {
        public long PerTask => Math.Max(1, RowElementsPerTask / Math.Max(1, n));

        public void Run(int task, int worker)
        {
            long bytes = n * sizeof(float);
            for (long i = task * PerTask; i < Math.Min(count, (task + 1) * PerTask); i++)
                Buffer.MemoryCopy(weight + ids[i] * stride, y + i * n, bytes, bytes);
        }
    }

    private readonly struct EmbeddingGradientJob(float* dy, Indices ids, long count, int padding, float* dweight, long stride, int n) : IJob
    {
        public void Run(int task, int worker)
        {
            int first = task * EmbeddingColumnsPerTask, columns = Math.Min(EmbeddingColumnsPerTask, n - first);
            for (long i = 0; i < count; i++)
                if (ids[i] != padding) Elementwise.MapAdd(default(Identity), dy + i * n + first, dweight + ids[i] * stride + first, columns);
        }
    }
}
