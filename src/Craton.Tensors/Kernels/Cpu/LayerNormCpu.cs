using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    public override void LayerNorm(Tensor x, Tensor? weight, Tensor? bias, double eps, Tensor y, Tensor? statistics)
    {
        RowPlan plan = RowPlan.Along(x.Rank - 1, y.Layout, x.Layout);
        var tasks = new RowTasks(plan);
        var job = new LayerNormJob(plan, tasks, new Operand(y, 0), new Operand(x, 1), Floats(weight), Floats(bias), Floats(statistics), eps);
        WorkerPool.Run(ref job, tasks.Count);
    }

    public override void LayerNormGradient(
        Tensor x, Tensor? weight, Tensor statistics, Tensor dy, GradTarget? dx, GradTarget? dweight, GradTarget? dbias)
    {
        // Without a gradient of x its place is taken by x, which is not written then.
        RowPlan plan = RowPlan.Along(x.Rank - 1, dx is { } wanted ? wanted.Gradient.Layout : x.Layout, x.Layout, dy.Layout);
        bool sums = dweight is not null || dbias is not null;
        RowTasks tasks = sums ? RowTasks.ForPartialSums(plan) : new RowTasks(plan);
        float* partials = sums ? (float*)WorkerScratch.Rent(tasks.Count * 2 * plan.Length * sizeof(float)) : null;
        var job = new LayerNormGradientJob(plan, tasks, new Operand(dx?.Gradient ?? x, 0), new Operand(x, 1), new Operand(dy, 2))
        {
            Weight = Floats(weight),
            Statistics = Floats(statistics),
            Partials = partials,
            WantsInput = dx is not null,
            Add = dx is { Add: true },
        };
        WorkerPool.Run(ref job, tasks.Count);
        if (dweight is { } weights) SumPartials(partials, tasks.Count, 2 * plan.Length, weights);
        if (dbias is { } shifts) SumPartials(partials + plan.Length, tasks.Count, 2 * plan.Length, shifts);
    }

    private readonly struct LayerNormJob(RowPlan plan, RowTasks tasks, Operand y, Operand x, float* weight, float* bias, float* statistics, double eps) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            int n = (int)_plan.Length;
            float* buffer = (float*)WorkerScratch.Rent(2L * n * sizeof(float));
            for (long row = tasks.First(task); row < tasks.End(task); row++)
            {
                float* from = x.Read(_plan, row, 0, n, buffer), to = y.Target(_plan, row, buffer + n);
                float mean = (float)((double)Lanes16.Sum(from, n) / n);
                float r = (float)(1 / Math.Sqrt(Lanes16.Fold(new DeviationFold(from, mean), n) / n + eps));
                Elementwise.ForEach(new StandardizeLoop(from, to, mean, r, new Factors(weight, 0), bias), n);
                if (_plan.Step(0) != 1) y.Write(_plan, row, 0, n, to);
                if (statistics != null) (statistics[2 * row], statistics[2 * row + 1]) = (mean, r);
            }
        }
    }

    private struct LayerNormGradientJob(RowPlan plan, RowTasks tasks, Operand dx, Operand x, Operand dy) : IJob
    {
        private readonly RowPlan _plan = plan;
        public float* Weight, Statistics, Partials;
        public bool WantsInput, Add;

        public readonly void Run(int task, int worker)
        {
            int n = (int)_plan.Length;
            float* buffer = (float*)WorkerScratch.Rent(3L * n * sizeof(float));
            float* sums = Partials == null ? null : Partials + 2L * task * n;
            if (sums != null) new Span<float>(sums, 2 * n).Clear();
            var factors = new Factors(Weight, 0);
            for (long row = tasks.First(task); row < tasks.End(task); row++)
            {
                float* xs = x.Read(_plan, row, 0, n, buffer), dys = dy.Read(_plan, row, 0, n, buffer + n);
                float* to = !WantsInput ? null : dx.Read(_plan, row, 0, n, buffer + 2 * n);
                float mean = Statistics[2 * row], r = Statistics[2 * row + 1];
                var loop = new LayerNormGradientLoop(xs, dys, to, sums, n, factors, Add)
                {
                    Mean = mean,
                    R = r,
                    MeanG = (float)(Lanes16.Fold(new ScaledSumFold(dys, factors), n) / n),
                    MeanGz = (float)(Lanes16.Fold(new StandardizedDotFold(dys, xs, mean, r, factors), n) / n),
                };
                Elementwise.ForEach(loop, n);
                if (WantsInput && _plan.Step(0) != 1) dx.Write(_plan, row, 0, n, to);
            }
        }
    }

    /// <summary>Σ (x − mean)².</summary>
    private readonly struct DeviationFold(float* x, float mean) : IRowFold
    {
        private readonly float* _x = x;
        private readonly float _mean = mean;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Step<V>(V sum, long i) where V : struct, IVec<V>
        {
            V deviation = V.Load(_x, i) - V.Broadcast(_mean);
            return V.Fma(deviation, deviation, sum);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Combine<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }

    /// <summary>Σ dy · factor.</summary>
    private readonly struct ScaledSumFold(float* dy, Factors factors) : IRowFold
    {
        private readonly float* _dy = dy;
        private readonly Factors _factors = factors;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Step<V>(V sum, long i) where V : struct, IVec<V> => V.Fma(V.Load(_dy, i), _factors.At<V>(i), sum);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Combine<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }

    /// <summary>Σ dy · factor · z.</summary>
    private readonly struct StandardizedDotFold(float* dy, float* x, float mean, float r, Factors factors) : IRowFold
    {
        private readonly float* _dy = dy, _x = x;
        private readonly float _mean = mean, _r = r;
        private readonly Factors _factors = factors;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Step<V>(V sum, long i) where V : struct, IVec<V> =>
            V.Fma(V.Load(_dy, i) * _factors.At<V>(i), (V.Load(_x, i) - V.Broadcast(_mean)) * V.Broadcast(_r), sum);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Combine<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }

    private readonly struct StandardizeLoop(float* x, float* y, float mean, float r, Factors factors, float* bias) : IElementLoop
    {
        private readonly float* _x = x, _y = y, _bias = bias;
        private readonly float _mean = mean, _r = r;
        private readonly Factors _factors = factors;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long i) where V : struct, IVec<V>
        {
            V z = (V.Load(_x, i) - V.Broadcast(_mean)) * V.Broadcast(_r);
            V.Store(_y, i, V.Fma(z, _factors.At<V>(i), _bias == null ? V.Broadcast(0) : V.Load(_bias, i)));
        }
    }

    private struct LayerNormGradientLoop(float* x, float* dy, float* dx, float* sums, int n, Factors factors, bool add) : IElementLoop
    {
        private readonly float* _x = x, _dy = dy, _dx = dx, _sums = sums; // the sums: dweight [n], dbias [n]
        private readonly int _n = n;
        private readonly Factors _factors = factors;
        private readonly bool _add = add;
        public float Mean, R, MeanG, MeanGz;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void At<V>(long i) where V : struct, IVec<V>
        {
            V dy = V.Load(_dy, i), r = V.Broadcast(R), z = (V.Load(_x, i) - V.Broadcast(Mean)) * r;
            if (_sums != null)
            {
                V.Store(_sums, i, V.Fma(dy, z, V.Load(_sums, i)));
                V.Store(_sums, _n + i, V.Load(_sums, _n + i) + dy);
            }
            if (_dx == null) return;
            V inner = V.Fma(dy, _factors.At<V>(i), -V.Broadcast(MeanG));
            V dx = r * V.Fma(-z, V.Broadcast(MeanGz), inner);
            V.Store(_dx, i, _add ? V.Load(_dx, i) + dx : dx);
        }
    }
}
