using System.Globalization;
using static Craton.Tensors.Ops;

namespace Craton.Tensors.Tests.Catalog;

// Images: [images, channels, rows, columns].
internal static partial class OpCatalog
{
    private static IEnumerable<OpRow> Convolutions() =>
    [
        Conv("", "bcyx", "fc33", new() { Padding = 1 }),
        Conv("1×1", "bcyx", "fc11", new()),
        Conv("1×1, stride", "bcyx", "fc11", new() { Stride = (2, 3) }),
        Conv("stride", "bcyx", "fc44", new() { Padding = 2, Stride = 2 }),
        Conv("stride and dilation", "bcyx", "fc32", new() { Padding = (4, 3), Stride = (3, 2), Dilation = (2, 3) }),
        Conv("stride equals dilation", "bcyx", "fc33", new() { Padding = 4, Stride = 2, Dilation = 2 }),
        Conv("one filter", "bcyx", "1c53", new() { Padding = 2 }),
        Conv("two filters", "bcyx", "2c33", new() { Padding = 1 }),
        Conv("groups", "b6yx", "9233", new() { Padding = 1, Groups = 3 }),
        Conv("depthwise", "b5yx", "5133", new() { Padding = 1, Groups = 5 }),
        Conv("depthwise, two filters each", "b4yx", "8153", new() { Padding = (2, 3), Stride = 2, Groups = 4 }),
        Sequence(nameof(Conv1d), "fc3", x => Conv1d(x[0], x[1], x[2], new() { Padding = 2, Stride = 2, Dilation = 2 })),
        Transposed("", "bcyx", "cf33", new() { Padding = 1 }),
        Transposed("stride", "bcyx", "cf44", new() { Padding = 1, Stride = 2 }),
        Transposed("output padding", "bcyx", "cf32", new() { Stride = (3, 2), Dilation = (1, 3), OutputPadding = (2, 1) }),
        Transposed("groups", "b6yx", "6233", new() { Padding = 1, Stride = 2, OutputPadding = 1, Groups = 3 }),
        Transposed("depthwise", "b5yx", "5133", new() { Stride = 2, Groups = 5 }),
        Sequence(nameof(ConvTranspose1d), "cf3", x => ConvTranspose1d(x[0], x[1], x[2], new() { Padding = 1, Stride = 2, OutputPadding = 1 })),
    ];

    private static OpRow Conv(string @case, string x, string weight, ConvolutionOptions options) =>
        new(nameof(Conv2d), @case, [In(x), In(weight), In(weight[..1])], x => Conv2d(x[0], x[1], x[2], options))
        {
            GradientTolerance = Sums,
            Flops = size => 2 * Elements(x, size) * Elements(weight, size) / (Dims.Of(weight[1], size) * options.Groups * options.Stride.Height * options.Stride.Width),
        };

    private static OpRow Transposed(string @case, string x, string weight, ConvolutionOptions options) =>
        new(nameof(ConvTranspose2d), @case, [In(x), In(weight), In(options.Groups == 1 ? "f" : (options.Groups * (weight[1] - '0')).ToString(CultureInfo.InvariantCulture))], x => ConvTranspose2d(x[0], x[1], x[2], options))
        {
            GradientTolerance = Sums,
            Flops = size => 2 * Elements(x, size) * Elements(weight[1..], size),
        };

    private static OpRow Sequence(string op, string weight, Func<Tensor[], Tensor> call) =>
        new(op, "", [In("bct"), In(weight), In("f")], call) { GradientTolerance = Sums };
}
