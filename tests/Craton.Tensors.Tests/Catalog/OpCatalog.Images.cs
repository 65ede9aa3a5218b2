using System.Globalization;
using static Craton.Tensors.Ops;

namespace Craton.Tensors.Tests.Catalog;

// Images: [images, channels, rows, columns].
internal static partial class OpCatalog
{
    private static IEnumerable<OpRow> Convolutions() =>
    [
        Conv("", "bcyx", "fc33", new() { Padding = 1 }),
        Conv("tiles", "bpyx", "pp33", new() { Padding = 1 }),
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

    private static OpRow Transposed(string @case, string x, string weight, ConvolutionOptions options)
    {
        string channels = options.Groups == 1 ? "f" : (options.Groups * (weight[1] - '0')).ToString(CultureInfo.InvariantCulture);
        return new(nameof(ConvTranspose2d), @case, [In(x), In(weight), In(channels)], x => ConvTranspose2d(x[0], x[1], x[2], options))
        {
            GradientTolerance = Sums,
            Flops = size => 2 * Elements(x, size) * Elements(weight[1..], size),
        };
    }

    private static OpRow Sequence(string op, string weight, Func<Tensor[], Tensor> call) =>
        new(op, "", [In("bct"), In(weight), In("f")], call) { GradientTolerance = Sums };

    private static IEnumerable<OpRow> Images()
    {
        OpRow[] rows =
        [
            Image(nameof(MaxPool2d), "", x => MaxPool2d(x, new(2) { CeilMode = true })),
            Image(nameof(MaxPool2d), "overlapping", x => MaxPool2d(x, new(3) { Stride = (1, 2), Padding = (1, 2), Dilation = (1, 2) })),
            Image(nameof(AvgPool2d), "", x => AvgPool2d(x, new((2, 3)) { CeilMode = true })),
            Image(nameof(AvgPool2d), "padding", x => AvgPool2d(x, new(3) { Stride = 2, Padding = 1 })),
            Image(nameof(AvgPool2d), "without padding", x => AvgPool2d(x, new(3) { Stride = (2, 1), Padding = 1, ExcludesPadding = true, CeilMode = true })),
            new(nameof(MaxPool1d), "", [In("bct")], x => MaxPool1d(x[0], new(2) { CeilMode = true })),
            new(nameof(AvgPool1d), "", [In("bct")], x => AvgPool1d(x[0], new(3) { Stride = 2, Padding = 1 })),
            Image(nameof(AdaptiveAvgPool2d), "", x => AdaptiveAvgPool2d(x, (3, 7))),
            Image(nameof(AdaptiveAvgPool2d), "all", x => AdaptiveAvgPool2d(x, 1)),
            .. Enum.GetValues<Interpolation>().SelectMany(mode => new[]
            {
                Image(nameof(Interpolate), mode.ToString(), x => Interpolate(x, (7, 11), mode)),
                Image(nameof(Interpolate), $"{mode}, corners", x => Interpolate(x, (11, 3), mode, alignCorners: true)),
            }),
            new(nameof(PixelShuffle), "", [In("b8yx")], x => PixelShuffle(x[0], 2)),
            new(nameof(PixelUnshuffle), "", [In("bc64")], x => PixelUnshuffle(x[0], 2)),
            Image(nameof(Unfold), "", x => Unfold(x, (2, 3), new() { Padding = 1, Stride = (1, 2) })),
            Image(nameof(Unfold), "1×1", x => Unfold(x, 1)),
            new(nameof(Fold), "", [In("b9t")], x => Fold(x[0], (1, x[0].Size(2)), 3, new() { Padding = 1 })),
            Normalisation("", "bcyx", x => GroupNorm(x[0], 1, x[1], x[2]), x => GroupNormComposed(x[0], 1, x[1], x[2], 1e-5)),
            Normalisation("groups", "b6yx", x => GroupNorm(x[0], 3, x[1], x[2], 0.1), x => GroupNormComposed(x[0], 3, x[1], x[2], 0.1)),
            new(nameof(GroupNorm), "plain", [In("b4yx")], x => GroupNorm(x[0], 2)),
            new(nameof(InstanceNorm), "", [In("bcyx"), In("c"), In("c")], x => InstanceNorm(x[0], x[1], x[2]))
            {
                Composed = x => GroupNormComposed(x[0], x[0].Size(1), x[1], x[2], 1e-5),
            },
            new(nameof(SpectralNorm), "weight", [In("fc33"), Constant("f")], x => SpectralNorm(x[0], x[1]).Weight)
            {
                NoDifferences = "the vectors are constants to the gradient",
            },
            Batch("training", "3cyx", training: true),
            Batch("training, flat", "9d", training: true),
            Batch("by averages", "bcyx", training: false),
        ];
        return rows.Select(row => row with { Tolerance = Sums, GradientTolerance = 2 * Sums });
    }

    private static OpRow Image(string op, string @case, Func<Tensor, Tensor> call) => new(op, @case, [In("bcyx")], x => call(x[0]));

    private static OpRow Normalisation(string @case, string x, Func<Tensor[], Tensor> call, Func<Tensor[], Tensor> composed) =>
        new(nameof(GroupNorm), @case, [In(x), In(x[1..2]), In(x[1..2])], call) { Composed = composed };

    // The averages are those of the call: training moves them.
    private static OpRow Batch(string @case, string x, bool training) => new(
        nameof(BatchNorm), @case, [In(x), In(x[1..2]), In(x[1..2]), Constant(x[1..2]), Constant(x[1..2], 0.5, 3)],
        x => BatchNorm(x[0], x[1], x[2], (Copy(x[3]), Copy(x[4])), training, eps: 0.1));
}
