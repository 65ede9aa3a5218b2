using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// Contiguous pieces go straight to the SIMD drivers; strided and repeated operands pass through a small buffer.
internal sealed unsafe partial class CpuKernels
{
    public override void Map<TOp>(TOp op, Tensor x, Tensor y, bool add = false)
    {
        RowPlan plan = RowPlan.Of(y.Layout, x.Layout);
        var pieces = new Pieces(plan);
        var job = new MapJob<TOp>(op, plan, pieces, new Operand(y, 0), new Operand(x, 1), add);
        WorkerPool.Run(ref job, pieces.Tasks);
    }

    public override void Zip<TOp>(TOp op, Tensor a, in Layout la, Tensor b, in Layout lb, Tensor y, bool add = false)
    {
        RowPlan plan = RowPlan.Of(y.Layout, la, lb);
        var pieces = new Pieces(plan);
        var job = new ZipJob<TOp>(op, plan, pieces, new Operand(y, 0), new Operand(a, 1), new Operand(b, 2), add);
        WorkerPool.Run(ref job, pieces.Tasks);
    }

    public override void Zip3<TOp>(TOp op, Tensor a, in Layout la, Tensor b, in Layout lb, Tensor c, in Layout lc, Tensor y, bool add = false)
    {
        RowPlan plan = RowPlan.Of(y.Layout, la, lb, lc);
        var pieces = new Pieces(plan);
        var job = new Zip3Job<TOp>(op, plan, pieces, new Operand(y, 0), new Operand(a, 1), new Operand(b, 2), new Operand(c, 3), add);
        WorkerPool.Run(ref job, pieces.Tasks);
    }

    public override void Differentiate<TOp, TGradient>(Tensor x, Tensor dy, Tensor y)
    {
        var job = new DifferentiateJob<TOp, TGradient>((float*)x.Pointer, (float*)dy.Pointer, (float*)y.Pointer, y.Count);
        WorkerPool.Run(ref job, checked((int)((y.Count + DifferentiateTask - 1) / DifferentiateTask)));
    }

    private const int DifferentiateTask = 16384; // elements

    private readonly struct DifferentiateJob<TOp, TGradient>(float* x, float* dy, float* y, long count) : IJob
        where TOp : struct, IMap where TGradient : struct, IZip
    {
        public void Run(int task, int worker)
        {
            long first = (long)task * DifferentiateTask;
            Elementwise.ForEach(new Loop(x + first, dy + first, y + first), Math.Min(DifferentiateTask, count - first));
        }

        private readonly struct Loop(float* x, float* dy, float* y) : IElementLoop
        {
            private readonly float* _x = x, _dy = dy, _y = y;

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public void At<V>(long i) where V : struct, IVec<V>
            {
                V value = V.Load(_x, i);
                V.Store(_dy, i, default(TGradient).Apply(value, V.Load(_dy, i)));
                V.Store(_y, i, default(TOp).Apply(value));
            }
        }
    }

    public override void Copy(Tensor x, in Layout lx, Tensor y, in Layout ly, bool add = false)
    {
        if (y.DType != DType.F32)
        {
            base.Copy(x, lx, y, ly, add);
            return;
        }
        RowPlan plan = RowPlan.Of(ly, lx);
        if (plan.Rows > 1 && plan.Step(0) != plan.Step(1) && ((plan.Step(0) == 1 && plan.RowStep(1) == 1) || (plan.Step(1) == 1 && plan.RowStep(0) == 1)))
        {
            var transposed = new TransposeJob(plan, (float*)x.Storage.Pointer, (float*)y.Storage.Pointer, add);
            WorkerPool.Run(ref transposed, transposed.Tasks);
            return;
        }
        var pieces = new Pieces(plan);
        var job = new MapJob<Identity>(default, plan, pieces, new Operand(y, 0), new Operand(x, 1), add);
        WorkerPool.Run(ref job, pieces.Tasks);
    }

    // Matrices in which rows of the one operand are columns of the other, by squares, so that lines of both are used whole.
    private readonly struct TransposeJob(RowPlan plan, float* xs, float* ys, bool add) : IJob
    {
        private const int Side = 16, ElementsPerTask = 16384;

        private readonly RowPlan _plan = plan;
        private readonly long _bandsPerTask = Math.Max(1, ElementsPerTask / (Side * plan.Length)), _bands = (plan.RowsOfMatrix + Side - 1) / Side;

        private long AllBands => _plan.Rows / _plan.RowsOfMatrix * _bands;

        public int Tasks => checked((int)((AllBands + _bandsPerTask - 1) / _bandsPerTask));

        public void Run(int task, int worker)
        {
            for (long band = task * _bandsPerTask; band < Math.Min(AllBands, (task + 1) * _bandsPerTask); band++)
            {
                (long matrix, long part) = Math.DivRem(band, _bands);
                long row = matrix * _plan.RowsOfMatrix + part * Side;
                int rows = (int)Math.Min(Side, _plan.RowsOfMatrix - part * Side);
                float* x = xs + _plan.Start(1, row), y = ys + _plan.Start(0, row);
                for (long column = 0; column < _plan.Length; column += Side)
                    Square(x + column * _plan.Step(1), y + column * _plan.Step(0), rows, (int)Math.Min(Side, _plan.Length - column));
            }
        }

        private void Square(float* x, float* y, int rows, int columns)
        {
            nint xRow = (nint)_plan.RowStep(1), xStep = (nint)_plan.Step(1), yRow = (nint)_plan.RowStep(0), yStep = (nint)_plan.Step(0);
            for (int i = 0; i < rows; i++, x += xRow, y += yRow)
            {
                float* from = x, to = y;
                if (add)
                    for (int j = 0; j < columns; j++, from += xStep, to += yStep) *to += *from;
                else
                    for (int j = 0; j < columns; j++, from += xStep, to += yStep) *to = *from;
            }
        }
    }

    private readonly struct Identity : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => x;
    }

    private readonly struct MapJob<TOp>(TOp op, RowPlan plan, Pieces pieces, Operand y, Operand x, bool add) : IJob where TOp : struct, IMap
    {
        private readonly RowPlan _plan = plan;

        [SkipLocalsInit]
        public void Run(int task, int worker)
        {
            float* xs = stackalloc float[2 * Pieces.Length], ys = xs + Pieces.Length;
            bool direct = _plan.Step(0) == 1;
            for (long piece = pieces.First(task); piece < pieces.End(task); piece++)
            {
                int n = pieces.Locate(piece, out long row, out long first);
                float* from = x.Read(_plan, row, first, n, xs), to = y.Read(_plan, row, first, n, ys);
                if (add) Elementwise.MapAdd(op, from, to, n);
                else Elementwise.Map(op, from, to, n);
                if (!direct) y.Write(_plan, row, first, n, to);
            }
        }
    }

    private readonly struct ZipJob<TOp>(TOp op, RowPlan plan, Pieces pieces, Operand y, Operand a, Operand b, bool add) : IJob where TOp : struct, IZip
    {
        private readonly RowPlan _plan = plan;

        [SkipLocalsInit]
        public void Run(int task, int worker)
        {
            float* buffer = stackalloc float[3 * Pieces.Length];
            bool direct = _plan.Step(0) == 1;
            for (long piece = pieces.First(task); piece < pieces.End(task); piece++)
            {
                int n = pieces.Locate(piece, out long row, out long first);
                float* pa = a.Read(_plan, row, first, n, buffer), pb = b.Read(_plan, row, first, n, buffer + Pieces.Length);
                float* to = y.Read(_plan, row, first, n, buffer + 2 * Pieces.Length);
                if (add) Elementwise.ZipAdd(op, pa, pb, to, n);
                else Elementwise.Zip(op, pa, pb, to, n);
                if (!direct) y.Write(_plan, row, first, n, to);
            }
        }
    }

    private readonly struct Zip3Job<TOp>(TOp op, RowPlan plan, Pieces pieces, Operand y, Operand a, Operand b, Operand c, bool add) : IJob
        where TOp : struct, IZip3
    {
        private readonly RowPlan _plan = plan;

        [SkipLocalsInit]
        public void Run(int task, int worker)
        {
            float* buffer = stackalloc float[4 * Pieces.Length];
            bool direct = _plan.Step(0) == 1;
            for (long piece = pieces.First(task); piece < pieces.End(task); piece++)
            {
                int n = pieces.Locate(piece, out long row, out long first);
                float* pa = a.Read(_plan, row, first, n, buffer), pb = b.Read(_plan, row, first, n, buffer + Pieces.Length);
                float* pc = c.Read(_plan, row, first, n, buffer + 2 * Pieces.Length), to = y.Read(_plan, row, first, n, buffer + 3 * Pieces.Length);
                if (add) Elementwise.Zip3Add(op, pa, pb, pc, to, n);
                else Elementwise.Zip3(op, pa, pb, pc, to, n);
                if (!direct) y.Write(_plan, row, first, n, to);
            }
        }
    }
}
