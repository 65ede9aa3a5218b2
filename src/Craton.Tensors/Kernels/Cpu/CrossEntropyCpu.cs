using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    public override void CrossEntropyRows(Tensor logits, Tensor targets, Tensor losses, CrossEntropyOptions options, double share, bool gradient)
    {
        if (logits.Layout.Stride(1) != 1)
        {
            base.CrossEntropyRows(logits, targets, losses, options, share, gradient);
            return;
        }
        var job = new CrossEntropyJob(
            (float*)logits.Pointer, logits.Layout.Stride(0), logits.Size(1), (int*)targets.Pointer, (float*)losses.Pointer, options, share, gradient);
        WorkerPool.Run(ref job, logits.Size(0));
    }

    private readonly struct CrossEntropyJob(
        float* logits, long stride, int classes, int* targets, float* losses, CrossEntropyOptions options, double share, bool gradient) : IJob
    {
        public void Run(int task, int worker)
        {
            float* row = logits + task * stride;
            int target = targets[task];
            if (target == options.IgnoreIndex)
            {
                losses[task] = 0;
                if (gradient) new Span<float>(row, classes).Clear();
                return;
            }
            float max = Lanes16.Max(row, classes), sum = (float)Lanes16.Fold(new ExpSum(row, max), classes), logSum = max + VMath.Log(new Scalar32(sum)).Value;
            float smoothing = (float)options.LabelSmoothing, loss = (1 - smoothing) * (logSum - row[target]);
            if (smoothing > 0) loss += smoothing * (logSum - Lanes16.Sum(row, classes) / classes);
            if (options.ZLoss > 0) loss += (float)options.ZLoss * logSum * logSum;
            losses[task] = loss;
            if (!gradient) return;
            double factor = share * (1 + 2 * options.ZLoss * logSum);
            Elementwise.Map(new SoftmaxTimes(logSum, factor, share * options.LabelSmoothing / classes), row, row, classes);
            row[target] -= (float)(share * (1 - options.LabelSmoothing));
        }
    }

    private readonly struct ExpSum(float* row, float max) : IRowFold
    {
        private readonly float* _row = row;
        private readonly float _max = max;

        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(0);

        public V Step<V>(V sum, long i) where V : struct, IVec<V> => sum + VMath.Exp(V.Load(_row, i) - V.Broadcast(_max));

        public V Combine<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }

    private readonly struct SoftmaxTimes(double logSum, double factor, double less) : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Exp(x - V.Broadcast(logSum)) * V.Broadcast(factor) - V.Broadcast(less);
    }
}
