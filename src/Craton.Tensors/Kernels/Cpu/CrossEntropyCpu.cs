using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    public override void CrossEntropyRows(Tensor logits, Tensor targets, Tensor losses, in CrossEntropyCall call, Tensor? gradient)
    {
        if (logits.Layout.Stride(1) != 1 || (gradient ?? logits).Layout.Stride(1) != 1)
        {
            base.CrossEntropyRows(logits, targets, losses, call, gradient);
            return;
        }
        var tasks = new RowTasks(RowPlan.Along(1, logits.Layout));
        var job = new CrossEntropyJob(logits, targets, losses, call, gradient, tasks);
        WorkerPool.Run(ref job, tasks.Count);
    }

    private readonly struct CrossEntropyJob(
        Tensor logits, Tensor targets, Tensor losses, CrossEntropyCall call, Tensor? gradient, RowTasks tasks) : IJob
    {
        private readonly CrossEntropyCall _call = call;
        private readonly int _classes = logits.Size(1);
        private readonly float* _logits = (float*)logits.Pointer, _losses = (float*)losses.Pointer;
        private readonly float* _gradient = gradient is null ? null : (float*)gradient.Pointer;
        private readonly float* _weights = call.Weights is null ? null : (float*)call.Weights.Pointer;
        private readonly int* _targets = (int*)targets.Pointer;
        private readonly long _step = logits.Layout.Stride(0), _gradientStep = (gradient ?? logits).Layout.Stride(0);

        public void Run(int task, int worker)
        {
            for (long row = tasks.First(task); row < tasks.End(task); row++)
            {
                float* to = _gradient == null ? null : _gradient + row * _gradientStep;
                int target = _targets[row];
                if (target != _call.IgnoreIndex) _losses[row] = Row(_logits + row * _step, target, to);
                else
                {
                    _losses[row] = 0;
                    if (to != null) new Span<float>(to, _classes).Clear();
                }
            }
        }

        private float Row(float* scores, int target, float* gradient)
        {
            float max = Lanes16.Max(scores, _classes), chosen = scores[target];
            float smoothSum = _call.Smoothing == 0 ? 0 : _weights == null ? Lanes16.Sum(scores, _classes) : Lanes16.Dot(scores, _weights, _classes);
            float sum = gradient == null ? (float)Lanes16.Fold(new ExpSum(scores, max), _classes) : Lanes16.MapSum(new ShiftedExp(max), scores, gradient, _classes);
            float logSum = max + VMath.Log(new Scalar32(sum)).Value;
            double each = _call.Smoothing / _classes, main = (_weights == null ? 1 : _weights[target]) * (1 - _call.Smoothing);
            double loss = main * ((double)logSum - chosen) + _call.ZLoss * logSum * logSum;
            if (each > 0) loss += each * (_call.WeightSum * logSum - smoothSum);
            if (gradient == null) return (float)loss;
            double factor = _call.Share * (main + each * _call.WeightSum + 2 * _call.ZLoss * logSum) / sum;
            if (_weights == null) Elementwise.Map(new Shifting(factor, _call.Share * each), gradient, gradient, _classes);
            else Elementwise.Zip(new Weighing(factor, _call.Share * each), gradient, _weights, gradient, _classes);
            gradient[target] -= (float)(_call.Share * main);
            return (float)loss;
        }
    }

    private readonly struct ExpSum(float* row, float max) : IRowFold
    {
        private readonly float* _row = row;
        private readonly float _max = max;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Step<V>(V sum, long i) where V : struct, IVec<V> => sum + VMath.Exp(V.Load(_row, i) - V.Broadcast(_max));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Combine<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }

    private readonly struct Shifting(double factor, double less) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V exp) where V : struct, IVec<V> => exp * V.Broadcast(factor) - V.Broadcast(less);
    }

    private readonly struct Weighing(double factor, double less) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V exp, V weight) where V : struct, IVec<V> => exp * V.Broadcast(factor) - weight * V.Broadcast(less);
    }
}
