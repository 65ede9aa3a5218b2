using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>What a network is told beside the text's tokens.</summary>
public sealed record UNetConditions
{
    /// <summary>1 for tokens that count and 0 for others, F32 [N, T]; all count when null.</summary>
    public Tensor? ContextMask { get; init; }

    /// <summary>Classes, I32 [N], where the network knows classes.</summary>
    public Tensor? Classes { get; init; }

    /// <summary>One vector for each text, [N, C], where the network asks for it (SDXL).</summary>
    public Tensor? PooledText { get; init; }

    /// <summary>Original height and width, top and left of the crop, height and width wanted: F32 [N, 6], beside <see cref="PooledText"/>.</summary>
    public Tensor? Sizes { get; init; }

    /// <summary>What another network adds, out of a picture of what is to be where.</summary>
    public ControlResiduals? Control { get; init; }
}

/// <summary>
/// The network that tells what noise an image holds at a time, given a text, as in Stable Diffusion 1, 2 and XL. R. Rombach et al.,
/// "High-Resolution Image Synthesis with Latent Diffusion Models", 2022; D. Podell et al., "SDXL", 2023. On disk it is a folder in the layout of
/// diffusers.
/// </summary>
public sealed class UNet2DConditionModel : Module
{
    private readonly UNetTime _time;
    private readonly UNetDescent _descent;
    private readonly UNetAscent _ascent;
    private readonly SizeEmbedding? _sizes;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public UNet2DConditionModel(ConfigReader read)
    {
        var config = new UNetConditionConfig(read);
        InChannels = config.InChannels;
        SampleSize = config.SampleSize;
        _time = Inline(new UNetTime(config, config.Blocks.Activation));
        if (read.Choice("addition_embed_type", "", "text_time") == "text_time") _sizes = Inline(new SizeEmbedding(config));
        _descent = Inline(new UNetDescent(config, InChannels, read.Count("conv_in_kernel", 3, 15)));
        _ascent = Inline(new UNetAscent(config, read.Count("out_channels", 4, 1 << 16), read.Count("conv_out_kernel", 3, 15)));
    }

    /// <summary>Channels of the images it is shown.</summary>
    public int InChannels { get; }

    /// <summary>Height and width of the images it was trained on; null where the configuration does not say.</summary>
    public (int Height, int Width)? SampleSize { get; }

    /// <summary>What the network answers.</summary>
    /// <param name="x">Images with noise [N, C, H, W].</param>
    /// <param name="times">Their times, F32 [N].</param>
    /// <param name="context">Vectors of the tokens of their texts, [N, T, width].</param>
    /// <param name="conditions">What else the network is told.</param>
    /// <returns>[N, channels, H, W].</returns>
    /// <exception cref="CratonException">Something the network asks for is missing, or shapes do not fit.</exception>
    public Tensor Forward(Tensor x, Tensor times, Tensor context, UNetConditions? conditions = null)
    {
        Tensor time = _time.Forward(times, conditions?.Classes);
        if (_sizes is not null) time += _sizes.Forward(conditions?.PooledText, conditions?.Sizes);
        TextContext text = TextContext.Of(context, conditions?.ContextMask);
        var skips = new Stack<Tensor>();
        x = _descent.Forward(x, time, text, skips);
        if (conditions?.Control is { } control) (x, skips) = (x + control.Middle, Added(skips, control.Down));
        return _ascent.Forward(x, time, text, skips);
    }

    private static Stack<Tensor> Added(Stack<Tensor> skips, IReadOnlyList<Tensor> residuals) => skips.Count == residuals.Count
        ? new Stack<Tensor>(skips.Reverse().Zip(residuals, (skip, residual) => skip + residual))
        : throw new CratonException($"[unet] control: expected {skips.Count} residuals, one for each block on the way down, got {residuals.Count}; the networks do not belong together");

    /// <summary>Reads a network from its folder; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static UNet2DConditionModel Load(string directory)
    {
        UNet2DConditionModel model = NetworkFolder.Load(directory, "UNet2DConditionModel", read => new UNet2DConditionModel(read), out EncoderSource source);
        model._source = source;
        return model;
    }

    /// <summary>Writes a network that was read from a folder: the configuration it had, and the weights as they are now, in F32.</summary>
    /// <exception cref="CratonException">The network was not read from a folder.</exception>
    public void Save(string directory) => NetworkFolder.Save(directory, this, _source);
}

/// <summary>What SDXL tells its network of a picture's size and of the text as a whole.</summary>
internal sealed class SizeEmbedding : Module
{
    private const int Numbers = 6;

    private readonly TimestepEmbedding _waves;
    private readonly TimeLayers _layers;
    private readonly int _pooled;

    public SizeEmbedding(UNetConfig config)
    {
        ConfigReader read = config.Read;
        int width = read.Count("addition_time_embed_dim", 256, 1 << 16), inputs = read.Count("projection_class_embeddings_input_dim", 2816, 1 << 20);
        _pooled = inputs - Numbers * width;
        if (_pooled < 1) throw new CratonException($"{read.File}: projection_class_embeddings_input_dim: expected more than {Numbers} times addition_time_embed_dim ({width}), got {inputs}");
        _waves = new TimestepEmbedding(width, 10000, read.Flag("flip_sin_to_cos", true), read.Real("freq_shift", 0));
        _layers = Child("add_embedding", new TimeLayers(inputs, config.TimeWidth));
    }

    public Tensor Forward(Tensor? pooled, Tensor? sizes)
    {
        if (pooled is not { Rank: 2 } || sizes is not { Rank: 2 } || pooled.Size(1) != _pooled || sizes.Size(1) != Numbers)
            throw new CratonException($"[unet] conditions: expected vectors of texts [N, {_pooled}] and sizes [N, {Numbers}], got {pooled?.ToString() ?? "none"} and {sizes?.ToString() ?? "none"}");
        Tensor waves = _waves.Forward(sizes.Contiguous().View(sizes.Size(0) * Numbers)).View(sizes.Size(0), -1);
        return _layers.Forward(Ops.Concat(1, pooled, waves));
    }
}
