using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    public override void Dropout(Tensor x, double p, in CounterRandom random, Tensor y, bool add = false)
    {
        RowPlan plan = RowPlan.Of(y.Layout, x.Layout);
        var pieces = new Pieces(plan);
        var job = new DropoutJob(plan, pieces, new Operand(y, 0), new Operand(x, 1), p, random, add);
        WorkerPool.Run(ref job, pieces.Tasks);
    }

    private readonly struct DropoutJob(RowPlan plan, Pieces pieces, Operand y, Operand x, double p, CounterRandom random, bool add) : IJob
    {
        private readonly RowPlan _plan = plan;
        private readonly CounterRandom _random = random;

        [SkipLocalsInit]
        public void Run(int task, int worker)
        {
            float* buffer = stackalloc float[3 * Pieces.Length];
            float* factors = buffer + 2 * Pieces.Length;
            for (long piece = pieces.First(task); piece < pieces.End(task); piece++)
            {
                int n = pieces.Locate(piece, out long row, out long first);
                float* from = x.Read(_plan, row, first, n, buffer), to = y.Read(_plan, row, first, n, buffer + Pieces.Length);
                // Rows of a plan follow the row-major order, so this is the element's own number.
                _random.FillBernoulli(new Span<float>(factors, n), 1 - p, (float)(1 / (1 - p)), 0, row * _plan.Length + first);
                if (add) Elementwise.ZipAdd(default(Kept), from, factors, to, n);
                else Elementwise.Zip(default(Kept), from, factors, to, n);
                if (_plan.Step(0) != 1) y.Write(_plan, row, first, n, to);
            }
        }
    }

    // A choice, not a product with 0: what is dropped may be infinite or NaN.
    private readonly struct Kept : IZip
    {
        public V Apply<V>(V x, V factor) where V : struct, IVec<V> => V.Select(V.Equal(factor, V.Broadcast(0)), V.Broadcast(0), x * factor);
    }
}
