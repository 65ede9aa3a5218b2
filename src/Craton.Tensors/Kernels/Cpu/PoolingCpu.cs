using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// The reference, a task for each plane.
internal sealed unsafe partial class CpuKernels
{
    public override void MaxPool(Tensor x, Tensor y, Tensor places, in ConvolutionAxis rows, in ConvolutionAxis columns)
    {
        var job = new MaxPoolJob(x, y, places, rows, columns);
        WorkerPool.Run(ref job, y.Size(0) * y.Size(1));
    }

    public override void MaxPoolGradient(Tensor dy, Tensor places, Tensor dx, bool add)
    {
        var job = new MaxPoolGradientJob(dy, places, dx, add);
        WorkerPool.Run(ref job, dy.Size(0) * dy.Size(1));
    }

    private readonly struct MaxPoolJob(Tensor x, Tensor y, Tensor places, ConvolutionAxis rows, ConvolutionAxis columns) : IJob
    {
        public void Run(int task, int worker) => MaxPool<float>(task, x, y, places, rows, columns);
    }

    private readonly struct MaxPoolGradientJob(Tensor dy, Tensor places, Tensor dx, bool add) : IJob
    {
        public void Run(int task, int worker) => MaxPoolGradient<float>(task, dy, places, dx, add);
    }
}
