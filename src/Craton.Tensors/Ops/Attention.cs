using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors;

/// <summary>What a query may see, and how scores are formed.</summary>
public readonly record struct AttentionOptions()
{
    /// <summary>Factor on the scores; 1/√D when null.</summary>
    public double? Scale { get; init; }

    /// <summary>A query sees no key after its own place.</summary>
    public bool Causal { get; init; }

    /// <summary>Place of the first query among the keys: the number of keys less that of the queries when decoding with a cache.</summary>
    public int QueryOffset { get; init; }

    /// <summary>A query sees its own place and the Window − 1 places before it.</summary>
    public int? Window { get; init; }

    /// <summary>Scores s become cap · tanh(s / cap) (Gemma Team 2024).</summary>
    public double? SoftCap { get; init; }

    /// <summary>Slopes [H] of linear biases slope · (key − query) (Press et al. 2022).</summary>
    public Tensor? AlibiSlopes { get; init; }

    /// <summary>Which keys a query sees, Bool, broadcastable to [B, H, Tq, Tk].</summary>
    public Tensor? Mask { get; init; }

    /// <summary>Added to the scores, broadcastable to [B, H, Tq, Tk]. One that requires a gradient costs memory for all scores.</summary>
    public Tensor? Bias { get; init; }

    /// <summary>Which places hold a key, Bool [B, Tk].</summary>
    public Tensor? KeyPadding { get; init; }

    /// <summary>Number of the document of every place, I32 or I64 [B, Tk]: queries see keys of their own document only.</summary>
    public Tensor? DocumentIds { get; init; }
}

/// <summary>
/// One call as the kernels see it: tensors [B, H, T, D] of any strides, and all limits as a range of keys for every query plus one
/// optional additive tensor.
/// </summary>
internal readonly record struct AttentionCall(
    Tensor Q, Tensor K, Tensor V, double Scale, double SoftCap, bool Causal, int Offset, int Window, Tensor? DocumentRuns, Tensor? Bias)
{
    public int Batch => Q.Size(0);

    public int Heads => Q.Size(1);

    public int Queries => Q.Size(2);

    public int Keys => K.Size(2);

    /// <summary>Query heads that share one key/value head.</summary>
    public int Group => Q.Size(1) / K.Size(1);

    /// <summary>The keys [First, End) that a query may see.</summary>
    public unsafe (int First, int End) Range(int batch, int query)
    {
        int place = query + Offset, first = 0, end = Keys;
        if (Causal) end = Math.Min(end, place + 1);
        if (Window > 0) first = Math.Max(first, place - Window + 1);
        if (DocumentRuns is { } runs)
        {
            int* run = (int*)runs.Pointer + 2 * ((long)batch * Keys + place);
            first = Math.Max(first, run[0]);
            end = Math.Min(end, run[1]);
        }
        return (first, Math.Max(first, end));
    }
}

public static partial class Ops
{
    /// <summary>
    /// softmax(q · kᵀ · scale) · v for every head (Vaswani et al. 2017), block by block: the score matrix is never stored
    /// (Dao et al. 2022). A query that sees nothing gives zeros. What a query gives does not depend on the other queries of the call.
    /// </summary>
    /// <param name="q">Queries [B, H, Tq, D], of any strides.</param>
    /// <param name="k">Keys [B, G, Tk, D]; H is a multiple of G, and H/G neighbouring query heads share a key head (Ainslie et al. 2023).</param>
    /// <param name="v">Values [B, G, Tk, E].</param>
    /// <param name="options">What a query may see.</param>
    /// <returns>[B, H, Tq, E], in memory as [B, Tq, H, E], so that heads are joined by a view.</returns>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, in AttentionOptions options)
    {
        CheckAttention(q, k, v);
        // A bias that learns (T5) needs the gradient of the scores, which only the composed form has.
        if (options.Bias is { } bias && Tape.Records(bias)) return AttentionComposed(q, k, v, options);
        AttentionCall call = Prepare(q, k, v, options);
        var joined = new Layout([q.Size(0), q.Size(2), q.Size(1), v.Size(3)]);
        Tensor y = Tensor.Lease(q.DType, joined.Permute([0, 2, 1, 3]));
        bool records = Tape.Records(q, k, v);
        Tensor? logSums = records ? Tensor.Empty(q.DType, q.Shape[..3]) : null;
        Kernel.For(q).Attention(call, y, logSums);
        if (records)
        {
            var op = AttentionOp.Rent();
            (op.Call, op.Y) = (call, y);
            op.Keep(logSums!);
            Tape.Record(op, y);
        }
        return y;
    }

    /// <summary>The same from simple operations: the meaning of <see cref="Attention"/> and its test oracle.</summary>
    internal static Tensor AttentionComposed(Tensor q, Tensor k, Tensor v, in AttentionOptions options)
    {
        CheckAttention(q, k, v);
        AttentionCall call = Prepare(q, k, v, options);
        int batch = call.Batch, heads = call.Heads, queries = call.Queries, keys = call.Keys, groups = k.Size(1);
        Tensor grouped = Reshape(q, batch, groups, call.Group, queries, q.Size(3));
        Tensor scores = Reshape(MatMul(grouped, Transpose(Unsqueeze(k, 2))) * call.Scale, batch, heads, queries, keys);
        if (call.SoftCap > 0) scores = Tanh(scores * (1 / call.SoftCap)) * call.SoftCap;
        if (call.Bias is not null) scores += call.Bias;
        Tensor visible = Tensor.Zeros(DType.Bool, batch, 1, queries, keys);
        for (int b = 0; b < batch; b++)
            for (int i = 0; i < queries; i++)
            {
                (int first, int end) = call.Range(b, i);
                visible.AsSpan<bool>().Slice((b * queries + i) * keys, keys)[first..end].Fill(true);
            }
        if (call.Bias is { } limits) // a bias of −∞ hides a key too
            visible = Cast(Cast(visible, q.DType) * Less(Affine(Equal(limits, limits), 0, double.NegativeInfinity), limits), DType.Bool);
        Tensor weights = Reshape(MaskedSoftmax(scores, visible), batch, groups, call.Group, queries, keys);
        return Reshape(MatMul(weights, Unsqueeze(v, 2)), batch, heads, queries, v.Size(3));
    }

    private sealed class AttentionOp : Op<AttentionOp>
    {
        public AttentionCall Call;
        public Tensor Y = null!, LogSums = null!;

        public override string Name => "attention";

        public void Keep(Tensor logSums)
        {
            LogSums = logSums;
            Own(logSums);
        }

        // P = exp(S − logsum), dV = Pᵀ·dY, dP = dY·Vᵀ, dS = P ∘ (dP − Σ dY∘Y), dQ = dS·K·scale, dK = dSᵀ·Q·scale.
        public override void Backward(Tensor dy)
        {
            Tensor dq = Cleared(Call.Q), dk = Cleared(Call.K), dv = Cleared(Call.V);
            Kernel.For(dy).AttentionBackward(Call, Y, LogSums, dy, dq, dk, dv);
            Give(Call.Q, dq);
            Give(Call.K, dk);
            Give(Call.V, dv);
        }

        // The kernels add: where the input's own gradient can be added to, they add to it directly.
        private static Tensor Cleared(Tensor input)
        {
            if (!input.RequiresGrad) return Tensor.Zeros(input.DType, input.Shape);
            (Tensor gradient, bool add) = Tape.GradFor(input);
            if (!add) Kernel.For(gradient).Fill(gradient, 0);
            return gradient;
        }

        private static void Give(Tensor input, Tensor gradient)
        {
            if (!input.RequiresGrad) gradient.Release();
        }
    }

    private static void CheckAttention(Tensor q, Tensor k, Tensor v)
    {
        Check.Float("attention", "q", q);
        Check.Rank("attention", "q", q, 4, 4);
        Check.SameType("attention", "k", k, q);
        Check.SameType("attention", "v", v, q);
        Check.Rank("attention", "k", k, 4, 4);
        Check.Rank("attention", "v", v, 4, 4);
        Check.Size("attention", "k", k, 0, q.Size(0));
        Check.Size("attention", "k", k, 3, q.Size(3));
        Check.That(k.Size(1) > 0 && q.Size(1) % k.Size(1) == 0, "attention", "k", $"a number of heads that divides {q.Size(1)}", $"{k.Layout}");
        Check.That(v.Shape[..3].SequenceEqual(k.Shape[..3]), "attention", "v", $"the first three sizes of k {k.Layout}", $"{v.Layout}");
    }

    private static AttentionCall Prepare(Tensor q, Tensor k, Tensor v, in AttentionOptions options)
    {
        Tensor? bias = options.Bias;
        Tensor? documents = options.DocumentIds is { } ids ? Documents(ids, q, k, options.QueryOffset) : null;
        Tensor? runs = documents is null ? null : Runs(documents, k);
        if (documents is not null && runs is null) bias = Sum(bias, DocumentBias(q, documents, k.Size(2), options.QueryOffset));
        if (options.AlibiSlopes is { } slopes) bias = Sum(bias, AlibiBias(q, slopes, k.Size(2), options.QueryOffset));
        if (options.KeyPadding is { } padding) bias = Sum(bias, Forbidden(q.DType, padding).View(padding.Size(0), 1, 1, padding.Size(1)));
        if (options.Mask is { } mask) bias = Sum(bias, Forbidden(q.DType, mask));
        return new AttentionCall(
            q, k, v, options.Scale ?? 1 / Math.Sqrt(q.Size(3)), options.SoftCap ?? 0, options.Causal, options.QueryOffset, options.Window ?? 0, runs, bias);

        static Tensor Sum(Tensor? a, Tensor b) => a is null ? b : a + b;
    }

    // 0 where true, −∞ where false.
    private static Tensor Forbidden(DType type, Tensor allowed) =>
        Unary<ForbiddenForward, ZeroGradient>("mask", Cast(allowed, type));

    private readonly struct ForbiddenForward : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Select(V.Equal(x, V.Broadcast(0)), V.Broadcast(double.NegativeInfinity), V.Broadcast(0));
    }

    // The numbers of the documents as contiguous I32; every query has a place among the keys.
    private static Tensor Documents(Tensor ids, Tensor q, Tensor k, int offset)
    {
        Check.Indices("attention", "documentIds", ids);
        Check.Shape("attention", "documentIds", ids, k.Size(0), k.Size(2));
        int last = q.Size(2) + offset;
        if (offset < 0 || last > k.Size(2))
            Check.Fail("attention", "documentIds", $"queries at places 0 to {k.Size(2) - 1}", $"{offset} to {last - 1}", "set QueryOffset to keys less queries");
        return Contiguous(Cast(ids, DType.I32));
    }

    // For every place the run [first, end) of its document; null when a document's places are not all neighbours.
    private static Tensor? Runs(Tensor documents, Tensor k)
    {
        Tensor runs = Tensor.Empty(DType.I32, documents.Size(0), documents.Size(1), 2);
        Span<int> all = runs.AsSpan<int>();
        ReadOnlySpan<int> ids = documents.AsSpan<int>();
        int keys = k.Size(2);
        for (int b = 0; b < documents.Size(0); b++)
        {
            ReadOnlySpan<int> row = ids.Slice(b * keys, keys);
            for (int first = 0; first < keys;)
            {
                int end = first + 1;
                while (end < keys && row[end] == row[first]) end++;
                if (row[end..].Contains(row[first])) return null;
                for (int i = first; i < end; i++) (all[2 * (b * keys + i)], all[2 * (b * keys + i) + 1]) = (first, end);
                first = end;
            }
        }
        return runs;
    }

    private static Tensor DocumentBias(Tensor q, Tensor documents, int keys, int offset)
    {
        int batch = q.Size(0), queries = q.Size(2);
        Tensor same = Tensor.Empty(DType.Bool, batch, 1, queries, keys);
        Span<bool> all = same.AsSpan<bool>();
        ReadOnlySpan<int> ids = documents.AsSpan<int>();
        for (int b = 0, at = 0; b < batch; b++)
            for (int i = 0; i < queries; i++)
                for (int j = 0; j < keys; j++) all[at++] = ids[b * keys + j] == ids[b * keys + i + offset];
        return Forbidden(q.DType, same);
    }

    private static Tensor AlibiBias(Tensor q, Tensor slopes, int keys, int offset)
    {
        Tensor distance = Tensor.Empty(DType.F64, q.Size(2), keys);
        Span<double> all = distance.AsSpan<double>();
        for (int i = 0, at = 0; i < q.Size(2); i++)
            for (int j = 0; j < keys; j++) all[at++] = j - i - offset;
        return slopes.Detach().View(1, q.Size(1), 1, 1) * Cast(distance, q.DType);
    }
}
