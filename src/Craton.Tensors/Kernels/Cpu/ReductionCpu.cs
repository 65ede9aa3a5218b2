using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// Sums along rows run on sixteen lanes and keep their rounding errors, sums down columns add row after row; other arrangements are left to the reference.
internal sealed unsafe partial class CpuKernels
{
    private const int RowBlock = 32768; // a longer row is summed in blocks of this size, then over the blocks: the order is the shape's
    private const int RowElementsPerTask = 16384;

    public override void SumTo(Tensor x, Tensor y, bool add = false)
    {
        RowPlan plan = RowPlan.Of(x.Layout, y.Layout.Expand(x.Shape));
        if (plan.Step(0) == 1 && plan.Step(1) == 0 && plan.Rows == y.Count && plan.Rows > 0) SumRows(plan, x, y, add);
        else if (plan.Step(0) == 1 && plan.Step(1) == 1 && plan.Length == y.Count && plan.Rows > 0) SumColumns(plan, x, y, add);
        else base.SumTo(x, y, add);
    }

    private static void SumRows(in RowPlan plan, Tensor x, Tensor y, bool add)
    {
        float* xs = (float*)x.Storage.Pointer, ys = (float*)y.Storage.Pointer;
        int blocks = checked((int)((plan.Length + RowBlock - 1) / RowBlock));
        if (blocks <= 1)
        {
            int rowsPerTask = (int)Math.Max(1, RowElementsPerTask / Math.Max(1, plan.Length));
            var rows = new SumRowsJob(plan, xs, ys, rowsPerTask, add);
            WorkerPool.Run(ref rows, checked((int)((plan.Rows + rowsPerTask - 1) / rowsPerTask)));
            return;
        }
        float* partial = (float*)WorkerScratch.Rent(blocks * sizeof(float));
        for (long row = 0; row < plan.Rows; row++)
        {
            var job = new SumBlocksJob(xs + plan.Start(0, row), plan.Length, partial);
            WorkerPool.Run(ref job, blocks);
            float sum = AccurateSum.Of(partial, blocks);
            float* target = ys + plan.Start(1, row);
            *target = add ? *target + sum : sum;
        }
    }

    private readonly struct SumRowsJob(RowPlan plan, float* xs, float* ys, int rowsPerTask, bool add) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            long end = Math.Min(_plan.Rows, (task + 1L) * rowsPerTask);
            for (long row = (long)task * rowsPerTask; row < end; row++)
            {
                float sum = AccurateSum.Of(xs + _plan.Start(0, row), _plan.Length);
                float* target = ys + _plan.Start(1, row);
                *target = add ? *target + sum : sum;
            }
        }
    }

    private readonly struct SumBlocksJob(float* row, long length, float* partial) : IJob
    {
        public void Run(int task, int worker)
        {
            long first = (long)task * RowBlock;
            partial[task] = AccurateSum.Of(row + first, Math.Min(RowBlock, length - first));
        }
    }

    // Whole rows are read one after the other, as memory likes it: each block of rows into a row of its own, then these in their order.
    private static void SumColumns(in RowPlan plan, Tensor x, Tensor y, bool add)
    {
        RowTasks tasks = RowTasks.ForPartialSums(plan);
        float* partials = (float*)WorkerScratch.Rent(tasks.Count * plan.Length * sizeof(float));
        var job = new SumColumnsJob(plan, (float*)x.Storage.Pointer, partials, tasks);
        WorkerPool.Run(ref job, tasks.Count);
        SumPartials(partials, tasks.Count, plan.Length, new GradTarget(y, add));
    }

    private readonly struct SumColumnsJob(RowPlan plan, float* xs, float* partials, RowTasks tasks) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            float* sums = partials + task * _plan.Length;
            new Span<float>(sums, checked((int)_plan.Length)).Clear();
            for (long row = tasks.First(task); row < tasks.End(task); row++)
                Elementwise.MapAdd(default(Identity), xs + _plan.Start(0, row), sums, _plan.Length);
        }
    }

    public override void MaxTo(Tensor x, Tensor y)
    {
        RowPlan plan = RowPlan.Of(x.Layout, y.Layout.Expand(x.Shape));
        if (plan.Step(0) != 1 || plan.Step(1) != 0 || plan.Rows != y.Count)
        {
            base.MaxTo(x, y);
            return;
        }
        var job = new MaxRowsJob(plan, (float*)x.Storage.Pointer, (float*)y.Storage.Pointer);
        WorkerPool.Run(ref job, checked((int)plan.Rows));
    }

    private readonly struct MaxRowsJob(RowPlan plan, float* xs, float* ys) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker) => ys[_plan.Start(1, task)] = Lanes16.Max(xs + _plan.Start(0, task), _plan.Length);
    }
}
