using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// P = exp(S − logSum), dV = Pᵀ·dY, dP = dY·Vᵀ, dS = P ∘ (dP − Σ dY∘Y), dQ = scale · dS·K, dK = dSᵀ·(scale · Q).
internal sealed unsafe partial class CpuKernels
{
    public override void AttentionBackward(in AttentionCall call, Tensor y, Tensor logSums, Tensor dy, in AttentionGradients gradients)
    {
        switch (Gemm.RegisterBits)
        {
            case 512: AttentionBackward<Vec512>(call, y, logSums, dy, gradients); break;
            case 256: AttentionBackward<Vec256>(call, y, logSums, dy, gradients); break;
            case 128: AttentionBackward<Vec128>(call, y, logSums, dy, gradients); break;
            default: AttentionBackward<Scalar32>(call, y, logSums, dy, gradients); break;
        }
    }

    internal static void AttentionBackward<V>(in AttentionCall call, Tensor y, Tensor logSums, Tensor dy, in AttentionGradients gradients)
        where V : struct, IVec<V>
    {
        var job = new AttentionBackwardJob<V>(call, gradients, y, dy, (float*)logSums.Pointer);
        WorkerPool.Run(ref job, call.Batch * call.K.Size(1));
    }

    /// <summary>A task is one key/value head with all query heads that share it: nobody else writes to its gradients.</summary>
    private readonly struct AttentionBackwardJob<V>(AttentionCall call, AttentionGradients gradients, Tensor y, Tensor dy, float* logSums) : IJob
        where V : struct, IVec<V>
    {
        private const int Block = AttentionRows<V>.Block;
        private readonly AttentionCall _call = call;
        private readonly AttentionGradients _gradients = gradients;
        private readonly HeadMatrices _v = new(call.V), _y = new(y), _dy = new(dy);

        public void Run(int task, int worker)
        {
            (int batch, int group) = Math.DivRem(task, _call.K.Size(1));
            int width = AttentionRows<V>.Padded(_call.Q.Size(3)), valueWidth = AttentionRows<V>.Padded(_v.Width);
            long keys = (_call.Keys + Block - 1) / Block * (long)Block;
            long size = Space.Size(width, valueWidth) + AttentionRows<V>.Scratch(_call) + keys * (width + valueWidth);
            float* scratch = (float*)WorkerScratch.Rent(size * sizeof(float));
            var space = new Space(scratch, width, valueWidth);
            float* rowsAt = scratch + Space.Size(width, valueWidth), dk = rowsAt + AttentionRows<V>.Scratch(_call), dv = dk + keys * width;
            new Span<float>(dk, checked((int)(keys * (width + valueWidth)))).Clear();
            var rows = new AttentionRows<V>(_call, batch, group, rowsAt);
            for (int row = 0; row < AttentionRows<V>.Total(_call); row += Block)
            {
                (int first, int end) = rows.Begin(row);
                ReadRows(rows, batch, space);
                for (int from = first; from < end; from += Block)
                {
                    int n = Math.Min(Block, end - from);
                    rows.Compute(from, n, space.Bends);
                    _v.Read<V>(batch, group, from, n, 1, space.Values, valueWidth);
                    AttentionTile<V>.Multiply(n, rows.Columns, _v.Width, rows.SeeingQueries, space.Values, valueWidth, space.DyTurned, space.Slopes, Block);
                    Differentiate(rows.Scores, space.Slopes, n, rows.SeenByLanes, rows.Columns, space.LogSums, space.Deltas);
                    if (_gradients.Scores is not null) WriteScoreGradient(rows, batch, from, n, space.Slopes);
                    if (_call.SoftCap > 0) Multiply(space.Slopes, space.Bends, n, rows.Columns);
                    Span16* queries = rows.SeeingQueries;
                    AttentionTile<V>.Accumulate<AdjacentColumns>(n, _v.Width, queries, rows.Scores, Block, space.Dy, valueWidth, dv + from * (nint)valueWidth, valueWidth);
                    AttentionTile<V>.Accumulate<AdjacentColumns>(n, _call.Q.Size(3), queries, space.Slopes, Block, rows.Queries, width, dk + from * (nint)width, width);
                    AttentionTile<V>.Accumulate<AdjacentRows>(rows.Count, _call.Q.Size(3), rows.SeenKeys, space.Slopes, Block, rows.Keys, width, space.Dq, width);
                }
                if (_gradients.Q is not { } dq) continue;
                Scale(space.Dq, Block * width, (float)_call.Scale);
                rows.WriteRows(new HeadMatrices(dq.Gradient), space.Dq, width, dq.Add);
            }
            if (_gradients.K is { } gk) new HeadMatrices(gk.Gradient).Write<V>(batch, group, 0, _call.Keys, dk, width, gk.Add);
            if (_gradients.V is { } gv) new HeadMatrices(gv.Gradient).Write<V>(batch, group, 0, _call.Keys, dv, valueWidth, gv.Add);
        }

        /// <summary>Where a task keeps its blocks.</summary>
        private readonly struct Space(float* start, int width, int valueWidth)
        {
            public readonly float* Slopes = start, Bends = start + Block * Block, LogSums = start + 2 * Block * Block;
            public readonly float* Deltas = start + 2 * Block * Block + Block, Dq = start + 2 * Block * Block + 2 * Block;
            public readonly float* Values = start + 2 * Block * (Block + 1) + Block * width;
            public readonly float* Dy = start + 2 * Block * (Block + 1) + Block * (width + valueWidth);
            public readonly float* DyTurned = start + 2 * Block * (Block + 1) + Block * (width + 2 * valueWidth);
            public readonly int Width = width, ValueWidth = valueWidth;

            public static int Size(int width, int valueWidth) => 2 * Block * (Block + 1) + Block * (width + 3 * valueWidth) + GemmPacking.Overrun;
        }

        private void ReadRows(in AttentionRows<V> rows, int batch, in Space space)
        {
            rows.ReadRows(_dy, 1, space.Dy, space.ValueWidth);
            rows.ReadRows(_y, 1, space.DyTurned, space.ValueWidth); // for a moment
            new Span<float>(space.LogSums, Block).Fill(float.PositiveInfinity);
            new Span<float>(space.Deltas, Block).Clear();
            for (int r = 0; r < rows.Count; r++)
            {
                (int head, int query) = rows.Locate(r);
                space.LogSums[r] = logSums[((long)batch * _call.Heads + head) * _call.Queries + query];
                space.Deltas[r] = Lanes16.Dot(space.Dy + r * space.ValueWidth, space.DyTurned + r * space.ValueWidth, space.ValueWidth);
            }
            GemmPacking.Pack(space.Dy, space.ValueWidth, 1, rows.Count, Block, _v.Width, space.DyTurned);
            new Span<float>(space.Dq, Block * space.Width).Clear();
        }

        // Scores become weights, the weights' gradients become those of the scores. A weight of 0 has none, whatever stands in its place.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Differentiate(float* scores, float* slopes, int n, Span16* seen, int columns, float* logSums, float* deltas)
        {
            V zero = V.Broadcast(0);
            for (int c = 0; c < columns; c += V.Lanes)
            {
                V logSum = V.Load(logSums, c), delta = V.Load(deltas, c);
                Span16 keys = seen[c / V.Lanes];
                AttentionRows<V>.Clear(scores + c, 0, keys.First);
                AttentionRows<V>.Clear(slopes + c, 0, keys.First);
                for (int j = keys.First; j < keys.End; j++)
                {
                    V weight = VMath.Share(V.Load(scores, j * Block + c) - logSum);
                    V slope = weight * (V.Load(slopes, j * Block + c) - delta);
                    V.Store(scores, j * Block + c, weight);
                    V.Store(slopes, j * Block + c, V.Select(V.Equal(weight, zero), zero, slope));
                }
                int end = AttentionTile<V>.Computed(n); // of the last tile
                AttentionRows<V>.Clear(scores + c, keys.End, end);
                AttentionRows<V>.Clear(slopes + c, keys.End, end);
            }
        }

        // Where a slope is 0 it stays so: the factor of a product that was never computed could be anything.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Multiply(float* slopes, float* factors, int n, int columns)
        {
            V zero = V.Broadcast(0);
            for (int j = 0; j < n; j++, slopes += Block, factors += Block)
                for (int c = 0; c < columns; c += V.Lanes)
                {
                    V slope = V.Load(slopes, c);
                    V.Store(slopes, c, V.Select(V.Equal(slope, zero), zero, slope * V.Load(factors, c)));
                }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Scale(float* values, int n, float factor)
        {
            V scale = V.BroadcastAt(&factor);
            for (int i = 0; i < n; i += V.Lanes) V.Store(values, i, V.Load(values, i) * scale);
        }

        private void WriteScoreGradient(in AttentionRows<V> rows, int batch, int from, int n, float* slopes)
        {
            for (int r = 0; r < rows.Count; r++)
            {
                (int head, int query) = rows.Locate(r);
                float* to = (float*)_gradients.Scores!.Pointer + (((long)batch * _call.Heads + head) * _call.Queries + query) * _call.Keys + from;
                for (int j = 0; j < n; j++) to[j] = slopes[j * Block + r];
            }
        }
    }
}
