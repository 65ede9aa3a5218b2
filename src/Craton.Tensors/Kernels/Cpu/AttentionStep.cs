using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// Attention of a decoding step: one query for each of the few heads that share a key head. Where <see cref="AttentionRows{V}"/> has a query in
/// every lane, most of which would be empty here, keys are turned and lie across the lanes. What a query gets is the same to the bit: the same
/// chain of multiply-adds for every score, the same blocks of keys, weights and values added in the same order.
/// </summary>
internal static unsafe class AttentionStep<V> where V : struct, IVec<V>
{
    private const int Block = AttentionRows<V>.Block;

    // With more, turning the keys gains nothing over the lanes that are empty otherwise.
    private const int MostHeads = 4;

    /// <summary>Whether a call is one of these, with nothing that is added to its scores.</summary>
    public static bool Does(in AttentionCall call) =>
        call.Queries == 1 && call.Group <= MostHeads && call.Slopes is null && call.Bias is null && call.KeyPadding is null;

    /// <summary>Computes the heads that share a key head.</summary>
    /// <param name="call">The call.</param>
    /// <param name="batch">Which text.</param>
    /// <param name="group">Which key head.</param>
    /// <param name="values">Its values.</param>
    /// <param name="y">Where the result goes.</param>
    public static void Run(in AttentionCall call, int batch, int group, in HeadMatrices values, in HeadMatrices y)
    {
        HeadMatrices q = new(call.Q, call.FirstQuery), k = new(call.K, pages: call.Pages);
        int heads = call.Group, keyWidth = AttentionRows<V>.Padded(q.Width), width = AttentionRows<V>.Padded(values.Width);
        var query = (float*)WorkerScratch.Rent((((heads + 2L * Block) * (keyWidth + width)) + Block + GemmPacking.Overrun) * sizeof(float));
        float* keys = query + heads * keyWidth, turned = keys + Block * keyWidth, seen = turned + Block * keyWidth + GemmPacking.Overrun;
        float* scores = seen + Block * width, sums = scores + Block;
        float* max = stackalloc float[MostHeads], total = stackalloc float[MostHeads];
        for (int h = 0; h < heads; h++)
        {
            q.Read<V>(batch, group * heads + h, 0, 1, (float)call.Scale, query + h * keyWidth, keyWidth);
            (max[h], total[h]) = (float.NegativeInfinity, 0);
        }
        new Span<float>(sums, heads * width).Clear();
        (int first, int end) = call.Range(batch, 0);
        for (int from = first / Block * Block; from < end; from += Block)
        {
            int n = Math.Min(Block, end - from), hidden = Math.Max(0, first - from);
            values.Fetch(batch, group, from, n);
            k.Read<V>(batch, group, from, n, 1, keys, keyWidth);
            k.Fetch(batch, group, from + n, Math.Min(Block, end - from - n));
            GemmPacking.Pack(keys, keyWidth, 1, n, Block, q.Width, turned);
            values.Read<V>(batch, group, from, n, 1, seen, width);
            for (int h = 0; h < heads; h++)
            {
                Score(query + h * keyWidth, turned, q.Width, n, scores);
                if (call.SoftCap > 0) AttentionRows<V>.Cap(scores, 1, n, (float)call.SoftCap, bends: null);
                new Span<float>(scores, hidden).Fill(float.NegativeInfinity);
                new Span<float>(scores + n, Block - n).Fill(float.NegativeInfinity);
                float keep = Weigh(scores, n, ref max[h], ref total[h]);
                AttentionRows<V>.Scale(sums + h * width, width, &keep, 1);
                Accumulate(scores + hidden, n - hidden, seen + hidden * width, sums + h * width, width);
            }
        }
        for (int h = 0; h < heads; h++) total[h] = total[h] == 0 ? 0 : 1 / total[h];
        AttentionRows<V>.Scale(sums, width, total, heads);
        for (int h = 0; h < heads; h++) y.Write<V>(batch, group * heads + h, 0, 1, sums + h * width, width, add: false);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score(float* query, float* turned, int width, int n, float* scores)
    {
        for (int c = 0; c < n; c += 4 * V.Lanes)
        {
            V s0 = default, s1 = default, s2 = default, s3 = default;
            float* key = turned + c;
            for (int i = 0; i < width; i++, key += Block)
            {
                V x = V.BroadcastAt(query + i);
                V.AddProduct(x, V.Load(key), ref s0);
                V.AddProduct(x, V.Load(key + V.Lanes), ref s1);
                V.AddProduct(x, V.Load(key + 2 * V.Lanes), ref s2);
                V.AddProduct(x, V.Load(key + 3 * V.Lanes), ref s3);
            }
            V.Store(scores, c, s0);
            V.Store(scores, c + V.Lanes, s1);
            V.Store(scores, c + 2 * V.Lanes, s2);
            V.Store(scores, c + 3 * V.Lanes, s3);
        }
    }

    // Scores become e^(score − max). Returns the factor of what was summed up before.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Weigh(float* scores, int n, ref float max, ref float total)
    {
        float* lanes = stackalloc float[16];
        V tops = V.Load(scores);
        for (int j = V.Lanes; j < n; j += V.Lanes) tops = V.Max(tops, V.Load(scores, j));
        V.Store(lanes, 0, tops);
        float top = max, sum = 0;
        for (int i = 0; i < V.Lanes; i++) top = MathF.Max(top, lanes[i]);
        float shift = float.IsNegativeInfinity(top) ? 0 : top, old = max - shift; // −∞ − −∞ would be NaN
        V by = V.BroadcastAt(&shift);
        for (int j = 0; j < n; j += V.Lanes) V.Store(scores, j, VMath.Share(V.Load(scores, j) - by));
        for (int j = 0; j < n; j++) sum += scores[j];
        V.Store(lanes, 0, VMath.Share(V.BroadcastAt(&old)));
        total = MathF.FusedMultiplyAdd(total, lanes[0], sum);
        max = top;
        return lanes[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Accumulate(float* weights, int n, float* values, float* sums, int width)
    {
        for (int c = 0; c < width; c += 2 * V.Lanes)
        {
            V s0 = V.Load(sums, c), s1 = V.Load(sums, c + V.Lanes);
            float* value = values + c;
            for (int j = 0; j < n; j++, value += width)
            {
                V x = V.BroadcastAt(weights + j);
                V.AddProduct(x, V.Load(value), ref s0);
                V.AddProduct(x, V.Load(value + V.Lanes), ref s1);
            }
            V.Store(sums, c, s0);
            V.Store(sums, c + V.Lanes, s1);
        }
    }
}
