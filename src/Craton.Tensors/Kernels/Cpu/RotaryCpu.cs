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
        var job = new RotaryJob(x, x.Layout.Expand(shape), y, y.Layout.Expand(shape), rotation, add);
        WorkerPool.Run(ref job, job.Tasks);
        GC.KeepAlive(rotation.Cos); // a growing table may have let go of these
        GC.KeepAlive(rotation.Sin);
    }

    /// <summary>Walks tokens; all heads of a token turn by one row of the table.</summary>
    private readonly struct RotaryJob(Tensor x, in Layout from, Tensor y, in Layout to, Rotation rotation, bool add) : IJob
    {
        private readonly float* _x = (float*)x.Storage.Pointer, _y = (float*)y.Storage.Pointer;
        private readonly float* _cos = (float*)rotation.Cos.Pointer, _sin = (float*)rotation.Sin.Pointer;
        private readonly Layout _from = from, _to = to;
        private readonly long _tokens = (long)from[0] * from[2];
        private readonly long _perTask = Math.Max(1, RowElementsPerTask / Math.Max(1, from[1] * from[3]));

        public int Tasks => checked((int)((_tokens + _perTask - 1) / _perTask));

        public void Run(int task, int worker)
        {
            int count = _from[2], half = rotation.Cos.Size(1);
            bool adjacent = rotation.Layout == RotaryLayout.Half && _from.Stride(3) == 1 && _to.Stride(3) == 1;
            for (long token = task * _perTask; token < Math.Min(_tokens, (task + 1) * _perTask); token++)
            {
                (long b, long t) = Math.DivRem(token, count);
                long row = rotation.Position(b, t, count) * half;
                float* xs = _x + _from.Offset + b * _from.Stride(0) + t * _from.Stride(2);
                float* ys = _y + _to.Offset + b * _to.Stride(0) + t * _to.Stride(2);
                var loop = new RotateHeads(xs, ys, _cos + row, _sin + row, rotation.Backwards, add)
                {
                    Heads = _from[1],
                    FromHead = _from.Stride(1),
                    ToHead = _to.Stride(1),
                    Half = half,
                };
                if (adjacent) Elementwise.ForEach(loop, half);
                else RotatePairs(loop);
                CopyRest(xs, ys, 2 * half);
            }
        }

        // Neighbours, or features that are apart in memory: pair by pair.
        private void RotatePairs(in RotateHeads loop)
        {
            (long apart, long next) = rotation.Layout == RotaryLayout.Half ? (loop.Half, 1) : (1, 2);
            long from = _from.Stride(3), to = _to.Stride(3);
            RotateHeads one = loop with { Heads = 1 };
            for (int h = 0; h < loop.Heads; h++)
                for (int i = 0; i < loop.Half; i++)
                    one.Turn<Scalar32>(i, h * loop.FromHead + i * next * from, apart * from, h * loop.ToHead + i * next * to, apart * to);
        }

        // Features that do not rotate.
        private void CopyRest(float* xs, float* ys, int first)
        {
            for (int h = 0; h < _from[1] && first < _from[3]; h++)
                for (int i = first; i < _from[3]; i++)
                {
                    float value = xs[h * _from.Stride(1) + i * _from.Stride(3)];
                    float* target = ys + h * _to.Stride(1) + i * _to.Stride(3);
                    *target = add ? *target + value : value;
                }
        }
    }

    private struct RotateHeads(float* x, float* y, float* cos, float* sin, bool backwards, bool add) : IElementLoop
    {
        private readonly float* _x = x, _y = y, _cos = cos, _sin = sin;
        private readonly float _sign = backwards ? -1 : 1;
        private readonly bool _add = add;
        public int Heads, Half;
        public long FromHead, ToHead;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void At<V>(long i) where V : struct, IVec<V> => Turn<V>(i, i, Half, i, Half);

        /// <summary>Angle i for all heads: u at <paramref name="from"/> and v <paramref name="apart"/> behind it go to the same places of y.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Turn<V>(long i, long from, long apart, long to, long toApart) where V : struct, IVec<V>
        {
            V c = V.Load(_cos, i), s = V.Load(_sin, i) * V.Broadcast(_sign);
            for (int h = 0; h < Heads; h++, from += FromHead, to += ToHead)
            {
                V u = V.Load(_x, from), v = V.Load(_x, from + apart);
                V first = V.Fma(u, c, -(v * s)), second = V.Fma(v, c, u * s);
                if (_add) (first, second) = (V.Load(_y, to) + first, V.Load(_y, to + toApart) + second);
                V.Store(_y, to, first);
                V.Store(_y, to + toApart, second);
            }
        }
    }
}
