using System.Globalization;
using Craton.Tensors;

namespace Craton.Cli.Bench.Versus;

/// <summary>Convolutions, and the U-Net of DDPM, beside PyTorch.</summary>
internal static class ImageComparisons
{
    private const int Batch = 16;

    public static IReadOnlyList<Comparison> All { get; } =
    [
        new("conv-64x32", Bound.MultiplyAdds, peers => Convolution(64, 64, 3, 32, peers)),
        new("conv-128x16", Bound.MultiplyAdds, peers => Convolution(128, 128, 3, 16, peers)),
        new("conv-256x8", Bound.MultiplyAdds, peers => Convolution(256, 256, 3, 8, peers)),
        new("conv-1x1", Bound.MultiplyAdds, peers => Convolution(256, 128, 1, 16, peers)),
        new("conv-rgb", Bound.MultiplyAdds, peers => Convolution(3, 64, 3, 32, peers)),
        new("train-unet", Bound.MultiplyAdds, peers => [UNet("step", peers)]),
        new("draw-unet", Bound.MultiplyAdds, peers => [UNet("draw", peers)]),
    ];

    private static IEnumerable<Variant> Convolution(int channels, int filters, int kernel, int side, InstalledPeers peers)
    {
        PeerProcess[] torch = peers.Torch("torch_images.py", "conv");
        double work = 2.0 * Batch * channels * filters * kernel * kernel * side * side;
        Tensor x = Measurements.Noise(Batch, channels, side, side), weight = Measurements.Noise(filters, channels, kernel, kernel);
        Tensor gradient = Measurements.Noise(Batch, filters, side, side);
        var options = new ConvolutionOptions { Padding = kernel / 2 };
        string shape = string.Create(CultureInfo.InvariantCulture, $"{Batch} {channels} {filters} {kernel} {side}");
        yield return new("forward", Contender.Ours(Forward), [.. torch.Select(p => p.Contender($"forward {shape}"))]) { Work = work };

        x.RequireGrad();
        weight.RequireGrad();
        yield return new("forward and back", Contender.Ours(Both), [.. torch.Select(p => p.Contender($"both {shape}"))]) { Work = 3 * work };

        void Forward()
        {
            using (TensorScope.Open("bench")) _ = Ops.Conv2d(x, weight, options: options);
        }

        void Both()
        {
            x.ClearGrad();
            weight.ClearGrad();
            using (TensorScope.Open("bench"))
            using (Tape tape = Tape.Start()) tape.Backward([Ops.Conv2d(x, weight, options: options)], [gradient]);
        }
    }

    private static Variant UNet(string work, InstalledPeers peers)
    {
        var ours = new UNetTraining();
        PeerProcess[] torch = peers.Torch("torch_images.py", "unet");
        return new("", Contender.Ours(work == "step" ? () => ours.Step() : ours.Draw), [.. torch.Select(p => p.Contender(work))]) { Work = work == "step" ? 3 * ours.Flops : ours.Flops };
    }
}
