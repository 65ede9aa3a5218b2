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
    ];

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
