using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// Blocks of query rows meet blocks of keys, and the scores of two blocks are all that is ever stored (Dao et al. 2022, with the online
// softmax of Milakov and Gimelshein 2018). What a query gets is decided by its own lane and its own row of sums alone: it gets the same
// bits alone (decoding), among others (training), for any number of threads and any registers.
internal sealed unsafe partial class CpuKernels
{
    public override void Attention(in AttentionCall call, Tensor y, Tensor? logSums)
    {
        switch (Gemm.RegisterBits)
        {
            case 512: Attention<Vec512>(call, y, logSums); break;
            case 256: Attention<Vec256>(call, y, logSums); break;
            case 128: Attention<Vec128>(call, y, logSums); break;
            default: Attention<Scalar32>(call, y, logSums); break;
        }
    }

    public override void PagedAttention(in AttentionCall call, PagedText[] texts, Tensor y)
    {
        switch (Gemm.RegisterBits)
        {
            case 512: PagedAttention<Vec512>(call, texts, y); break;
            case 256: PagedAttention<Vec256>(call, texts, y); break;
            case 128: PagedAttention<Vec128>(call, texts, y); break;
            default: PagedAttention<Scalar32>(call, texts, y); break;
        }
    }

    internal static void Attention<V>(in AttentionCall call, Tensor y, Tensor? logSums) where V : struct, IVec<V>
    {
        var job = new AttentionJob<V>(call, y, logSums is null ? null : (float*)logSums.Pointer);
        WorkerPool.Run(ref job, job.Tasks);
    }

    private static void PagedAttention<V>(in AttentionCall call, PagedText[] texts, Tensor y) where V : struct, IVec<V>
    {
        var job = new PagedAttentionJob<V>(call, texts, y);
        WorkerPool.Run(ref job, job.Tasks);
    }

    /// <summary>The tasks of one text after those of another.</summary>
    private readonly struct PagedAttentionJob<V>(AttentionCall call, PagedText[] texts, Tensor y) : IJob where V : struct, IVec<V>
    {
        private readonly AttentionCall _call = call;

        public int Tasks
        {
            get
            {
                int tasks = 0;
                foreach (PagedText text in texts) tasks += AttentionJob<V>.TasksOf(_call.For(text));
                return tasks;
            }
        }

        public void Run(int task, int worker)
        {
            foreach (PagedText text in texts)
            {
                AttentionCall call = _call.For(text);
                int tasks = AttentionJob<V>.TasksOf(call);
                if (task < tasks)
                {
                    new AttentionJob<V>(call, y, logSums: null).Run(task, worker);
                    return;
                }
                task -= tasks;
            }
        }
    }

    /// <summary>A task is one block of query rows.</summary>
    private readonly struct AttentionJob<V>(AttentionCall call, Tensor y, float* logSums) : IJob where V : struct, IVec<V>
    {
        private const int Block = AttentionRows<V>.Block;
        private readonly AttentionCall _call = call;
        private readonly HeadMatrices _v = new(call.V, pages: call.Pages), _y = new(y, call.FirstQuery);

        public int Tasks => TasksOf(_call);

        public static int TasksOf(in AttentionCall call) => call.Batch * call.K.Size(1) * BlocksOf(call);

        private static int BlocksOf(in AttentionCall call) => (AttentionRows<V>.Total(call) + Block - 1) / Block;

        public void Run(int task, int worker)
        {
            // The later blocks of a causal call are the longer ones: they go first.
            int blocks = BlocksOf(_call);
            (int pair, int block) = Math.DivRem(task, blocks);
            (int batch, int group) = Math.DivRem(pair, _call.K.Size(1));
            if (logSums == null && AttentionStep<V>.Does(_call))
            {
                AttentionStep<V>.Run(_call, batch, group, _v, _y);
                return;
            }
            int padded = AttentionRows<V>.Padded(_v.Width);
            float* scratch = (float*)WorkerScratch.Rent((AttentionRows<V>.Scratch(_call) + 2L * Block * padded + 3 * Block) * sizeof(float));
            var rows = new AttentionRows<V>(_call, batch, group, scratch + 2 * Block * padded + 3 * Block);
            float* values = scratch, sums = values + Block * padded, max = sums + Block * padded, total = max + Block, keep = total + Block;
            (int first, int end) = rows.Begin((blocks - 1 - block) * Block);
            new Span<float>(sums, Block * padded).Clear();
            new Span<float>(max, Block).Fill(float.NegativeInfinity);
            new Span<float>(total, Block).Clear();
            for (int from = first; from < end; from += Block)
            {
                int n = Math.Min(Block, end - from);
                _v.Fetch(batch, group, from, n);
                rows.Compute(from, n);
                if (from + n < end) rows.FetchKeys(from + n, Math.Min(Block, end - from - n));
                else rows.FetchRows(_y);
                Weigh(rows.Scores, n, rows.SeenByLanes, rows.Columns, max, total, keep);
                AttentionRows<V>.Scale(sums, padded, keep, rows.Count);
                _v.Read<V>(batch, group, from, n, 1, values, padded);
                AttentionTile<V>.Accumulate<AdjacentRows>(rows.Count, _v.Width, rows.SeenKeys, rows.Scores, Block, values, padded, sums, padded);
            }
            Finish(rows.Columns, max, total);
            AttentionRows<V>.Scale(sums, padded, total, rows.Count);
            rows.WriteRows(_y, sums, padded, add: false);
            if (logSums == null) return;
            for (int r = 0; r < rows.Count; r++)
            {
                (int head, int query) = rows.Locate(r);
                logSums[((long)batch * _call.Heads + head) * _call.Queries + query] = max[r];
            }
        }

        // The online softmax, a query in every lane: scores become e^(score − max), those of keys that no lane sees 0; keep is the factor of what was summed up before.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Weigh(float* scores, int n, Span16* seen, int columns, float* max, float* total, float* keep)
        {
            V nothing = V.Broadcast(double.NegativeInfinity);
            for (int c = 0; c < columns; c += V.Lanes)
            {
                V old = V.Load(max, c), top = old, sum = V.Broadcast(0);
                Span16 keys = seen[c / V.Lanes];
                AttentionRows<V>.Clear(scores + c, 0, keys.First);
                for (int j = keys.First; j < keys.End; j++) top = V.Max(top, V.Load(scores, j * Block + c));
                V shift = V.Select(V.Equal(top, nothing), V.Broadcast(0), top); // −∞ − −∞ would be NaN
                for (int j = keys.First; j < keys.End; j++)
                {
                    V weight = VMath.Share(V.Load(scores, j * Block + c) - shift);
                    V.Store(scores, j * Block + c, weight);
                    sum += weight;
                }
                AttentionRows<V>.Clear(scores + c, keys.End, n);
                V factor = VMath.Share(old - shift);
                V.Store(keep, c, factor);
                V.Store(total, c, V.Fma(V.Load(total, c), factor, sum));
                V.Store(max, c, top);
            }
        }

        // total becomes its reciprocal, max the logarithm of the sum of exponentials. A query that sees nothing gets 0 and +∞: the latter
        // makes all its weights 0 in the backward pass.
        private static void Finish(int columns, float* max, float* total)
        {
            V zero = V.Broadcast(0);
            for (int c = 0; c < columns; c += V.Lanes)
            {
                V sum = V.Load(total, c), isEmpty = V.Equal(sum, zero);
                V.Store(max, c, V.Select(isEmpty, V.Broadcast(double.PositiveInfinity), V.Load(max, c) + VMath.Log(sum)));
                V.Store(total, c, V.Select(isEmpty, zero, V.Broadcast(1) / sum));
            }
        }
    }
}
