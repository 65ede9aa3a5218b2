namespace Craton.Tensors.Tests.Golden;

// Images: convolution, pooling, resizing.
internal static partial class OpsFunctions
{
    private static IEnumerable<KeyValuePair<string, OpsFunction>> Images() =>
    [
        On("conv1d", call => Ops.Conv1d(call["x"], call["weight"], call.Optional("bias"), Convolution(call))),
        On("conv2d", call => Ops.Conv2d(call["x"], call["weight"], call.Optional("bias"), Convolution(call))),
        On("conv_transpose1d", call => Ops.ConvTranspose1d(call["x"], call["weight"], call.Optional("bias"), Convolution(call, isTransposed: true))),
        On("conv_transpose2d", call => Ops.ConvTranspose2d(call["x"], call["weight"], call.Optional("bias"), Convolution(call, isTransposed: true))),
        On("max_pool1d", call => Ops.MaxPool1d(call["x"], Pooling(call))),
        On("max_pool2d", call => Ops.MaxPool2d(call["x"], Pooling(call) with { Dilation = Pair(call, "dilation"), CeilMode = call.Flag("ceil_mode") })),
        On("avg_pool1d", call => Ops.AvgPool1d(call["x"], Pooling(call) with { ExcludesPadding = !call.Flag("count_include_pad") })),
        On("avg_pool2d", call => Ops.AvgPool2d(
            call["x"], Pooling(call) with { ExcludesPadding = !call.Flag("count_include_pad"), CeilMode = call.Flag("ceil_mode") })),
        On("adaptive_avg_pool2d", call => Ops.AdaptiveAvgPool2d(call["x"], Pair(call, "output"))),
        On("interpolate", call => Ops.Interpolate(
            call["x"], Pair(call, "size"), Enum.Parse<Interpolation>(call.Text("mode"), ignoreCase: true), !call.IsNull("align_corners") && call.Flag("align_corners"))),
        On("pixel_shuffle", call => Ops.PixelShuffle(call["x"], call.Int("factor"))),
        On("pixel_unshuffle", call => Ops.PixelUnshuffle(call["x"], call.Int("factor"))),
        On("unfold", call => Ops.Unfold(call["x"], Pair(call, "kernel"), Patches(call))),
        On("fold", call => Ops.Fold(call["x"], Pair(call, "output"), Pair(call, "kernel"), Patches(call))),
        On("group_norm", call => Ops.GroupNorm(call["x"], call.Int("groups"), call["weight"], call["bias"], call.Number("eps"))),
        On("instance_norm", call => Ops.InstanceNorm(call["x"], call.Optional("weight"), call.Optional("bias"), call.Number("eps"))),
        new("batch_norm", BatchNorm),
    ];

    private static PoolingOptions Pooling(OpsCall call) => new(Pair(call, "kernel")) { Stride = Pair(call, "stride"), Padding = Pair(call, "padding") };

    private static ConvolutionOptions Patches(OpsCall call) =>
        new() { Stride = Pair(call, "stride"), Padding = Pair(call, "padding"), Dilation = Pair(call, "dilation") };

    private static (string Role, Tensor Value)[] BatchNorm(OpsCall call)
    {
        (Tensor mean, Tensor variance) = (Ops.Copy(call["running_mean"].Detach()), Ops.Copy(call["running_var"].Detach()));
        Tensor y = Ops.BatchNorm(
            call["x"], call["weight"], call["bias"], (mean, variance), call.Flag("training"), call.Number("momentum"), call.Number("eps"));
        return [("y", y), ("running_mean", mean), ("running_var", variance)];
    }

    private static ConvolutionOptions Convolution(OpsCall call, bool isTransposed = false) => new()
    {
        Stride = Pair(call, "stride"),
        Padding = Pair(call, "padding"),
        Dilation = Pair(call, "dilation"),
        Groups = call.Int("groups"),
        OutputPadding = isTransposed ? Pair(call, "output_padding") : 0,
    };

    // One number of a sequence, two of an image.
    private static Size2 Pair(OpsCall call, string name) => call.Ints(name) is { Length: 2 } both ? (both[0], both[1]) : call.Ints(name)[0];
}
