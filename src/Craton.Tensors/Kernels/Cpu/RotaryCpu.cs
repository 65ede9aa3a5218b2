using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal sealed unsafe partial class CpuKernels
{
    public override void Rotary(Tensor x, in Rotation rotation, Tensor y, bool add = false)
    {
        Span<int> shape = stackalloc int[4];
        shape.Fill(1);
        x.Shape.CopyTo(shape[(4 - x.Rank)..]);
        Layout from = x.Layout.Expand(shape), to = y.Layout.Expand(shape);
        // Heads that lie inside a token are walked inside it: memory in order, one row of the table for all of them.
        bool headsInside = from.Stride(2) > from.Stride(1);
        if (headsInside) (from, to) = (from.Permute([0, 2, 1, 3]), to.Permute([0, 2, 1, 3]));
        RowPlan plan = RowPlan.Along(3, to, from);
        var tasks = new RowTasks(plan);
        var job = new RotaryJob(plan, tasks, new Operand(y, 0), new Operand(x, 1), rotation, shape[1], shape[2], headsInside, add);
        WorkerPool.Run(ref job, tasks.Count);
        GC.KeepAlive(rotation.Cos); // a growing table may have let go of these
        GC.KeepAlive(rotation.Sin);
    }

    private readonly struct RotaryJob(
        RowPlan plan, RowTasks tasks, Operand y, Operand x, Rotation rotation, int heads, int count, bool headsInside, bool add) : IJob
    {
        private readonly RowPlan _plan = plan;
        private readonly float* _cos = (float*)rotation.Cos.Pointer, _sin = (float*)rotation.Sin.Pointer;

        public void Run(int task, int worker)
        {
            int n = (int)_plan.Length, half = rotation.Cos.Size(1);
            float* buffer = (float*)WorkerScratch.Rent(2L * n * sizeof(float));
            for (long row = tasks.First(task); row < tasks.End(task); row++)
            {
                float* from = x.Read(_plan, row, 0, n, buffer);
                float* to = add ? y.Read(_plan, row, 0, n, buffer + n) : y.Target(_plan, row, buffer + n);
                long t = headsInside ? row / heads % count : row % count;
                long at = rotation.Position(row / ((long)heads * count), t, count) * half;
                if (rotation.Layout == RotaryLayout.Half)
                    Elementwise.ForEach(new RotateHalves(from, to, _cos + at, _sin + at, half, rotation.Backwards, add), half);
                else
                    RotateNeighbours(from, to, _cos + at, _sin + at, half, rotation.Backwards, add);
                for (int i = 2 * half; i < n; i++) to[i] = add ? to[i] + from[i] : from[i];
                if (_plan.Step(0) != 1) y.Write(_plan, row, 0, n, to);
            }
        }
    }

    private readonly struct RotateHalves(float* x, float* y, float* cos, float* sin, int half, bool backwards, bool add) : IElementLoop
    {
        private readonly float* _x = x, _y = y, _cos = cos, _sin = sin;
        private readonly int _half = half;
        private readonly float _sign = backwards ? -1 : 1;
        private readonly bool _add = add;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long i) where V : struct, IVec<V>
        {
            V u = V.Load(_x, i), v = V.Load(_x, i + _half), c = V.Load(_cos, i), s = V.Load(_sin, i) * V.Broadcast(_sign);
            V first = V.Fma(u, c, -(v * s)), second = V.Fma(v, c, u * s);
            if (_add) (first, second) = (V.Load(_y, i) + first, V.Load(_y, i + _half) + second);
            V.Store(_y, i, first);
            V.Store(_y, i + _half, second);
        }
    }

    // The registers have no operation that parts neighbours, so this one goes pair by pair.
    private static void RotateNeighbours(float* x, float* y, float* cos, float* sin, int half, bool backwards, bool add)
    {
        for (int i = 0; i < half; i++)
        {
            float u = x[2 * i], v = x[2 * i + 1], c = cos[i], s = backwards ? -sin[i] : sin[i];
            float first = MathF.FusedMultiplyAdd(u, c, -(v * s)), second = MathF.FusedMultiplyAdd(v, c, u * s);
            y[2 * i] = add ? y[2 * i] + first : first;
            y[2 * i + 1] = add ? y[2 * i + 1] + second : second;
        }
    }
}
