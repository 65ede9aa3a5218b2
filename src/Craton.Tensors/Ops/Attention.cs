using System.Runtime.CompilerServices;
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

    /// <summary>A query sees at most this many places after its own.</summary>
    public int? WindowAfter { get; init; }

    /// <summary>Scores s become cap · tanh(s / cap) (Gemma Team 2024).</summary>
    public double? SoftCap { get; init; }

    /// <summary>Slopes [H] of linear biases slope · (key − query) (Press et al. 2022); see <see cref="Ops.AlibiSlopes"/>.</summary>
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
/// One call as the kernels see it: tensors [B, H, T, D] of any strides, a range of keys for every query, and what is added to the scores:
/// slopes [H] times the distance, a bias broadcast to [B, H, Tq, Tk], −∞ where a key [B, Tk] is padding.
/// </summary>
internal readonly record struct AttentionCall(
    Tensor Q, Tensor K, Tensor V, double Scale, double SoftCap, bool Causal, int Offset, int Window, int WindowAfter, Tensor? DocumentRuns, Tensor? Slopes,
    Tensor? Bias, Tensor? KeyPadding)
{
    public int Batch => Q.Size(0);

    public int Heads => Q.Size(1);

    /// <summary>Number of queries; they begin at row <see cref="FirstQuery"/> of Q.</summary>
    public int Queries { get; init; } = Q.Size(2);

    public int Keys { get; init; } = K.Size(2);

    public int FirstQuery { get; init; }

    /// <summary>Where K and V are pages [P, G, S, D]: those of this call's keys; null where they are [B, G, Tk, D].</summary>
    public int[]? Pages { get; init; }

    /// <summary>The call for one of several texts that lie on pages.</summary>
    public AttentionCall For(PagedText text) => this with
    {
        Offset = text.Past,
        Queries = text.Count,
        Keys = text.Past + text.Count,
        FirstQuery = text.First,
        Pages = text.Pages,
    };

    /// <summary>Query heads that share one key/value head.</summary>
    public int Group => Q.Size(1) / K.Size(1);

    /// <summary>The keys [First, End) that a query may see.</summary>
    public unsafe (int First, int End) Range(int batch, int query)
    {
        int place = query + Offset, first = 0, end = Keys;
        if (Causal) end = Math.Min(end, place + 1);
        if (Window > 0) first = Math.Max(first, place - Window + 1);
        if (WindowAfter >= 0) end = Math.Min(end, place + WindowAfter + 1);
        if (DocumentRuns is { } runs)
        {
            int* run = (int*)runs.Pointer + 2 * ((long)batch * Keys + place);
            first = Math.Max(first, run[0]);
            end = Math.Min(end, run[1]);
        }
        return (first, Math.Max(first, end));
    }
}

/// <summary>Where the gradients of an attention go: what is null is not wanted. Scores [B, H, Tq, Tk], contiguous and zero at first, gets
/// those of the biased scores.</summary>
internal readonly record struct AttentionGradients(GradTarget? Q, GradTarget? K, GradTarget? V, Tensor? Scores);

public static partial class Ops
{
    /// <summary>
    /// softmax(q · kᵀ · scale) · v for every head (Vaswani et al. 2017), block by block: the score matrix is never stored
    /// (Dao et al. 2022). A query that sees nothing gives zeros. What a query gives does not depend on the other queries of the call.
    /// </summary>
    /// <param name="q">Queries [B, H, Tq, D], of any strides.</param>
    /// <param name="k">Keys [B, G, Tk, D]; H is a multiple of G, and H/G neighbouring query heads share a key head (Ainslie et al. 2023). Where no tape
    /// records they may be F16 or BF16.</param>
    /// <param name="v">Values [B, G, Tk, E], of the type of the keys.</param>
    /// <param name="options">What a query may see.</param>
    /// <returns>[B, H, Tq, E], in memory as [B, Tq, H, E], so that heads are joined by a view.</returns>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, in AttentionOptions options)
    {
        CheckAttention(q, k, v);
        AttentionCall call = Prepare(q, k, v, options);
        var joined = new Layout([q.Size(0), q.Size(2), q.Size(1), v.Size(3)]);
        Tensor y = Tensor.Lease(q.DType, joined.Permute([0, 2, 1, 3]));
        Tensor? bias = options.Bias;
        bool records = Tape.Records(q, k, v) || (bias is not null && Tape.Records(bias));
        Tensor? logSums = records ? Tensor.Empty(q.DType, q.Shape[..3]) : null;
        Kernel.For(q).Attention(call, y, logSums);
        if (records)
        {
            var op = AttentionOp.Rent();
            (op.Call, op.Y, op.Bias) = (call, y, bias);
            op.Keep(logSums!);
            Tape.Record(op, y);
        }
        return y;
    }

    /// <summary>The same from simple operations: the meaning of <see cref="Attention"/> and its test oracle.</summary>
    internal static Tensor AttentionComposed(Tensor q, Tensor k, Tensor v, in AttentionOptions options)
    {
        CheckAttention(q, k, v);
        (k, v) = (Cast(k, q.DType), Cast(v, q.DType));
        AttentionCall call = Prepare(q, k, v, options);
        int batch = call.Batch, heads = call.Heads, queries = call.Queries, keys = call.Keys, groups = k.Size(1);
        Tensor grouped = Reshape(q, batch, groups, call.Group, queries, q.Size(3));
        Tensor scores = Reshape(MatMul(grouped, Transpose(Unsqueeze(k, 2))) * call.Scale, batch, heads, queries, keys);
        if (call.SoftCap > 0) scores = Tanh(scores * (1 / call.SoftCap)) * call.SoftCap;
        if (call.Slopes is not null) scores += AlibiBias(q, call.Slopes, keys, call.Offset);
        if (options.Bias is not null) scores += options.Bias;
        Tensor visible = Tensor.Zeros(DType.Bool, batch, 1, queries, keys);
        for (int row = 0; row < batch * queries; row++)
        {
            (int first, int end) = call.Range(row / queries, row % queries);
            visible.AsSpan<bool>().Slice(row * keys, keys)[first..end].Fill(true);
        }
        Tensor counts = Cast(visible, q.DType);
        if (call.KeyPadding is { } padding) counts *= Cast(padding, q.DType).View(batch, 1, 1, keys);
        if (call.Bias is { } limits) counts *= Less(Affine(Equal(limits, limits), 0, double.NegativeInfinity), limits); // −∞ hides a key too
        visible = Cast(counts, DType.Bool);
        Tensor weights = Reshape(MaskedSoftmax(scores, visible), batch, groups, call.Group, queries, keys);
        return Reshape(MatMul(weights, Unsqueeze(v, 2)), batch, heads, queries, v.Size(3));
    }

    private sealed class AttentionOp : Op<AttentionOp>
    {
        public AttentionCall Call;
        public Tensor Y = null!, LogSums = null!;
        public Tensor? Bias;

        public override string Name => "attention";

        public void Keep(Tensor logSums)
        {
            LogSums = logSums;
            Own(logSums);
        }

        // P = exp(S − logsum), dV = Pᵀ·dY, dP = dY·Vᵀ, dS = P ∘ (dP − Σ dY∘Y), dQ = dS·K·scale, dK = dSᵀ·Q·scale, dBias = dS.
        public override void Backward(Tensor dy)
        {
            Tensor? dScores = Bias is { RequiresGrad: true } ? Tensor.Zeros(dy.DType, Call.Batch, Call.Heads, Call.Queries, Call.Keys) : null;
            Kernel.For(dy).AttentionBackward(Call, Y, LogSums, dy, new AttentionGradients(Target(Call.Q), Target(Call.K), Target(Call.V), dScores));
            if (dScores is null) return;
            (Tensor dBias, bool add) = Tape.GradFor(Bias!);
            Kernel.For(dy).SumTo(dScores, dBias.Rank == 4 ? dBias : Lifted(dBias, 4), add);
        }

        private static GradTarget? Target(Tensor input) => input.RequiresGrad ? Tape.GradFor(input) : null;
    }

    private static void CheckAttention(Tensor q, Tensor k, Tensor v)
    {
        Check.Float("attention", "q", q);
        Check.Rank("attention", "q", q, 4, 4);
        CheckKeyType("attention", "k", "v", q, k, v);
        Check.Rank("attention", "k", k, 4, 4);
        Check.Rank("attention", "v", v, 4, 4);
        Check.Size("attention", "k", k, 0, q.Size(0));
        Check.Size("attention", "k", k, 3, q.Size(3));
        Check.That(k.Size(1) > 0 && q.Size(1) % k.Size(1) == 0, "attention", "k", $"a number of heads that divides {q.Size(1)}", $"{k.Layout}");
        Check.That(v.Shape[..3].SequenceEqual(k.Shape[..3]), "attention", "v", $"the first three sizes of k {k.Layout}", $"{v.Layout}");
    }

    private static void CheckKeyType(string op, string keyName, string valueName, Tensor q, Tensor keys, Tensor values)
    {
        if (keys.DType is not (DType.F16 or DType.BF16)) Check.SameType(op, keyName, keys, q);
        else Check.That(!Tape.Records(q, keys, values), op, keyName, $"{q.DType} where a tape records", $"{keys.DType}", "train with keys and values of the queries' type");
        Check.SameType(op, valueName, values, keys);
    }

    private static AttentionCall Prepare(Tensor q, Tensor k, Tensor v, in AttentionOptions options)
    {
        int keys = k.Size(2), offset = options.QueryOffset;
        Check.That(offset >= 0, "attention", "query offset", "0 or more", $"{offset}");
        Check.That(options.Window is null or > 0, "attention", "window", "1 or more", $"{options.Window}", "a query always sees its own place");
        Check.That(options.WindowAfter is null or >= 0, "attention", "window after", "0 or more", $"{options.WindowAfter}");
        if (options.KeyPadding is { } padding) CheckMask("key padding", padding, [k.Size(0), keys]);
        if (options.AlibiSlopes is { } slopes)
        {
            Check.Shape("attention", "slopes", slopes, q.Size(1));
            Check.SameType("attention", "slopes", slopes, q);
        }
        Tensor? bias = options.Bias?.Detach(), runs = null;
        if (bias is not null)
        {
            Check.SameType("attention", "bias", bias, q);
            CheckBroadcast("bias", bias, q, keys);
        }
        if (options.DocumentIds is { } documents)
        {
            CheckDocuments(documents, q, k, offset);
            Tensor ids = Contiguous(Cast(documents, DType.I32));
            runs = Runs(ids);
            if (runs is null) bias = Sum(bias, DocumentBias(q, ids, keys, offset));
        }
        if (options.Mask is { } mask)
        {
            Check.That(mask.DType == DType.Bool, "attention", "mask", "Bool", $"{mask.DType}");
            CheckBroadcast("mask", mask, q, keys);
            bias = Sum(bias, Forbidden(q.DType, mask));
        }
        return new AttentionCall(
            q, k, v, options.Scale ?? 1 / Math.Sqrt(q.Size(3)), options.SoftCap ?? 0, options.Causal, offset, options.Window ?? 0, options.WindowAfter ?? -1, runs,
            options.AlibiSlopes?.Detach(), bias, options.KeyPadding);

        static Tensor Sum(Tensor? a, Tensor b) => a is null ? b : a + b;
    }

    private static void CheckMask(string argument, Tensor mask, ReadOnlySpan<int> shape)
    {
        Check.That(mask.DType == DType.Bool, "attention", argument, "Bool", $"{mask.DType}");
        Check.Shape("attention", argument, mask, shape);
    }

    private static void CheckBroadcast(string argument, Tensor tensor, Tensor q, int keys)
    {
        ReadOnlySpan<int> scores = [q.Size(0), q.Size(1), q.Size(2), keys];
        bool fits = tensor.Rank <= 4;
        for (int i = 1; i <= tensor.Rank && fits; i++) fits = tensor.Size(-i) == 1 || tensor.Size(-i) == scores[^i];
        Check.That(fits, "attention", argument, $"a shape that broadcasts to the scores {Layout.Describe(scores)}", $"{tensor.Layout}");
    }

    private static void CheckDocuments(Tensor documents, Tensor q, Tensor k, int offset)
    {
        Check.Indices("attention", "document ids", documents);
        Check.Shape("attention", "document ids", documents, k.Size(0), k.Size(2));
        Check.That(offset + q.Size(2) <= k.Size(2), "attention", "query offset", $"at most {k.Size(2) - q.Size(2)}, so that every query has a document", $"{offset}");
    }

    // 0 where true, −∞ where false.
    private static Tensor Forbidden(DType type, Tensor allowed) =>
        Unary<ForbiddenForward, ZeroGradient>("mask", Cast(allowed, type));

    private readonly struct ForbiddenForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Select(V.Equal(x, V.Broadcast(0)), V.Broadcast(double.NegativeInfinity), V.Broadcast(0));
    }

    // For every place the run [first, end) of its document; null when a document's places are not all neighbours.
    private static Tensor? Runs(Tensor documents)
    {
        Tensor runs = Tensor.Empty(DType.I32, documents.Size(0), documents.Size(1), 2);
        Span<int> all = runs.AsSpan<int>();
        ReadOnlySpan<int> ids = documents.AsSpan<int>();
        int keys = documents.Size(1);
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
