using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    public override void RmsNorm(Tensor x, Tensor? weight, double eps, double offset, Tensor y, Tensor? scale)
    {
        RowPlan plan = RowPlan.Along(x.Rank - 1, y.Layout, x.Layout);
        var tasks = new RowTasks(plan);
        var job = new RmsNormJob(plan, tasks, new Operand(y, 0), new Operand(x, 1), Floats(weight), Floats(scale), eps, (float)offset);
        WorkerPool.Run(ref job, tasks.Count);
    }

    public override void RmsNormGradient(Tensor x, Tensor? weight, double offset, Tensor scale, Tensor dy, GradTarget? dx, GradTarget? dweight)
    {
        // Without a gradient of x its place is taken by x, which is not written then.
        RowPlan plan = RowPlan.Along(x.Rank - 1, dx is { } wanted ? wanted.Gradient.Layout : x.Layout, x.Layout, dy.Layout);
        RowTasks tasks = dweight is null ? new RowTasks(plan) : RowTasks.ForPartialSums(plan);
        float* partials = dweight is null ? null : (float*)WorkerScratch.Rent(tasks.Count * plan.Length * sizeof(float));
        var job = new RmsNormGradientJob(plan, tasks, new Operand(dx?.Gradient ?? x, 0), new Operand(x, 1), new Operand(dy, 2))
        {
            Weight = Floats(weight),
            Offset = (float)offset,
            Scale = Floats(scale),
            Partials = partials,
            WantsInput = dx is not null,
            Add = dx is { Add: true },
        };
        WorkerPool.Run(ref job, tasks.Count);
        if (dweight is { } target) SumPartials(partials, tasks.Count, plan.Length, target);
    }

    private static float* Floats(Tensor? contiguous) => contiguous is null ? null : (float*)contiguous.Pointer;

    private readonly struct RmsNormJob(RowPlan plan, RowTasks tasks, Operand y, Operand x, float* weight, float* scale, double eps, float offset) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            int n = (int)_plan.Length;
            float* buffer = (float*)WorkerScratch.Rent(2L * n * sizeof(float));
            for (long row = tasks.First(task); row < tasks.End(task); row++)
            {
                float* from = x.Read(_plan, row, 0, n, buffer), to = y.Target(_plan, row, buffer + n);
                float r = (float)(1 / Math.Sqrt((double)Lanes16.SumOfSquares(from, n) / n + eps));
                Elementwise.ForEach(new ScaleLoop(from, to, r, new Factors(weight, offset)), n);
                if (_plan.Step(0) != 1) y.Write(_plan, row, 0, n, to);
                if (scale != null) scale[row] = r;
            }
        }
    }

    private struct RmsNormGradientJob(RowPlan plan, RowTasks tasks, Operand dx, Operand x, Operand dy) : IJob
    {
        private readonly RowPlan _plan = plan;
        public float* Weight, Scale, Partials;
        public float Offset;
        public bool WantsInput, Add;

        public readonly void Run(int task, int worker)
        {
            int n = (int)_plan.Length;
            float* buffer = (float*)WorkerScratch.Rent(3L * n * sizeof(float));
            float* sums = Partials == null ? null : Partials + (long)task * n;
            if (sums != null) new Span<float>(sums, n).Clear();
            var factors = new Factors(Weight, Offset);
            for (long row = tasks.First(task); row < tasks.End(task); row++)
            {
                float* xs = x.Read(_plan, row, 0, n, buffer), dys = dy.Read(_plan, row, 0, n, buffer + n);
                float* to = !WantsInput ? null : dx.Read(_plan, row, 0, n, buffer + 2 * n);
                double r = Scale[row], dot = Lanes16.Fold(new ScaledDotFold(dys, xs, factors), n);
                var loop = new RmsNormGradientLoop(xs, dys, to, sums, factors, (float)r, (float)(r * r * r * dot / n), Add);
                Elementwise.ForEach(loop, n);
                if (WantsInput && _plan.Step(0) != 1) dx.Write(_plan, row, 0, n, to);
            }
        }
    }

    /// <summary>The factors of a norm: weight + offset, or 1.</summary>
    private readonly struct Factors(float* weight, float offset)
    {
        private readonly float* _weight = weight;
        private readonly float _offset = offset;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V At<V>(long i) where V : struct, IVec<V> => _weight == null ? V.Broadcast(1) : V.Load(_weight, i) + V.Broadcast(_offset);
    }

    private readonly struct ScaleLoop(float* x, float* y, float scale, Factors factors) : IElementLoop
    {
        private readonly float* _x = x, _y = y;
        private readonly float _scale = scale;
        private readonly Factors _factors = factors;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long i) where V : struct, IVec<V> => V.Store(_y, i, V.Load(_x, i) * V.Broadcast(_scale) * _factors.At<V>(i));
    }

    /// <summary>Σ dy · factor · x.</summary>
    private readonly struct ScaledDotFold(float* dy, float* x, Factors factors) : IRowFold
    {
        private readonly float* _dy = dy, _x = x;
        private readonly Factors _factors = factors;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Step<V>(V sum, long i) where V : struct, IVec<V> => V.Fma(V.Load(_dy, i) * _factors.At<V>(i), V.Load(_x, i), sum);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Combine<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }

    private readonly struct RmsNormGradientLoop(float* x, float* dy, float* dx, float* dweight, Factors factors, float r, float shared, bool add) : IElementLoop
    {
        private readonly float* _x = x, _dy = dy, _dx = dx, _dweight = dweight;
        private readonly Factors _factors = factors;
        private readonly float _r = r, _shared = shared;
        private readonly bool _add = add;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long i) where V : struct, IVec<V>
        {
            V x = V.Load(_x, i), scaled = V.Load(_dy, i) * V.Broadcast(_r);
            if (_dweight != null) V.Store(_dweight, i, V.Fma(scaled, x, V.Load(_dweight, i)));
            if (_dx == null) return;
            V dx = V.Fma(scaled, _factors.At<V>(i), -(x * V.Broadcast(_shared)));
            V.Store(_dx, i, _add ? V.Load(_dx, i) + dx : dx);
        }
    }
}
