using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>Makes of every 4 × 4 pixels some numbers: two convolutions that halve the picture, and residual blocks.</summary>
internal sealed class PatchEncoder : Module
{
    private readonly Conv2d _patches, _shrink, _out;
    private readonly PatchBlock[] _blocks;

    public PatchEncoder(int channels, int width, int blocks, int numbers)
    {
        var half = new ConvolutionOptions { Stride = 2, Padding = 1 };
        _patches = Child("patches", new Conv2d(channels, width / 2, 4, half));
        _shrink = Child("shrink", new Conv2d(width / 2, width, 4, half));
        _blocks = Children("blocks", blocks, _ => new PatchBlock(width));
        _out = Child("to_latent", new Conv2d(width, numbers, 1));
    }

    /// <summary>[N, channels, H, W] → [N, numbers, H/4, W/4].</summary>
    public Tensor Forward(Tensor images)
    {
        Tensor x = _shrink.Forward(Ops.Relu(_patches.Forward(images)));
        foreach (PatchBlock block in _blocks) x = block.Forward(x);
        return _out.Forward(Ops.Relu(x));
    }
}

/// <summary>Makes pictures of what a <see cref="PatchEncoder"/> gives.</summary>
internal sealed class PatchDecoder : Module
{
    private readonly Conv2d _in;
    private readonly ConvTranspose2d _grow, _pixels;
    private readonly PatchBlock[] _blocks;

    public PatchDecoder(int channels, int width, int blocks, int numbers)
    {
        var half = new ConvolutionOptions { Stride = 2, Padding = 1 };
        _in = Child("from_latent", new Conv2d(numbers, width, 3, new() { Padding = 1 }));
        _blocks = Children("blocks", blocks, _ => new PatchBlock(width));
        _grow = Child("grow", new ConvTranspose2d(width, width / 2, 4, half));
        _pixels = Child("pixels", new ConvTranspose2d(width / 2, channels, 4, half));
    }

    /// <summary>[N, numbers, H/4, W/4] → [N, channels, H, W].</summary>
    public Tensor Forward(Tensor numbers)
    {
        Tensor x = _in.Forward(numbers);
        foreach (PatchBlock block in _blocks) x = block.Forward(x);
        return _pixels.Forward(Ops.Relu(_grow.Forward(Ops.Relu(x))));
    }
}

/// <summary>A residual block: what its neighbours tell a place, added.</summary>
internal sealed class PatchBlock : Module
{
    private readonly Conv2d _gather, _project;

    public PatchBlock(int width)
    {
        _gather = Child("gather", new Conv2d(width, width / 2, 3, new() { Padding = 1 }));
        _project = Child("project", new Conv2d(width / 2, width, 1));
    }

    public Tensor Forward(Tensor x) => x + _project.Forward(Ops.Relu(_gather.Forward(Ops.Relu(x))));
}

/// <summary>What auto-encoders of patches have in common.</summary>
internal static class PatchCoding
{
    /// <summary>Pixels of a side of a patch.</summary>
    public const int Patch = 4;

    /// <summary>Refuses pictures of another form.</summary>
    /// <exception cref="CratonException">They are not [N, channels, H, W], with sides that are multiples of a patch.</exception>
    public static void Check(string model, Tensor images, int channels)
    {
        if (images.Rank != 4 || images.Size(1) != channels || images.Size(2) % Patch != 0 || images.Size(3) % Patch != 0)
            throw new CratonException($"[{model}] images: expected [N, {channels}, H, W] with sides that are multiples of {Patch}, got {images.Layout}");
    }
}
