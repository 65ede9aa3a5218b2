using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>Reads images into vectors. A family declares its parts under the checkpoint's names.</summary>
public abstract class ImageBackbone : Module
{
    /// <summary>What stands before its names where other parts stand beside it.</summary>
    protected internal abstract string Prefix { get; }

    /// <summary>The vectors of all places.</summary>
    /// <param name="pixels">Prepared images [N, channels, H, W], F32 (<see cref="ImageProcessor"/>).</param>
    /// <param name="interpolate">Images may have another size than those of the training; positions are interpolated.</param>
    /// <param name="trace">Gets what the layers give.</param>
    /// <returns>[N, T, C], or of convolutions [N, C, H, W].</returns>
    /// <exception cref="CratonException">The images have another shape than the model reads.</exception>
    public abstract Tensor Hidden(Tensor pixels, bool interpolate = false, LayerTrace? trace = null);

    /// <summary>One vector for each image, [N, C].</summary>
    /// <param name="hidden">What <see cref="Hidden"/> gave.</param>
    public abstract Tensor Pooled(Tensor hidden);

    /// <summary>What a classifier reads: [N, <see cref="FeatureWidth"/>].</summary>
    protected internal virtual Tensor Features(Tensor hidden) => Pooled(hidden);

    /// <summary>Width of what a classifier reads.</summary>
    protected internal abstract int FeatureWidth { get; }
}
