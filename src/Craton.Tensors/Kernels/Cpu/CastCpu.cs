using Craton.Tensors.IO;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    public override void Cast(Tensor x, Tensor y)
    {
        RowPlan plan = RowPlan.Of(y.Layout, x.Layout);
        bool narrows = x.DType == DType.F32 && IsHalf(y.DType), widens = IsHalf(x.DType) && y.DType == DType.F32;
        if ((!narrows && !widens) || plan.Step(0) != 1 || plan.Step(1) != 1)
        {
            base.Cast(x, y);
            return;
        }
        var pieces = new Pieces(plan);
        var job = new HalfCastJob(plan, pieces, x, y, narrows);
        WorkerPool.Run(ref job, pieces.Tasks);

        static bool IsHalf(DType type) => type is DType.F16 or DType.BF16;
    }

    /// <summary>From 32 to 16 bits, or back.</summary>
    private readonly struct HalfCastJob(RowPlan plan, Pieces pieces, Tensor x, Tensor y, bool narrows) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            for (long piece = pieces.First(task); piece < pieces.End(task); piece++)
            {
                int n = pieces.Locate(piece, out long row, out long first);
                long from = _plan.Start(1, row) + first, to = _plan.Start(0, row) + first;
                if (narrows) HalfPrecision.Narrow(new((float*)x.Storage.Pointer + from, n), new((ushort*)y.Storage.Pointer + to, n), y.DType);
                else HalfPrecision.Widen(new((ushort*)x.Storage.Pointer + from, n), new((float*)y.Storage.Pointer + to, n), x.DType);
            }
        }
    }
}
