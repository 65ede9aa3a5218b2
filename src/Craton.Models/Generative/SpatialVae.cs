using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>The shape of a <see cref="SpatialVae"/>.</summary>
/// <param name="Channels">Channels of pictures.</param>
/// <param name="Width">Channels of the residual blocks; the layer next to the pixels has half as many.</param>
/// <param name="Blocks">Residual blocks of the encoder, and of the decoder.</param>
/// <param name="Latent">Latent numbers of 4 × 4 pixels.</param>
public sealed record SpatialVaeConfig(int Channels, int Width, int Blocks, int Latent)
{
    private const int Most = 1 << 14, MostLatent = 64;

    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    internal SpatialVaeConfig(ConfigReader read) : this(read.Int("channels"), read.Int("width"), read.Int("blocks"), read.Int("latent")) { }

    internal JsonObject ToJson() => new() { ["channels"] = Channels, ["width"] = Width, ["blocks"] = Blocks, ["latent"] = Latent };

    internal void Validate()
    {
        foreach ((string name, int value, int least, int most) in (ReadOnlySpan<(string, int, int, int)>)[("channels", Channels, 1, 4), ("width", Width, 2, Most), ("blocks", Blocks, 0, 64), ("latent", Latent, 1, MostLatent)])
            if (value < least || value > most) throw new CratonException($"[spatial_vae] {name}: expected {least} to {most}, got {value}");
    }
}

/// <summary>What a <see cref="SpatialVae"/> makes of some pictures.</summary>
/// <param name="Reconstruction">Mean squared error of the numbers of pictures.</param>
/// <param name="Divergence">Kullback-Leibler divergence of q(z|x) from the standard normal distribution, in nats for a latent number.</param>
public readonly record struct SpatialVaeLoss(Tensor Reconstruction, Tensor Divergence);

/// <summary>
/// A variational auto-encoder whose latent numbers lie on a grid, some for 4 × 4 pixels: what is left of a picture to draw in (R. Rombach et al.,
/// "High-Resolution Image Synthesis with Latent Diffusion Models", 2022). The divergence counts little there: it keeps the numbers from growing and neighbours alike.
/// </summary>
public sealed class SpatialVae : Module
{
    /// <summary>Pixels of a side of what one place of the grid stands for.</summary>
    public const int Patch = PatchCoding.Patch;

    private readonly PatchEncoder _encoder;
    private readonly PatchDecoder _decoder;

    /// <summary>Creates the model with zeroed parameters.</summary>
    /// <exception cref="CratonException">A size is out of range.</exception>
    public SpatialVae(SpatialVaeConfig config)
    {
        config.Validate();
        Config = config;
        _encoder = Child("encoder", new PatchEncoder(config.Channels, config.Width, config.Blocks, 2 * config.Latent));
        _decoder = Child("decoder", new PatchDecoder(config.Channels, config.Width, config.Blocks, config.Latent));
    }

    /// <summary>Its shape.</summary>
    public SpatialVaeConfig Config { get; }

    /// <summary>First weights: normal, of variance 2 / inputs (He et al. 2015); biases 0.</summary>
    /// <param name="seed">Seed of the model.</param>
    public SpatialVae Initialize(ulong seed)
    {
        uint index = 0;
        foreach ((string name, Tensor weight) in NamedParameters())
            if (weight.Rank == 4)
            {
                // The transposed layers hold [inputs, outputs, 4, 4], of which 2 × 2 meet in a pixel.
                bool transposed = name is "decoder.grow.weight" or "decoder.pixels.weight";
                double inputs = transposed ? weight.Size(0) * 4.0 : (double)weight.Size(1) * weight.Size(2) * weight.Size(3);
                Init.Normal(weight, Math.Sqrt(2 / inputs), seed, index++);
            }
        return this;
    }

    /// <summary>Mean and log variance, each [N, latent, H/4, W/4], of the latent distribution of pictures [N, channels, H, W] of 0 to 1.</summary>
    public (Tensor Mean, Tensor LogVariance) Encode(Tensor images)
    {
        PatchCoding.Check("spatial_vae", images, Config.Channels);
        Tensor both = _encoder.Forward(images);
        return (Ops.Contiguous(both.Slice(1, 0, Config.Latent)), Ops.Contiguous(both.Slice(1, Config.Latent)));
    }

    /// <summary>Pictures [N, channels, H, W], about 0 to 1, of latent numbers [N, latent, H/4, W/4].</summary>
    public Tensor Decode(Tensor latents) => _decoder.Forward(latents);

    /// <summary>Both parts of the loss, from one sample of q(z|x) for each picture.</summary>
    /// <param name="images">[N, channels, H, W] of 0 to 1.</param>
    /// <param name="noise">[N, latent, H/4, W/4] of the standard normal distribution.</param>
    public SpatialVaeLoss Loss(Tensor images, Tensor noise)
    {
        (Tensor mean, Tensor logVariance) = Encode(images);
        Tensor made = Decode(Ops.SampleGaussian(mean, logVariance, noise));
        return new(Ops.MseLoss(made, images), Ops.Mean(Ops.GaussianKl(mean, logVariance)));
    }
}

/// <summary>A <see cref="SpatialVae"/> on disk.</summary>
public static class SpatialVaeDirectory
{
    private const string Type = "craton_spatial_vae";

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, SpatialVae model, ModelCard card) => GenerativeDirectory.Save(directory, Type, model.Config.ToJson(), model, card);

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static SpatialVae Load(string directory) => GenerativeDirectory.Load(directory, Type, "spatial-vae", read => new SpatialVae(new SpatialVaeConfig(read)));
}
