using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// The second half of sums over many rows: each block of rows has left one partial row; here they are added in the order of the blocks.
internal sealed unsafe partial class CpuKernels
{
    private const int PartialColumnsPerTask = 256;

    /// <summary>target[j] (+)= Σ over blocks of partials[block · stride + j]. The target's elements are adjacent.</summary>
    private static void SumPartials(float* partials, int blocks, long stride, in GradTarget target) =>
        SumPartials(partials, blocks, stride, (float*)target.Gradient.Pointer, target.Gradient.Count, target.Add);

    private static void SumPartials(float* partials, int blocks, long stride, float* target, long columns, bool add)
    {
        var job = new SumPartialsJob(partials, blocks, stride, target, columns, add);
        WorkerPool.Run(ref job, checked((int)((columns + PartialColumnsPerTask - 1) / PartialColumnsPerTask)));
    }

    private readonly struct SumPartialsJob(float* partials, int blocks, long stride, float* target, long columns, bool add) : IJob
    {
        public void Run(int task, int worker)
        {
            long first = (long)task * PartialColumnsPerTask;
            var loop = new SumPartialsLoop(partials + first, blocks, stride, target + first, add);
            Elementwise.ForEach(loop, Math.Min(PartialColumnsPerTask, columns - first));
        }
    }

    private readonly struct SumPartialsLoop(float* partials, int blocks, long stride, float* target, bool add) : IElementLoop
    {
        private readonly float* _partials = partials, _target = target;
        private readonly int _blocks = blocks;
        private readonly long _stride = stride;
        private readonly bool _add = add;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long i) where V : struct, IVec<V>
        {
            V sum = V.Broadcast(0);
            for (int block = 0; block < _blocks; block++) sum += V.Load(_partials, block * _stride + i);
            V.Store(_target, i, _add ? V.Load(_target, i) + sum : sum);
        }
    }
}
