using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// Blocks of 64 queries meet blocks of 256 keys. Key blocks begin at multiples of 256 whatever the call, a masked key adds exactly nothing,
// and every product is a chain over its inner dimension: so a query gives the same bits alone (decoding) and among others (training).
internal sealed unsafe partial class CpuKernels
{
    private const int QueryBlock = 64, KeyBlock = 256;

    public override void Attention(in AttentionCall call, Tensor y, Tensor? logSums)
    {
        int blocks = (call.Queries + QueryBlock - 1) / QueryBlock;
        var job = new AttentionJob(call, new Heads(call.Q), new Heads(call.K), new Heads(call.V), new Heads(y), logSums is null ? null : (float*)logSums.Pointer, blocks);
        WorkerPool.Run(ref job, call.Batch * call.Heads * blocks);
    }

    public override void AttentionBackward(in AttentionCall call, Tensor y, Tensor logSums, Tensor dy, Tensor dq, Tensor dk, Tensor dv)
    {
        var job = new AttentionBackwardJob(
            call, new Heads(call.Q), new Heads(call.K), new Heads(call.V), new Heads(y), new Heads(dy), new Heads(dq), new Heads(dk), new Heads(dv), (float*)logSums.Pointer);
        WorkerPool.Run(ref job, call.Batch * call.K.Size(1));
    }

    /// <summary>A tensor [B, H, T, D] as one matrix [T, D] for every batch and head.</summary>
    private readonly struct Heads(Tensor tensor)
    {
        private readonly float* _start = (float*)tensor.Pointer;
        private readonly nint _batch = (nint)tensor.Layout.Stride(0), _head = (nint)tensor.Layout.Stride(1);
        private readonly nint _row = (nint)tensor.Layout.Stride(2), _column = (nint)tensor.Layout.Stride(3);

        public readonly int Width = tensor.Size(3);

        public StridedMatrix<float> Rows(int batch, int head, int row) => new(_start + batch * _batch + head * _head + row * _row, _row, _column);

        /// <summary>Copies one row to adjacent floats, or gives it in place.</summary>
        public float* Row(int batch, int head, int row, float* buffer)
        {
            float* from = _start + batch * _batch + head * _head + row * _row;
            if (_column == 1) return from;
            for (int i = 0; i < Width; i++) buffer[i] = from[i * _column];
            return buffer;
        }
    }

    /// <summary>The scores of a block of queries with a block of keys, and what limits them.</summary>
    private readonly struct ScoreBlock
    {
        private readonly AttentionCall _call;
        private readonly float* _bias;
        private readonly Layout _biasLayout;

        public ScoreBlock(in AttentionCall call)
        {
            _call = call;
            if (call.Bias is not { } bias) return;
            _bias = (float*)bias.Storage.Pointer;
            _biasLayout = bias.Layout.Expand([call.Batch, call.Heads, call.Queries, call.Keys]);
        }

        public bool Bends => _call.SoftCap > 0;

        /// <summary>
        /// Turns products of one query with keys [from, from + n) into scores: scaled, capped, biased, −∞ where not visible. Where scores
        /// are capped, slopes gets their derivative.
        /// </summary>
        /// <returns>False when the query sees none of these keys.</returns>
        public bool Finish(int batch, int head, int query, int from, int n, float* scores, float* slopes = null)
        {
            (int first, int end) = _call.Range(batch, query);
            first = Math.Clamp(first - from, 0, n);
            end = Math.Clamp(end - from, first, n);
            if (first >= end) return false;
            Elementwise.Map(new ScaleMap(_call.Scale), scores, scores, n);
            if (Bends)
            {
                if (slopes != null) Elementwise.Map(new CapSlope(_call.SoftCap), scores, slopes, n);
                Elementwise.Map(new CapMap(_call.SoftCap), scores, scores, n);
            }
            if (_bias != null)
            {
                float* bias = _bias + _biasLayout.Offset + batch * _biasLayout.Stride(0) + head * _biasLayout.Stride(1) + query * _biasLayout.Stride(2) + from * _biasLayout.Stride(3);
                for (int j = first; j < end; j++) scores[j] += bias[j * _biasLayout.Stride(3)];
            }
            new Span<float>(scores, first).Fill(float.NegativeInfinity);
            new Span<float>(scores + end, n - end).Fill(float.NegativeInfinity);
            return true;
        }

        /// <summary>The keys that any of the queries [query, query + rows) may see, widened to whole blocks at the front.</summary>
        public (int First, int End) Keys(int batch, int query, int rows)
        {
            int first = int.MaxValue, end = 0;
            for (int i = query; i < query + rows; i++)
            {
                (int f, int e) = _call.Range(batch, i);
                if (f >= e) continue;
                first = Math.Min(first, f);
                end = Math.Max(end, e);
            }
            return end == 0 ? (0, 0) : (first / KeyBlock * KeyBlock, end);
        }
    }

    private readonly struct AttentionJob(AttentionCall call, Heads q, Heads k, Heads v, Heads y, float* logSums, int blocks) : IJob
    {
        private readonly AttentionCall _call = call;
        private readonly ScoreBlock _block = new(call);

        public void Run(int task, int worker)
        {
            // The later blocks of a causal call are the longer ones: they go first.
            (int pair, int block) = Math.DivRem(task, blocks);
            (int batch, int head) = Math.DivRem(pair, _call.Heads);
            int query = (blocks - 1 - block) * QueryBlock, rows = Math.Min(QueryBlock, _call.Queries - query), width = v.Width;
            float* scores = (float*)WorkerScratch.Rent((QueryBlock * (KeyBlock + width) + 2 * QueryBlock) * sizeof(float));
            float* sums = scores + QueryBlock * KeyBlock, max = sums + QueryBlock * width, total = max + QueryBlock;
            new Span<float>(sums, rows * width).Clear();
            new Span<float>(max, rows).Fill(float.NegativeInfinity);
            new Span<float>(total, rows).Clear();
            (int first, int end) = _block.Keys(batch, query, rows);
            for (int from = first; from < end; from += KeyBlock)
            {
                int n = Math.Min(KeyBlock, end - from);
                Gemm.Multiply(new GemmShape(rows, n, q.Width), q.Rows(batch, head, query), k.Rows(batch, head / _call.Group, from).Transposed, new StridedMatrix<float>(scores, KeyBlock, 1));
                for (int i = 0; i < rows; i++) Weigh(batch, head, query + i, from, n, scores + i * KeyBlock, sums + i * width, max + i, total + i);
                Gemm.Multiply(new GemmShape(rows, width, n), new StridedMatrix<float>(scores, KeyBlock, 1), v.Rows(batch, head / _call.Group, from), new StridedMatrix<float>(sums, width, 1), accumulate: true);
            }
            StridedMatrix<float> target = y.Rows(batch, head, query);
            for (int i = 0; i < rows; i++)
            {
                float inverse = total[i] == 0 ? 0 : 1 / total[i];
                for (int e = 0; e < width; e++) *target.At(0, i, e) = sums[i * width + e] * inverse;
                if (logSums != null) logSums[(long)pair * _call.Queries + query + i] = total[i] == 0 ? float.PositiveInfinity : max[i] + Log(total[i]);
            }
        }

        // One row of the online softmax: scores become e^(score − max), what was summed so far is scaled to the new maximum.
        private void Weigh(int batch, int head, int query, int from, int n, float* scores, float* sums, float* max, float* total)
        {
            float highest = *max;
            if (!_block.Finish(batch, head, query, from, n, scores) || (highest = MaxOf(*max, Lanes16.Max(scores, n))) == float.NegativeInfinity)
            {
                new Span<float>(scores, n).Clear();
                return;
            }
            float added = Lanes16.MapSum(new ExpMap(highest), scores, scores, n);
            if (highest != *max)
            {
                float keep = *max == float.NegativeInfinity ? 0 : Exp(*max - highest);
                Elementwise.Map(new ScaleMap(keep), sums, sums, v.Width);
                *total *= keep;
                *max = highest;
            }
            *total += added;
        }
    }

    private static float MaxOf(float a, float b) => float.IsNaN(b) || b > a ? b : a;

    private static float Exp(float x)
    {
        Elementwise.Map(new ExpMap(0), &x, &x, 1);
        return x;
    }

    private static float Log(float x)
    {
        Elementwise.Map(default(LogMap), &x, &x, 1);
        return x;
    }

    // One task owns a key/value head and all query heads that share it, so nobody else writes to its gradients.
    private readonly struct AttentionBackwardJob(
        AttentionCall call, Heads q, Heads k, Heads v, Heads y, Heads dy, Heads dq, Heads dk, Heads dv, float* logSums) : IJob
    {
        private readonly AttentionCall _call = call;
        private readonly ScoreBlock _block = new(call);

        public void Run(int task, int worker)
        {
            int groups = _call.Heads / _call.Group;
            (int batch, int group) = Math.DivRem(task, groups);
            int extra = _block.Bends ? QueryBlock * KeyBlock : 0;
            float* weights = (float*)WorkerScratch.Rent((2 * QueryBlock * KeyBlock + extra + QueryBlock + 2 * v.Width) * sizeof(float));
            float* slopes = weights + 2 * QueryBlock * KeyBlock, deltas = slopes + extra;
            for (int head = group * _call.Group; head < (group + 1) * _call.Group; head++)
                for (int query = 0; query < _call.Queries; query += QueryBlock)
                {
                    int rows = Math.Min(QueryBlock, _call.Queries - query);
                    (int first, int end) = _block.Keys(batch, query, rows);
                    for (int i = 0; i < rows; i++)
                    {
                        float* buffer = deltas + QueryBlock;
                        deltas[i] = Lanes16.Dot(dy.Row(batch, head, query + i, buffer), y.Row(batch, head, query + i, buffer + v.Width), v.Width);
                    }
                    for (int from = first; from < end; from += KeyBlock)
                        Block(batch, head, group, query, rows, from, Math.Min(KeyBlock, end - from), weights, _block.Bends ? slopes : null, deltas);
                }
        }

        private void Block(int batch, int head, int group, int query, int rows, int from, int n, float* weights, float* slopes, float* deltas)
        {
            float* dWeights = weights + QueryBlock * KeyBlock;
            StridedMatrix<float> p = new(weights, KeyBlock, 1), ds = new(dWeights, KeyBlock, 1);
            Gemm.Multiply(new GemmShape(rows, n, q.Width), q.Rows(batch, head, query), k.Rows(batch, group, from).Transposed, p);
            Gemm.Multiply(new GemmShape(rows, n, v.Width), dy.Rows(batch, head, query), v.Rows(batch, group, from).Transposed, ds);
            for (int i = 0; i < rows; i++)
            {
                float* weight = weights + i * KeyBlock, dWeight = dWeights + i * KeyBlock, slope = slopes == null ? null : slopes + i * KeyBlock;
                float logSum = logSums[((long)batch * _call.Heads + head) * _call.Queries + query + i];
                if (!_block.Finish(batch, head, query + i, from, n, weight, slope) || float.IsPositiveInfinity(logSum))
                {
                    new Span<float>(weight, n).Clear();
                    new Span<float>(dWeight, n).Clear();
                    continue;
                }
                Elementwise.Map(new ExpMap(logSum), weight, weight, n);
                Elementwise.Zip(new ScoreSlope(deltas[i], _call.Scale), weight, dWeight, dWeight, n);
                if (slope != null) Elementwise.Zip(default(ProductZip), dWeight, slope, dWeight, n);
            }
            Gemm.Multiply(new GemmShape(n, v.Width, rows), p.Transposed, dy.Rows(batch, head, query), dv.Rows(batch, group, from), accumulate: true);
            Gemm.Multiply(new GemmShape(rows, q.Width, n), ds, k.Rows(batch, group, from), dq.Rows(batch, head, query), accumulate: true);
            Gemm.Multiply(new GemmShape(n, q.Width, rows), ds.Transposed, q.Rows(batch, head, query), dk.Rows(batch, group, from), accumulate: true);
        }
    }

    private readonly struct ScaleMap(double factor) : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => x * V.Broadcast(factor);
    }

    private readonly struct CapMap(double cap) : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Broadcast(cap) * VMath.Tanh(x / V.Broadcast(cap));
    }

    private readonly struct CapSlope(double cap) : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V>
        {
            V bent = VMath.Tanh(x / V.Broadcast(cap));
            return V.Broadcast(1) - bent * bent;
        }
    }

    private readonly struct ExpMap(double shift) : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Exp(x - V.Broadcast(shift));
    }

    private readonly struct LogMap : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Log(x);
    }

    private readonly struct ScoreSlope(double delta, double scale) : IZip
    {
        public V Apply<V>(V weight, V dWeight) where V : struct, IVec<V> => weight * (dWeight - V.Broadcast(delta)) * V.Broadcast(scale);
    }

    private readonly struct ProductZip : IZip
    {
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => a * b;
    }
}
