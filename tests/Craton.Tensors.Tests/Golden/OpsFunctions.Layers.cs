namespace Craton.Tensors.Tests.Golden;

// Products, norms, attention, rotary embedding.
internal static partial class OpsFunctions
{
    private static IEnumerable<KeyValuePair<string, OpsFunction>> Layers() =>
    [
        On("matmul", call => Ops.MatMul(Turned(call["a"], call.Flag("transpose_a")), Turned(call["b"], call.Flag("transpose_b")))),
        On("einsum", call => Ops.Einsum(call.Text("equation"), call["a"], call["b"])),
        On("linear", call => Ops.Linear(call["x"], call["weight"], call.Optional("bias"))),
        On("layer_norm", call => Ops.LayerNorm(
            call["x"], call.Optional("weight"), call.Optional("bias"), call.Number("eps"), call.Int("normalized_dims"))),
        On("rms_norm", call => Ops.RmsNorm(call["x"], call.Optional("weight"), call.Number("eps"), call.Number("weight_offset"))),
        On("l2_normalize", call => Ops.L2Normalize(call["x"], call.Int("dim"), call.Number("eps"))),
        On("attention", Attention),
        On("alibi_slopes", AlibiSlopes, "slopes"),
        On("rope", call => Ops.Rotary(
            call["x"], new RotaryTable(call.Number("theta"), call.Int("rotary_dim")), call.Optional("positions"), call.Int("position_offset"),
            call.Text("layout") == "half" ? RotaryLayout.Half : RotaryLayout.Interleaved)),
    ];

    private static Tensor AlibiSlopes(OpsCall call)
    {
        _ = call.Optional("zero"); // a placeholder
        return Ops.AlibiSlopes(call.Int("heads"));
    }

    private static Tensor Turned(Tensor x, bool transpose) => transpose ? x.Transpose() : x;

    private static Tensor Attention(OpsCall call)
    {
        Tensor q = call["q"];
        return Ops.Attention(q, call["k"], call["v"], new AttentionOptions
        {
            Scale = call.NumberOrNull("scale"),
            Causal = call.Flag("causal"),
            QueryOffset = call.Int("query_offset"),
            Window = call.IntOrNull("window"),
            SoftCap = call.NumberOrNull("softcap"),
            AlibiSlopes = call.Flag("alibi") ? Ops.Cast(Ops.AlibiSlopes(q.Size(1)), q.DType) : null,
            Mask = call.Optional("mask_bool"),
            Bias = call.Optional("mask_add"),
            KeyPadding = call.Optional("key_padding"),
            DocumentIds = call.Optional("document_ids"),
        });
    }
}
