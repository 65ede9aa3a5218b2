using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>
/// Pictures as the means of a <see cref="SpatialVae"/>, multiplied with a number that gives them a variance of 1, which is what the noise of diffusion
/// fits to (Rombach et al. 2022). The auto-encoder is not trained any more.
/// </summary>
public sealed class LatentSpace
{
    /// <summary>Takes over an auto-encoder.</summary>
    /// <param name="vae">The auto-encoder, whose weights are frozen.</param>
    /// <param name="scale">What latent numbers are multiplied with.</param>
    public LatentSpace(SpatialVae vae, double scale)
    {
        (Vae, Scale) = (vae, scale);
        foreach ((_, Tensor weight) in vae.NamedParameters()) weight.Freeze();
    }

    /// <summary>The auto-encoder.</summary>
    public SpatialVae Vae { get; }

    /// <summary>What latent numbers are multiplied with.</summary>
    public double Scale { get; }

    /// <summary>The space of an auto-encoder, with the scale that fits to some pictures.</summary>
    /// <param name="vae">The auto-encoder.</param>
    /// <param name="images">[N, channels, H, W] of 0 to 1.</param>
    /// <exception cref="CratonException">The auto-encoder tells the pictures not apart.</exception>
    public static LatentSpace Of(SpatialVae vae, Tensor images)
    {
        using var scope = TensorScope.Open("latents");
        float[] means = vae.Encode(images).Mean.ToArray<float>();
        double sum = 0, squares = 0;
        foreach (float mean in means) (sum, squares) = (sum + mean, squares + (double)mean * mean);
        double variance = squares / means.Length - sum / means.Length * (sum / means.Length);
        return variance > 0 ? new(vae, 1 / Math.Sqrt(variance)) : throw new CratonException("[latents] expected an auto-encoder that tells pictures apart, got the same numbers for all; train it longer with the recipe spatial-vae");
    }

    /// <summary>What stands for pictures [N, channels, H, W] of −1 to 1: [N, latent, H/4, W/4].</summary>
    public Tensor Encode(Tensor pictures) => Vae.Encode(pictures * 0.5 + 0.5).Mean * Scale;

    /// <summary>The pictures, about 0 to 1, of what stands for them.</summary>
    public Tensor Decode(Tensor latents) => Vae.Decode(latents * (1 / Scale));
}
