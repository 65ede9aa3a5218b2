using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    public override void Softmax(Tensor x, Tensor? mask, int dim, Tensor y)
    {
        RowPlan plan = RowPlan.Along(dim, y.Layout, x.Layout, mask is null ? x.Layout : mask.Layout.Expand(x.Shape));
        if (mask is null && ShortSoftmax.Suits(plan, operands: 2))
        {
            ShortSoftmax.Forward(plan, x, y);
            return;
        }
        var tasks = new RowTasks(plan);
        var job = new SoftmaxJob(plan, tasks, new Operand(y, 0), new Operand(x, 1), mask is null ? null : (bool*)mask.Storage.Pointer);
        WorkerPool.Run(ref job, tasks.Count);
    }

    public override void SoftmaxGradient(Tensor y, Tensor dy, int dim, Tensor dx, bool add)
    {
        RowPlan plan = RowPlan.Along(dim, dx.Layout, y.Layout, dy.Layout);
        if (ShortSoftmax.Suits(plan, operands: 3))
        {
            ShortSoftmax.Backward(plan, y, dy, dx, add);
            return;
        }
        var tasks = new RowTasks(plan);
        var job = new SoftmaxGradientJob(plan, tasks, new Operand(dx, 0), new Operand(y, 1), new Operand(dy, 2), add, log: false);
        WorkerPool.Run(ref job, tasks.Count);
    }

    public override void LogSoftmax(Tensor x, int dim, Tensor y)
    {
        RowPlan plan = RowPlan.Along(dim, y.Layout, x.Layout);
        var tasks = new RowTasks(plan);
        var job = new LogSoftmaxJob(plan, tasks, new Operand(y, 0), new Operand(x, 1));
        WorkerPool.Run(ref job, tasks.Count);
    }

    public override void LogSoftmaxGradient(Tensor y, Tensor dy, int dim, Tensor dx, bool add)
    {
        RowPlan plan = RowPlan.Along(dim, dx.Layout, y.Layout, dy.Layout);
        var tasks = new RowTasks(plan);
        var job = new SoftmaxGradientJob(plan, tasks, new Operand(dx, 0), new Operand(y, 1), new Operand(dy, 2), add, log: true);
        WorkerPool.Run(ref job, tasks.Count);
    }

    private readonly struct SoftmaxJob(RowPlan plan, RowTasks tasks, Operand y, Operand x, bool* mask) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            int n = (int)_plan.Length;
            float* buffer = (float*)WorkerScratch.Rent(2L * n * sizeof(float));
            for (long row = tasks.First(task); row < tasks.End(task); row++)
            {
                float* from = x.Read(_plan, row, 0, n, buffer), to = y.Target(_plan, row, buffer + n);
                if (mask != null && !Mask(row, ref from, buffer)) new Span<float>(to, n).Clear();
                else
                {
                    float sum = Lanes16.MapSum(new ShiftedExp(Lanes16.Max(from, n)), from, to, n);
                    Elementwise.Map(new Scaled(1 / sum), to, to, n);
                }
                if (_plan.Step(0) != 1) y.Write(_plan, row, 0, n, to);
            }
        }

        // The row with −∞ where the mask does not hold; false when it holds nowhere.
        private bool Mask(long row, ref float* from, float* buffer)
        {
            bool* holds = mask + _plan.Start(2, row);
            long step = _plan.Step(2);
            bool any = false;
            for (long i = 0; i < _plan.Length; i++)
            {
                buffer[i] = holds[i * step] ? from[i] : float.NegativeInfinity;
                any |= holds[i * step];
            }
            from = buffer;
            return any;
        }
    }

    private readonly struct LogSoftmaxJob(RowPlan plan, RowTasks tasks, Operand y, Operand x) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            int n = (int)_plan.Length;
            float* buffer = (float*)WorkerScratch.Rent(2L * n * sizeof(float));
            for (long row = tasks.First(task); row < tasks.End(task); row++)
            {
                float* from = x.Read(_plan, row, 0, n, buffer), to = y.Target(_plan, row, buffer + n);
                float max = Lanes16.Max(from, n), sum = Lanes16.MapSum(new ShiftedExp(max), from, to, n);
                Elementwise.Map(new Shifted(max, VMath.Log(new Scalar32(sum)).Value), from, to, n);
                if (_plan.Step(0) != 1) y.Write(_plan, row, 0, n, to);
            }
        }
    }

    private readonly struct SoftmaxGradientJob(RowPlan plan, RowTasks tasks, Operand dx, Operand y, Operand dy, bool add, bool log) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            int n = (int)_plan.Length;
            float* buffer = (float*)WorkerScratch.Rent(3L * n * sizeof(float));
            for (long row = tasks.First(task); row < tasks.End(task); row++)
            {
                float* ys = y.Read(_plan, row, 0, n, buffer), dys = dy.Read(_plan, row, 0, n, buffer + n);
                float* to = add ? dx.Read(_plan, row, 0, n, buffer + 2 * n) : dx.Target(_plan, row, buffer + 2 * n);
                if (log) Apply(new LogSoftmaxSlope(Lanes16.Sum(dys, n)), ys, dys, to, n);
                else Apply(new SoftmaxSlope(Lanes16.Dot(dys, ys, n)), ys, dys, to, n);
                if (_plan.Step(0) != 1) dx.Write(_plan, row, 0, n, to);
            }
        }

        private void Apply<TSlope>(TSlope slope, float* ys, float* dys, float* to, int n) where TSlope : struct, IZip
        {
            if (add) Elementwise.ZipAdd(slope, ys, dys, to, n);
            else Elementwise.Zip(slope, ys, dys, to, n);
        }
    }

    private readonly struct ShiftedExp(float shift) : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Exp(x - V.Broadcast(shift));
    }

    private readonly struct Scaled(float scale) : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => x * V.Broadcast(scale);
    }

    // In two steps: the sum of both shifts would lose the smaller one beside a large maximum.
    private readonly struct Shifted(float max, float log) : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => x - V.Broadcast(max) - V.Broadcast(log);
    }

    private readonly struct SoftmaxSlope(float dot) : IZip
    {
        public V Apply<V>(V y, V dy) where V : struct, IVec<V> => y * (dy - V.Broadcast(dot));
    }

    private readonly struct LogSoftmaxSlope(float sum) : IZip
    {
        public V Apply<V>(V y, V dy) where V : struct, IVec<V> => dy - VMath.Exp(y) * V.Broadcast(sum);
    }
}
