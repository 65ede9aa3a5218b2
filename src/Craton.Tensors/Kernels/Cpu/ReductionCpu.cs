using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// Sums along rows run on sixteen lanes and keep their rounding errors, sums down columns add row after row, of one matrix or of many; other arrangements
// are left to the reference.
internal sealed unsafe partial class CpuKernels
{
    private const int RowBlock = 32768; // a longer row is summed in blocks of this size, then over the blocks: the order is the shape's
    private const int RowElementsPerTask = 16384;
    private const long ColumnsAtOnce = 1 << 18;
    private const int RowsAtOnce = 128; // of one of many matrices; more are summed in blocks of so many, then over the blocks

    public override void SumTo(Tensor x, Tensor y, bool add = false)
    {
        RowPlan plan = RowPlan.Of(x.Layout, y.Layout.Expand(x.Shape));
        if (plan.Step(0) == 1 && plan.Step(1) == 0 && plan.Rows == y.Count && plan.Rows > 0) SumRows(plan, x, y, add);
        else if (plan.Step(0) == 1 && plan.Step(1) == 1 && plan.Length == y.Count && plan.Rows > 0) SumColumns(plan, x, y, add);
        else if (plan.Step(0) == 1 && plan.Step(1) == 0 && plan.Rows > 1) SumRowsFirst(x, plan.Length, y, add);
        else if (plan.Step(0) == 1 && plan.Step(1) == 1 && plan.RowStep(1) == 0 && plan.Rows > 1 && plan.RowsOfMatrix > 1 && plan.Rows / plan.RowsOfMatrix * plan.Length == y.Count) SumColumnsOfMany(plan, x, y, add);
        else base.SumTo(x, y, add);
    }

    // Sums along the rows, then of these: a sum over images and pixels, say, that keeps the channels between them.
    private void SumRowsFirst(Tensor x, long length, Tensor y, bool add)
    {
        Span<int> shape = stackalloc int[Layout.MaxRank];
        x.Shape.CopyTo(shape);
        for (int i = x.Rank - 1; length > 1; i--) (length, shape[i]) = (length / x.Size(i), 1);
        Tensor each = Tensor.Empty(x.DType, shape[..x.Rank]);
        SumTo(x, each);
        SumTo(each, y, add);
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

    // Rows are read one after the other, as memory likes it: each block of rows into a row of its own, then these in their order. Very wide
    // ones are cut, for the threads and so that the partial rows stay small; no sum depends on where.
    private static void SumColumns(in RowPlan plan, Tensor x, Tensor y, bool add)
    {
        RowTasks blocks = RowTasks.ForPartialSums(plan);
        for (long first = 0; first < plan.Length; first += ColumnsAtOnce)
        {
            long columns = Math.Min(ColumnsAtOnce, plan.Length - first);
            float* partials = (float*)WorkerScratch.Rent(blocks.Count * columns * sizeof(float));
            int strips = (int)((columns + RowElementsPerTask - 1) / RowElementsPerTask);
            var job = new SumColumnsJob(plan, (float*)x.Storage.Pointer + first, columns, partials, blocks, strips);
            WorkerPool.Run(ref job, blocks.Count * strips);
            SumPartials(partials, blocks.Count, columns, (float*)y.Pointer + first, columns, add);
        }
    }

    private readonly struct SumColumnsJob(RowPlan plan, float* xs, long columns, float* partials, RowTasks blocks, int strips) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            (int block, int strip) = Math.DivRem(task, strips);
            long first = (long)strip * RowElementsPerTask, count = Math.Min(RowElementsPerTask, columns - first);
            float* sums = partials + block * columns + first;
            new Span<float>(sums, (int)count).Clear();
            for (long row = blocks.First(block); row < blocks.End(block); row++)
                Elementwise.MapAdd(default(Identity), xs + _plan.Start(0, row) + first, sums, count);
        }
    }

    // The columns of every matrix of a row of matrices: a sum over the tokens of each text, say.
    private static void SumColumnsOfMany(in RowPlan plan, Tensor x, Tensor y, bool add)
    {
        long rows = plan.RowsOfMatrix, matrices = plan.Rows / rows;
        int strips = checked((int)((plan.Length + RowElementsPerTask - 1) / RowElementsPerTask));
        int matricesPerTask = (int)Math.Max(1, RowElementsPerTask / (rows * plan.Length));
        var job = new SumColumnsOfManyJob(plan, (float*)x.Storage.Pointer, (float*)y.Storage.Pointer, matricesPerTask, strips, add);
        WorkerPool.Run(ref job, checked((int)((matrices + matricesPerTask - 1) / matricesPerTask * strips)));
    }

    private readonly struct SumColumnsOfManyJob(RowPlan plan, float* xs, float* ys, int matricesPerTask, int strips, bool add) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            (int part, int strip) = Math.DivRem(task, strips);
            long rows = _plan.RowsOfMatrix, first = (long)strip * RowElementsPerTask, count = Math.Min(RowElementsPerTask, _plan.Length - first);
            var sums = new Span<float>(WorkerScratch.Rent(2 * count * sizeof(float)), 2 * (int)count);
            for (long matrix = (long)part * matricesPerTask; matrix < Math.Min(_plan.Rows / rows, (part + 1L) * matricesPerTask); matrix++)
                Sum(matrix * rows, rows, first, sums[..(int)count], sums[(int)count..]);
        }

        private void Sum(long firstRow, long rows, long first, Span<float> block, Span<float> sum)
        {
            int count = block.Length;
            sum.Clear();
            fixed (float* blockAt = block, sumAt = sum)
            {
                for (long begin = 0; begin < rows; begin += RowsAtOnce)
                {
                    block.Clear();
                    for (long row = begin; row < Math.Min(rows, begin + RowsAtOnce); row++)
                        Elementwise.MapAdd(default(Identity), xs + _plan.Start(0, firstRow + row) + first, blockAt, count);
                    Elementwise.MapAdd(default(Identity), blockAt, sumAt, count);
                }
                float* target = ys + _plan.Start(1, firstRow) + first;
                if (add) Elementwise.MapAdd(default(Identity), sumAt, target, count);
                else sum.CopyTo(new Span<float>(target, count));
            }
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
