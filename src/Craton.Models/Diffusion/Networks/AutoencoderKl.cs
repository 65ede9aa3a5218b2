using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>
/// The autoencoder in whose codes latent diffusion works (<c>AutoencoderKL</c>). R. Rombach et al., "High-Resolution Image Synthesis with Latent
/// Diffusion Models", 2022.
/// </summary>
public sealed class AutoencoderKl : Module
{
    private const double LeastLogVariance = -30, MostLogVariance = 20;

    private readonly AutoencoderHalf _encoder, _decoder;
    private readonly Conv2d? _toCode, _fromCode;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public AutoencoderKl(ConfigReader read)
    {
        var config = new AutoencoderConfig(read);
        int latent = config.LatentChannels;
        read.Refuse(read.Has("latents_mean") || read.Has("latents_std"), "latents_mean", "codes are scaled by one factor here");
        Reduction = 1 << (config.Channels.Length - 1);
        Channels = latent;
        (Scale, Shift) = (read.Number("scaling_factor", 0.18215), read.Real("shift_factor", 0));
        _encoder = Child("encoder", new AutoencoderHalf(config, decodes: false, config.InChannels, 2 * latent));
        _decoder = Child("decoder", new AutoencoderHalf(config, decodes: true, latent, config.OutChannels));
        if (read.Flag("use_quant_conv", true)) _toCode = Child("quant_conv", new Conv2d(2 * latent, 2 * latent, 1));
        if (read.Flag("use_post_quant_conv", true)) _fromCode = Child("post_quant_conv", new Conv2d(latent, latent, 1));
    }

    /// <summary>Pixels in a row of an image for each place in a row of its code.</summary>
    public int Reduction { get; }

    /// <summary>Channels of a code.</summary>
    public int Channels { get; }

    /// <summary>Factor on codes for diffusion: (code − <see cref="Shift"/>) · scale.</summary>
    public double Scale { get; }

    /// <summary>What is taken from codes for diffusion first.</summary>
    public double Shift { get; }

    /// <summary>Images [N, C, H, W] from −1 to 1 → mean and log-variance of their codes, [N, latent channels, h, w] each.</summary>
    public (Tensor Mean, Tensor LogVariance) Encode(Tensor images)
    {
        Tensor moments = _encoder.Forward(images);
        moments = _toCode?.Forward(moments) ?? moments;
        int latent = moments.Size(1) / 2;
        return (Ops.Slice(moments, 1, 0, latent), Ops.Clamp(Ops.Slice(moments, 1, latent), LeastLogVariance, MostLogVariance));
    }

    /// <summary>Codes [N, latent channels, h, w], not scaled for diffusion → images.</summary>
    public Tensor Decode(Tensor codes) => _decoder.Forward(_fromCode?.Forward(codes) ?? codes);

    /// <summary>Reads a network from its folder; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static AutoencoderKl Load(string directory)
    {
        AutoencoderKl model = NetworkFolder.Load(directory, "AutoencoderKL", read => new AutoencoderKl(read), out EncoderSource source);
        model._source = source;
        return model;
    }

    /// <summary>Writes a network that was read from a folder: the configuration it had, and the weights as they are now, in F32.</summary>
    /// <exception cref="CratonException">The network was not read from a folder.</exception>
    public void Save(string directory) => NetworkFolder.Save(directory, this, _source);
}
