using System.Collections.Concurrent;
using static Craton.Tensors.Ops;

namespace Craton.Tensors.Tests.Catalog;

// Indexing, reductions, norms, products, attention.
internal static partial class OpCatalog
{
    private static readonly ConcurrentDictionary<int, RotaryTable> s_tables = new();

    private static IEnumerable<OpRow> Indexing() =>
    [
        new(nameof(Embedding), "", [In("vd"), Ids("bt", 'v')], x => Embedding(x[0], x[1])),
        new(nameof(Embedding), "padding", [In("vd"), Ids("t", 'v', DType.I32)], x => Embedding(x[0], x[1], paddingIdx: 1)) { NoDifferences = "the padding row gets no gradient by design" },
        new(nameof(Gather), "", [In("btd"), Ids("bt5", 'd')], x => Gather(x[0], -1, x[1])),
        new(nameof(IndexSelect), "", [In("btd"), Ids("k", 't')], x => IndexSelect(x[0], 1, x[1])),
        new(nameof(ScatterAdd), "", [In("btd"), Ids("bkd", 't'), In("bkd")], x => ScatterAdd(x[0], 1, x[1], x[2])),
        new(nameof(IndexAdd), "", [In("btd"), Ids("k", 't', DType.I32), In("bkd")], x => IndexAdd(x[0], 1, x[1], x[2])),
        new(nameof(Sort), "values", [In("btd")], x => Sort(x[0]).Values),
        new(nameof(Sort), "descending", [In("btd")], x => Sort(x[0], 1, descending: true).Values),
        new(nameof(Sort), "indices", [In("btd")], x => Sort(x[0]).Indices) { HasGradient = false },
        new(nameof(TopK), "values", [In("btd")], x => TopK(x[0], Math.Min(3, x[0].Size(2))).Values),
        new(nameof(TopK), "indices", [In("btd")], x => TopK(x[0], 1, 1, largest: false).Indices) { HasGradient = false },
        new(nameof(MaxWithIndex), "values", [In("btd")], x => MaxWithIndex(x[0]).Values),
        new(nameof(MinWithIndex), "values", [In("btd")], x => MinWithIndex(x[0], 1, keepDim: true).Values),
        new(nameof(ArgMax), "", [In("btd")], x => ArgMax(x[0])) { HasGradient = false },
        new(nameof(ArgMin), "", [In("btd")], x => ArgMin(x[0], 1)) { HasGradient = false },
    ];

    private static IEnumerable<OpRow> Reductions() =>
    [
        .. Reduce(nameof(Sum), (x, dims, keep) => Sum(x, dims, keep)), .. Reduce(nameof(Mean), (x, dims, keep) => Mean(x, dims, keep)),
        .. Reduce(nameof(Variance), (x, dims, keep) => Variance(x, dims, keep, keep ? 1 : 0)),
        .. Reduce(nameof(Norm), (x, dims, keep) => Norm(x, dims, keep)),
        .. Reduce(nameof(Max), (x, dims, keep) => Max(x, dims, keep)), .. Reduce(nameof(Min), (x, dims, keep) => Min(x, dims, keep)),
        .. Reduce(nameof(LogSumExp), (x, dims, keep) => LogSumExp(x, dims, keep)),
        new(nameof(Norm), "1", [In("btd")], x => Norm(x[0], [-1], p: 1)) { Tolerance = Sums },
        new(nameof(Norm), "infinity", [In("btd")], x => Norm(x[0], [-1], p: double.PositiveInfinity)),
        new(nameof(Norm), "3", [In("btd", 0.1)], x => Norm(x[0], [-1], p: 3)) { Tolerance = Sums, GradientTolerance = Sums },
        new(nameof(CumSum), "", [In("btd")], x => CumSum(x[0])) { Tolerance = Sums, GradientTolerance = Sums },
        new(nameof(CumSum), "first", [In("btd")], x => CumSum(x[0], 0)) { Tolerance = Sums, GradientTolerance = Sums },
    ];

    private static IEnumerable<OpRow> Reduce(string op, Func<Tensor, int[], bool, Tensor> call)
    {
        foreach ((string @case, int[] dims, bool keep) in new (string, int[], bool)[]
        {
            ("all", [], false), ("rows", [-1], false), ("columns", [0, 1], false), ("first", [0], true), ("middle", [1], false), ("outer", [0, 2], true),
        })
            yield return new OpRow(op, @case, [In("btd")], x => call(x[0], dims, keep)) { Tolerance = Sums, GradientTolerance = Sums };
    }

    private static IEnumerable<OpRow> Normalisations()
    {
        OpRow[] rows =
        [
            new(nameof(Softmax), "", [In("btd", -6, 6)], x => Softmax(x[0])) { Composed = x => SoftmaxComposed(x[0], 2) },
            new(nameof(Softmax), "middle", [In("btd", -6, 6)], x => Softmax(x[0], 1)) { Composed = x => SoftmaxComposed(x[0], 1) },
            new(nameof(MaskedSoftmax), "", [In("btd"), Mask("t1")], x => MaskedSoftmax(x[0], x[1])),
            new(nameof(MaskedSoftmax), "part", [In("btd"), Mask("btd")], x => MaskedSoftmax(x[0], x[1])),
            new(nameof(LogSoftmax), "", [In("btd", -6, 6)], x => LogSoftmax(x[0])) { Composed = x => LogSoftmaxComposed(x[0], 2) },
            new(nameof(LogSoftmax), "first", [In("btd", -6, 6)], x => LogSoftmax(x[0], 0)) { Composed = x => LogSoftmaxComposed(x[0], 0) },
            new(nameof(LayerNorm), "", [In("btd"), In("d"), In("d")], x => LayerNorm(x[0], x[1], x[2]))
            {
                Composed = x => LayerNormComposed(x[0], x[1], x[2], 1e-5),
            },
            new(nameof(LayerNorm), "plain", [In("btd")], x => LayerNorm(x[0], eps: 0.1)) { Composed = x => LayerNormComposed(x[0], null, null, 0.1) },
            new(nameof(LayerNorm), "two dimensions", [In("btd"), In("td"), In("td")], x => LayerNorm(x[0], x[1], x[2], normalizedDims: 2)),
            new(nameof(RmsNorm), "", [In("btd"), In("d")], x => RmsNorm(x[0], x[1])) { Composed = x => RmsNormComposed(x[0], x[1], 1e-6, 0) },
            new(nameof(RmsNorm), "offset", [In("btd"), In("d")], x => RmsNorm(x[0], x[1], 1e-3, weightOffset: 1))
            {
                Composed = x => RmsNormComposed(x[0], x[1], 1e-3, 1),
            },
            new(nameof(RmsNorm), "plain", [In("btd")], x => RmsNorm(x[0])) { Composed = x => RmsNormComposed(x[0], null, 1e-6, 0) },
            new(nameof(L2Normalize), "", [In("btd")], x => L2Normalize(x[0])),
            new(nameof(Rotary), "half", [In("bhtp")], x => Rotary(x[0], Table(x[0]), offset: 3)),
            new(nameof(Rotary), "interleaved", [In("bthp")], x => Rotary(Permute(x[0], 0, 2, 1, 3), Table(x[0]), layout: RotaryLayout.Interleaved)),
            new(nameof(Rotary), "positions", [In("bhtp"), Ids("bt", 's')], x => Rotary(x[0], Table(x[0]), x[1]))
            {
                Composed = x => RotaryComposed(x[0], Table(x[0]), x[1], RotaryLayout.Half),
            },
            new(nameof(Rotary), "part", [In("tk")], x => Rotary(Concat(1, x[0], x[0]), s_tables.GetOrAdd(2, static d => new RotaryTable(1e4, d)))),
            new(nameof(Dropout), "", [In("btd")], x => Dropout(x[0], 0.3, new CounterRandom(5, 6, 7))),
            new(nameof(Dropout), "none", [In("btd")], x => Dropout(x[0], 0, new CounterRandom(5))),
        ];
        return rows.Select(row => row with { Tolerance = Sums, GradientTolerance = Sums });
    }

    private static IEnumerable<OpRow> Checkpoints()
    {
        static Tensor Block(Tensor x, Tensor weight) => x + Softmax(RmsNorm(x, weight));
        yield return new(nameof(Checkpoint), "", [In("btd"), In("d")], x => Checkpoint(x[0], x[1], Block))
        {
            Composed = x => Block(x[0], x[1]),
            Tolerance = Sums,
            GradientTolerance = Sums,
        };
    }

    private static RotaryTable Table(Tensor x) => s_tables.GetOrAdd(x.Size(-1), static d => new RotaryTable(1e4, d));

    private static IEnumerable<OpRow> Products()
    {
        Func<OpSize, double> flops = size => 2 * Elements("btdk", size);
        yield return new(nameof(MatMul), "", [In("td"), In("dk")], x => MatMul(x[0], x[1])) { Flops = size => 2 * Elements("tdk", size) };
        yield return new(nameof(MatMul), "batch", [In("btd"), In("bdk")], x => MatMul(x[0], x[1])) { Flops = flops };
        yield return new(nameof(MatMul), "shared", [In("btd"), In("dk")], x => MatMul(x[0], x[1])) { Flops = flops, GradientTolerance = Sums };
        yield return new(nameof(MatMul), "transposed", [In("bdt"), In("bkd")], x => MatMul(Transpose(x[0]), Transpose(x[1]))) { Flops = flops };
        yield return new(nameof(MatMul), "heads", [In("bhtp"), In("b1sp")], x => MatMul(x[0], Transpose(x[1]))) { GradientTolerance = Sums };
        yield return new(nameof(MatMul), "row", [In("d"), In("dk")], x => MatMul(x[0], x[1])) { Flops = size => 2 * Elements("dk", size) };
        yield return new(nameof(MatMul), "column", [In("btd"), In("d")], x => MatMul(x[0], x[1])) { GradientTolerance = Sums };
        yield return new(nameof(Einsum), "", [In("bhtp"), In("bgsp")], x => Einsum("bhtp,bgsp->thbs", x[0], x[1]))
        {
            Allocates = "the letters and sizes",
            Tolerance = Sums,
            GradientTolerance = Sums,
        };
        yield return new(nameof(Linear), "plain", [In("btd"), In("kd")], x => Linear(x[0], x[1]))
        {
            Flops = flops,
            Composed = x => LinearComposed(x[0], x[1], null, Activation.None),
        };
        foreach (Activation activation in Enum.GetValues<Activation>())
            yield return new(nameof(Linear), activation.ToString(), [In("btd"), In("kd", -0.5, 0.5), In("k")], x => Linear(x[0], x[1], x[2], activation))
            {
                Flops = flops,
                GradientTolerance = Sums,
                Composed = x => LinearComposed(x[0], x[1], x[2], activation),
            };
        yield return new(nameof(Linear), "residual", [In("btd"), In("kd"), In("btk")], x => Linear(x[0], x[1], residual: x[2]))
        {
            Flops = flops,
            Composed = x => LinearComposed(x[0], x[1], null, Activation.None, x[2]),
        };
        yield return new(nameof(Linear), "everything", [In("btd"), In("kd", -0.5, 0.5), In("k"), In("btk")], x => Linear(x[0], x[1], x[2], Activation.Gelu, x[3]))
        {
            Flops = flops,
            GradientTolerance = Sums,
            Composed = x => LinearComposed(x[0], x[1], x[2], Activation.Gelu, x[3]),
        };
    }

    private static IEnumerable<OpRow> Attentions() =>
    [
        Attend("", static x => new()),
        Attend("causal", static x => new() { Causal = true }, keys: 't'),
        Attend("decoding", static x => new() { Causal = true, QueryOffset = x[1].Size(2) - x[0].Size(2) }),
        Attend("window", static x => new() { Causal = true, Window = 3, QueryOffset = x[1].Size(2) - x[0].Size(2) }),
        Attend("soft cap", static x => new() { SoftCap = 2, Scale = 0.7 }),
        Attend("mask", static x => new() { Mask = x[3] }, extra: Mask("bhts")),
        Attend("bias", static x => new() { Bias = x[3] }, extra: Constant("hts")),
        Attend("learnt bias", static x => new() { Bias = x[3] }, extra: In("1hts")) with { Composed = null },
        Attend("alibi", static x => new() { Causal = true, AlibiSlopes = x[3] }, extra: Constant("h", 0.1, 1)),
        Attend("key padding", static x => new() { KeyPadding = x[3] }, extra: Mask("bs")),
        Attend("documents", static x => new() { Causal = true, DocumentIds = x[3] }, Documents("bt"), keys: 't'),
        AttendPaged("", static x => new()),
        AttendPaged("all options", static x => new() { Window = 5, SoftCap = 2, Scale = 0.7, AlibiSlopes = x[3] }),
        AttendPaged("F16", static x => new(), DType.F16),
        AttendPaged("BF16", static x => new() { Window = 5 }, DType.BF16),
    ];

    private static OpInput Documents(string shape) => new(shape, static (_, i, size) => i % Dims.Of('t', size) / 3) { Type = DType.I32 };

    private static OpRow AttendPaged(string @case, Func<Tensor[], AttentionOptions> options, DType? type = null)
    {
        return new(nameof(PagedAttention), @case, [Constant("1htp"), Constant("sg4p"), Constant("sg4p"), Constant("h", 0.1, 1)], x => PagedAttention(x[0], Stored(x[1]), Stored(x[2]), TwoTexts(x), options(x)))
        {
            Tolerance = Sums,
            HasGradient = false,
            NoExtremes = "a hidden key has the weight 0 in its tile, and 0 · NaN is NaN; the reference does not visit it",
            Allocates = "the list of texts",
            Composed = x => PagedAttentionComposed(x[0], Stored(x[1]), Stored(x[2]), TwoTexts(x), options(x)),
            Flops = size => 4 * Elements("http", size),
        };

        Tensor Stored(Tensor pages) => type is { } narrow ? Cast(pages, narrow) : pages;
    }

    // A third of the rows is the end of one text, the rest that of another, whose pages are the last ones.
    private static PagedText[] TwoTexts(Tensor[] x)
    {
        int rows = x[0].Size(2), first = rows / 3, pages = x[1].Size(0);
        return
        [
            new PagedText(0, first, 3, [.. Enumerable.Range(0, pages)]),
            new PagedText(first, rows - first, rows / 2, [.. Enumerable.Range(0, pages).Reverse()]),
        ];
    }

    private static OpRow Attend(string @case, Func<Tensor[], AttentionOptions> options, OpInput? extra = null, char keys = 's')
    {
        OpInput[] inputs = [In("bhtp"), In($"bg{keys}p"), In($"bg{keys}p")];
        return new OpRow(nameof(Attention), @case, extra is null ? inputs : [.. inputs, extra], x => Attention(x[0], x[1], x[2], options(x)))
        {
            Tolerance = Sums,
            GradientTolerance = 2 * Sums,
            NoExtremes = "a hidden key has the weight 0 in its tile, and 0 · NaN is NaN; the reference does not visit it",
            Composed = x => AttentionComposed(x[0], x[1], x[2], options(x)),
            Flops = size => 4 * Elements($"bht{keys}p", size),
        };
    }
}
