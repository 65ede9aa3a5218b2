using static Craton.Tensors.Ops;

namespace Craton.Tensors.Tests.Catalog;

/// <summary>
/// Every public operation of <see cref="Ops"/>, in the cases worth distinguishing. A row yields: equality with the reference kernels,
/// gradients against differences, equality with the composed form, equality of bits for all numbers of threads and all registers, no
/// allocation in steady state, and a benchmark.
/// </summary>
internal static partial class OpCatalog
{
    /// <summary>For results whose terms are added in another order than in the reference.</summary>
    private const double Sums = 1e-5;

    /// <summary>All rows.</summary>
    public static IReadOnlyList<OpRow> Rows { get; } =
        [
            .. Functions(), .. Arithmetic(), .. Views(), .. Copies(), .. Indexing(), .. Reductions(), .. Normalisations(), .. Checkpoints(), .. Products(),
            .. Attentions(), .. Convolutions(), .. Images(), .. Sequences(), .. Losses(),
        ];

    /// <summary>The row of a name.</summary>
    public static OpRow Row(string name) => Rows.Single(row => row.Name == name);

    private static OpInput In(string shape, double low = -2, double high = 2) =>
        new(shape, (random, i, _) => low + (high - low) * random.Uniform(i));

    private static OpInput Constant(string shape, double low = -2, double high = 2) => In(shape, low, high) with { Differentiable = false };

    private static OpInput Mask(string shape) => new(shape, (random, i, _) => random.Uniform(i) < 0.7 ? 1 : 0) { Type = DType.Bool };

    private static OpInput Ids(string shape, char bound, DType type = DType.I64) =>
        new(shape, (random, i, size) => random.NextInt(i, Math.Max(1, Dims.Of(bound, size)))) { Type = type };

    private static OpRow Map(string op, Func<Tensor, Tensor> call, double low = -3, double high = 3, string @case = "", int flops = 1) =>
        new(op, @case, [In("btd", low, high)], x => call(x[0])) { Flops = size => flops * Elements("btd", size) };

    private static double Elements(string shape, OpSize size) => Dims.Shape(shape, size).Aggregate(1.0, (product, n) => product * n);

    private static IEnumerable<OpRow> Functions() =>
    [
        Map(nameof(Exp), Exp, flops: 14), Map(nameof(Expm1), Expm1, flops: 20), Map(nameof(Log), Log, 0.05, 4, flops: 18),
        Map(nameof(Log1p), Log1p, -0.9, 4, flops: 20), Map(nameof(Sqrt), Sqrt, 0.05, 4), Map(nameof(Rsqrt), Rsqrt, 0.2, 4, flops: 2),
        Map(nameof(Square), Square), Map(nameof(Reciprocal), Reciprocal, 0.3, 3), Map(nameof(Sin), Sin, flops: 18), Map(nameof(Cos), Cos, flops: 18),
        Map(nameof(Erf), Erf, flops: 20), Map(nameof(Abs), Abs), Map(nameof(Sign), Sign), Map(nameof(Floor), Floor), Map(nameof(Round), Round),
        Map(nameof(Pow), x => Pow(x, 3), @case: "cube", flops: 30), Map(nameof(Pow), x => Pow(x, -1.5), 0.3, 3, "fraction", flops: 30),
        Map(nameof(Pow), x => Pow(x, 0), @case: "zero"),
        Map(nameof(Clamp), x => Clamp(x, -0.5, 0.8)), Map(nameof(Clamp), x => Clamp(x, least: 0.1), @case: "below"),
        Map(nameof(Affine), x => Affine(x, -1.5, 0.25), flops: 2), Map(nameof(Neg), Neg),
        Map(nameof(Sigmoid), Sigmoid, flops: 18), Map(nameof(Tanh), Tanh, flops: 20), Map(nameof(Relu), Relu), Map(nameof(Relu6), Relu6, -3, 9),
        Map(nameof(ReluSquared), ReluSquared, flops: 2), Map(nameof(LeakyRelu), x => LeakyRelu(x, 0.2)), Map(nameof(Elu), x => Elu(x, 1.3), flops: 20),
        Map(nameof(Gelu), Gelu, flops: 24), Map(nameof(GeluTanh), GeluTanh, flops: 26), Map(nameof(QuickGelu), QuickGelu, flops: 20),
        Map(nameof(Silu), Silu, flops: 19), Map(nameof(Activate), x => Activate(x, Activation.Tanh), flops: 20), Map(nameof(Softplus), x => Softplus(x), flops: 40),
        Map(nameof(Softplus), x => Softplus(x, 2, 3), @case: "threshold", flops: 40),
    ];

    private static IEnumerable<OpRow> Arithmetic() =>
    [
        .. Zip(nameof(Add), Add), .. Zip(nameof(Sub), Sub), .. Zip(nameof(Mul), Mul), .. Zip(nameof(Div), Div, lowB: 0.5),
        .. Zip(nameof(Maximum), Maximum), .. Zip(nameof(Minimum), Minimum), .. Zip(nameof(Pow), Pow, lowA: 0.2),
        .. Zip(nameof(SwiGlu), SwiGlu, composed: x => Silu(x[0]) * x[1]),
        .. Zip(nameof(GeGlu), (a, b) => GeGlu(a, b), composed: x => Gelu(x[0]) * x[1]),
        new(nameof(GeGlu), "tanh", [In("btd"), In("btd")], x => GeGlu(x[0], x[1], tanh: true)) { Composed = x => GeluTanh(x[0]) * x[1] },
        new(nameof(Less), "", [In("btd"), In("d")], x => Less(x[0], x[1])) { HasGradient = false },
        new(nameof(Equal), "", [In("btd"), In("d")], x => Equal(Round(x[0]), Round(x[1]))) { HasGradient = false },
    ];

    // The ways in which two operands broadcast.
    private static IEnumerable<OpRow> Zip(
        string op, Func<Tensor, Tensor, Tensor> call, double lowA = -2, double lowB = -2, Func<Tensor[], Tensor>? composed = null)
    {
        foreach ((string @case, string a, string b) in new[]
        {
            ("", "btd", "btd"), ("row", "btd", "d"), ("column", "bt1", "btd"), ("outer", "t1", "1d"), ("scalar", "", "td"), ("middle", "b1d", "btd"),
        })
        {
            // A broadcast operand's gradient is a sum.
            yield return new OpRow(@op, @case, [In(a, lowA), In(b, lowB)], x => call(x[0], x[1]))
            {
                GradientTolerance = @case.Length == 0 ? 0 : Sums,
                Composed = composed,
            };
        }
    }

    private static IEnumerable<OpRow> Views() =>
    [
        new(nameof(Reshape), "flat", [In("btd")], x => Reshape(x[0], -1)),
        new(nameof(Reshape), "split", [In("btd")], x => Reshape(x[0], x[0].Size(0), x[0].Size(2), -1)),
        new(nameof(Permute), "", [In("btd")], x => Permute(x[0], 2, 0, 1)),
        new(nameof(Transpose), "", [In("btd")], x => Transpose(x[0])),
        new(nameof(Transpose), "outer", [In("btd")], x => Transpose(x[0], 0, 1)),
        new(nameof(Slice), "middle", [In("btd")], x => Slice(x[0], 1, 0, -1)),
        new(nameof(Slice), "step", [In("btd")], x => Slice(x[0], 2, 0, step: 2)),
        new(nameof(Select), "", [In("btd")], x => Select(x[0], 1, -1)),
        new(nameof(Squeeze), "", [In("b1d")], x => Squeeze(x[0], 1)),
        new(nameof(Unsqueeze), "", [In("btd")], x => Unsqueeze(x[0], -1)),
        new(nameof(Split), "", [In("btd")], x => Split(x[0], 2, 1, x[0].Size(2) - 1)[0]) { Allocates = "the array of parts" },
    ];

    // One or two elements, where there are more than that.
    private static ReadOnlySpan<int> Margin(Tensor x) => x.Size(2) > 2 ? [0, 1, 2] : [0, 0, 0];

    private static IEnumerable<OpRow> Copies() =>
    [
        new(nameof(Contiguous), "of a view", [In("btd")], x => Contiguous(Transpose(x[0]))),
        new(nameof(Contiguous), "itself", [In("btd")], x => Contiguous(x[0])),
        new(nameof(Copy), "", [In("btd")], x => Copy(x[0])),
        new(nameof(Expand), "", [In("t1")], x => Expand(x[0], 2, x[0].Size(0), 5)) { GradientTolerance = Sums },
        new(nameof(Concat), "last", [In("btd"), In("btk")], x => Concat(-1, x[0], x[1])),
        new(nameof(Concat), "first", [In("btd"), In("1td"), In("btd")], x => Concat(0, x[0], x[1], x[2])),
        new(nameof(Concat), "twice the same", [In("btd")], x => Concat(1, x[0], x[0])),
        new(nameof(Stack), "", [In("td"), In("td")], x => Stack(1, x[0], x[1])),
        new(nameof(Stack), "last", [In("td"), In("td"), In("td")], x => Stack(-1, x[0], x[1], x[2])),
        new(nameof(Pad), "", [In("btd")], x => Pad(x[0], 0.5, [0, 1, 2], [1, 0, 3])),
        .. Enum.GetValues<PadMode>().Select(mode => new OpRow(nameof(Pad), mode.ToString(), [In("btd")], x => Pad(x[0], Margin(x[0]), Margin(x[0]), mode))
        {
            GradientTolerance = Sums,
        }),
        new(nameof(Where), "", [Mask("td"), In("btd"), In("btd")], x => Where(x[0], x[1], x[2])),
        new(nameof(Where), "broadcast", [Mask("b1d"), In("td"), In("")], x => Where(x[0], x[1], x[2])) { GradientTolerance = Sums },
        new(nameof(MaskedFill), "", [In("btd"), Mask("td")], x => MaskedFill(x[0], x[1], -5)),
        new(nameof(Cast), "wider", [In("btd")], x => Cast(x[0], DType.F64)),
        new(nameof(Cast), "BF16", [In("btd")], x => Cast(x[0], DType.BF16)) { HasGradient = false },
        new(nameof(Cast), "BF16 and back", [In("btd")], x => Cast(Cast(x[0], DType.BF16), x[0].DType)) { HasGradient = false },
        new(nameof(Cast), "F16 and back", [In("btd")], x => Cast(Cast(x[0], DType.F16), x[0].DType)) { HasGradient = false },
        new(nameof(Tril), "", [In("bts")], x => Tril(x[0])),
        new(nameof(Tril), "above", [In("tt")], x => Tril(x[0], 1)),
        new(nameof(Flip), "", [In("btd")], x => Flip(x[0], 0, 2)),
        new(nameof(Roll), "", [In("btd")], x => Roll(x[0], [1, -2], [1, 2])),
        new(nameof(RepeatInterleave), "", [In("btd")], x => RepeatInterleave(x[0], 3, 1)) { GradientTolerance = Sums },
        new(nameof(Tile), "", [In("td")], x => Tile(x[0], 2, 3)) { GradientTolerance = Sums },
        new(nameof(OneHot), "", [Ids("bt", 'v')], x => OneHot(x[0], 1031)) { HasGradient = false },
        new(nameof(AlibiSlopes), "", [], _ => AlibiSlopes(12)) { HasGradient = false },
    ];
}
