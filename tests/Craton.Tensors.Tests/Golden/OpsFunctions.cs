namespace Craton.Tensors.Tests.Golden;

/// <summary>The operation of <see cref="Ops"/> that each kind of golden case is about.</summary>
internal static partial class OpsFunctions
{
    private static readonly Dictionary<string, OpsFunction> s_functions = new(
        Elementwise().Concat(Reductions()).Concat(Layers()).Concat(Images()).Concat(Sequences()).Concat(Generative()).Concat(Indexing()).Concat(Losses()), StringComparer.Ordinal);

    /// <summary>The function for a kind of case, or null when there is none.</summary>
    public static OpsFunction? Find(string op) => s_functions.GetValueOrDefault(op);

    private static KeyValuePair<string, OpsFunction> On(string op, Func<OpsCall, Tensor> function, string role = "y") =>
        new(op, call => [(role, function(call))]);

    private static KeyValuePair<string, OpsFunction> Map(string op, Func<Tensor, Tensor> function) => On(op, call => function(call["a"]));

    private static KeyValuePair<string, OpsFunction> Zip(string op, Func<Tensor, Tensor, Tensor> function) => On(op, call => function(call["a"], call["b"]));

    private static KeyValuePair<string, OpsFunction> Pair(string op, Func<OpsCall, (Tensor Values, Tensor Indices)> function) => new(op, call =>
    {
        (Tensor values, Tensor indices) = function(call);
        return [("y", values), ("index", indices)];
    });

    private static IEnumerable<KeyValuePair<string, OpsFunction>> Elementwise() =>
    [
        Map("exp", Ops.Exp), Map("expm1", Ops.Expm1), Map("log", Ops.Log), Map("log1p", Ops.Log1p), Map("sqrt", Ops.Sqrt), Map("rsqrt", Ops.Rsqrt),
        Map("neg", Ops.Neg), Map("square", Ops.Square), Map("reciprocal", Ops.Reciprocal), Map("sin", Ops.Sin), Map("cos", Ops.Cos),
        Map("erf", Ops.Erf), Map("tanh", Ops.Tanh), Map("sigmoid", Ops.Sigmoid), Map("relu", Ops.Relu), Map("relu6", Ops.Relu6),
        Map("relu_squared", Ops.ReluSquared), Map("quick_gelu", Ops.QuickGelu), Map("silu", Ops.Silu), Map("abs", Ops.Abs), Map("sign", Ops.Sign),
        Map("floor", Ops.Floor), Map("round", Ops.Round),
        On("leaky_relu", call => Ops.LeakyRelu(call["a"], call.Number("negative_slope"))),
        On("elu", call => Ops.Elu(call["a"], call.Number("alpha"))),
        On("gelu", call => IsTanh(call) ? Ops.GeluTanh(call["a"]) : Ops.Gelu(call["a"])),
        On("softplus", call => Ops.Softplus(call["a"], call.Number("beta"), call.Number("threshold"))),
        On("pow_scalar", call => Ops.Pow(call["a"], call.Number("exponent"))),
        On("clamp", call => Ops.Clamp(call["a"], call.NumberOrNull("min") ?? double.NegativeInfinity, call.NumberOrNull("max") ?? double.PositiveInfinity)),
        Zip("add", Ops.Add), Zip("sub", Ops.Sub), Zip("mul", Ops.Mul), Zip("div", Ops.Div), Zip("maximum", Ops.Maximum), Zip("minimum", Ops.Minimum),
        Zip("pow", Ops.Pow), Zip("less", Ops.Less), Zip("equal", Ops.Equal), Zip("silu_mul", Ops.SwiGlu),
        On("gelu_mul", call => Ops.GeGlu(call["a"], call["b"], IsTanh(call))),
        On("where", call => Ops.Where(call["condition"], call["a"], call["b"])),
        On("masked_fill", call => Ops.MaskedFill(call["a"], call["mask"], (float)call.Number("value"))),
        On("cast", call => Ops.Cast(call["a"], Enum.Parse<DType>(call.Text("to")))),
    ];

    private static bool IsTanh(OpsCall call) => call.Text("approximate") == "tanh";

    private static IEnumerable<KeyValuePair<string, OpsFunction>> Reductions() =>
    [
        On("sum", call => Ops.Sum(call["a"], Dims(call), call.Flag("keepdim"))),
        On("mean", call => Ops.Mean(call["a"], Dims(call), call.Flag("keepdim"))),
        On("var", call => Ops.Variance(call["a"], Dims(call), call.Flag("keepdim"), call.Int("correction"))),
        On("norm", call => Ops.Norm(call["a"], Dims(call), call.Flag("keepdim"), call.Number("p"))),
        On("amax", call => Ops.Max(call["a"], Dims(call), call.Flag("keepdim"))),
        On("logsumexp", call => Ops.LogSumExp(call["a"], Dims(call), call.Flag("keepdim"))),
        Pair("max", call => Ops.MaxWithIndex(call["a"], call.Int("dim"), call.Flag("keepdim"))),
        Pair("min", call => Ops.MinWithIndex(call["a"], call.Int("dim"), call.Flag("keepdim"))),
        On("argmax", call => Ops.ArgMax(call["a"], call.Int("dim"), call.Flag("keepdim")), "index"),
        On("cumsum", call => Ops.CumSum(call["a"], call.Int("dim"))),
        On("softmax", call => Ops.Softmax(call["a"], call.Int("dim"))),
        On("log_softmax", call => Ops.LogSoftmax(call["a"], call.Int("dim"))),
        On("masked_softmax", call => Ops.MaskedSoftmax(call["a"], call["mask"], call.Int("dim"))),
        Pair("topk", call => Ops.TopK(call["a"], call.Int("k"), call.Int("dim"), call.Flag("largest"))),
        Pair("sort", call => Ops.Sort(call["a"], call.Int("dim"), call.Flag("descending"))),
    ];

    private static int[] Dims(OpsCall call) => call.IsNull("dims") ? [] : call.Ints("dims");
}
