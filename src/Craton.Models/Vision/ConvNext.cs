using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>Settings of ConvNeXt.</summary>
public sealed record ConvNextConfig
{
    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    /// <param name="read">The configuration.</param>
    public ConvNextConfig(ConfigReader read)
    {
        Channels = read.IntOr(3, "num_channels");
        PatchSize = read.IntOr(4, "patch_size");
        Stages = ConvolutionStages.Read(read, widths: [96, 192, 384, 768], depths: [3, 3, 9, 3]);
        int stages = read.IntOr(Stages.Count, "num_stages");
        if (stages != Stages.Count) throw new CratonException($"{read.File}: num_stages is {stages}, expected {Stages.Count} as in hidden_sizes and depths");
        Activation = read.Activation("gelu", "hidden_act");
        Eps = read.Number("layer_norm_eps", 1e-12);
        ScalesBranches = read.Real("layer_scale_init_value", 1e-6) > 0;
        EncoderConfig.Within(read.File, Channels, "num_channels", 1 << 10);
        EncoderConfig.Within(read.File, PatchSize, "patch_size", 1 << 10);
    }

    /// <summary>Channels of an image.</summary>
    public int Channels { get; }

    /// <summary>Rows and columns of what the first convolution makes one place of.</summary>
    public int PatchSize { get; }

    /// <summary>Channels and number of blocks of each stage.</summary>
    public IReadOnlyList<(int Width, int Depth)> Stages { get; }

    /// <summary>Applied inside the blocks.</summary>
    public Activation Activation { get; }

    /// <summary>Added to the variance in the norm behind the mean of all places.</summary>
    public double Eps { get; }

    /// <summary>Whether what a block adds is scaled by channel.</summary>
    public bool ScalesBranches { get; }
}

/// <summary>ConvNeXt (Liu et al. 2022, "A ConvNet for the 2020s").</summary>
public sealed class ConvNext : ImageBackbone
{
    private readonly ConvNextConfig _config;
    private readonly Conv2d _patches;
    private readonly ChannelNorm _patchNorm;
    private readonly (ConvNextHalving? Halving, ConvNextBlock[] Blocks)[] _stages;
    private readonly LayerNorm _norm;

    /// <summary>Creates the model with zeroed weights.</summary>
    public ConvNext(ConvNextConfig config)
    {
        _config = config;
        int width = config.Stages[0].Width;
        _patches = Child("embeddings.patch_embeddings", new Conv2d(config.Channels, width, config.PatchSize, new ConvolutionOptions { Stride = config.PatchSize }));
        _patchNorm = Child("embeddings.layernorm", new ChannelNorm(width));
        _stages = [.. config.Stages.Select((_, stage) => Stage(stage))];
        _norm = Child("layernorm", new LayerNorm(FeatureWidth, config.Eps));
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "convnext";

    /// <inheritdoc/>
    protected internal override int FeatureWidth => _config.Stages[^1].Width;

    /// <inheritdoc/>
    /// <remarks>Images may have any size.</remarks>
    public override Tensor Hidden(Tensor pixels, bool interpolate = false, LayerTrace? trace = null)
    {
        Tensor x = _patchNorm.Forward(_patches.Forward(pixels));
        trace?.States.Add(x);
        foreach ((ConvNextHalving? halving, ConvNextBlock[] blocks) in _stages)
        {
            x = halving?.Forward(x) ?? x;
            foreach (ConvNextBlock block in blocks) x = block.Forward(x);
            trace?.States.Add(x);
        }
        return x;
    }

    /// <inheritdoc/>
    public override Tensor Pooled(Tensor hidden) => _norm.Forward(Ops.Mean(hidden, [2, 3]));

    private (ConvNextHalving?, ConvNextBlock[]) Stage(int stage)
    {
        (int width, int depth) = _config.Stages[stage];
        ConvNextHalving? halving = stage == 0 ? null : Child($"encoder.stages.{stage}.downsampling_layer", new ConvNextHalving(_config.Stages[stage - 1].Width, width));
        return (halving, Children($"encoder.stages.{stage}.layers", depth, _ => new ConvNextBlock(_config, width)));
    }
}

/// <summary>What stands before a stage: a norm, and a convolution of two by two places.</summary>
internal sealed class ConvNextHalving : Module
{
    private readonly ChannelNorm _norm;
    private readonly Conv2d _convolution;

    public ConvNextHalving(int channels, int filters)
    {
        _norm = Child("0", new ChannelNorm(channels));
        _convolution = Child("1", new Conv2d(channels, filters, 2, new ConvolutionOptions { Stride = 2 }));
    }

    public Tensor Forward(Tensor x) => _convolution.Forward(_norm.Forward(x));
}

/// <summary>A convolution of each channel by itself, and a feed-forward layer of each place, added to the stream.</summary>
internal sealed class ConvNextBlock : Module
{
    private const int Kernel = 7, Widening = 4;

    private readonly Conv2d _depthwise;
    private readonly LayerNorm _norm;
    private readonly FeedForward _feedForward;
    private readonly Tensor? _scale;

    public ConvNextBlock(ConvNextConfig config, int width)
    {
        if (config.ScalesBranches) _scale = Parameter("layer_scale_parameter", width);
        _depthwise = Child("dwconv", new Conv2d(width, width, Kernel, new ConvolutionOptions { Padding = Kernel / 2, Groups = width }));
        _norm = Child("layernorm", new LayerNorm(width, ChannelNorm.Eps));
        _feedForward = Inline(new FeedForward(width, Widening * width, config.Activation, bias: true, ("pwconv1", "pwconv2")));
    }

    public Tensor Forward(Tensor x)
    {
        Tensor y = _feedForward.Forward(_norm.Forward(ChannelNorm.ChannelsLast(_depthwise.Forward(x))));
        if (_scale is not null) y *= _scale;
        return x + ChannelNorm.ChannelsFirst(y);
    }
}

/// <summary>A norm of the channels of each place of an image [N, C, H, W].</summary>
internal sealed class ChannelNorm : Module
{
    /// <summary>Added to the variance in all norms of the stages, whatever the configuration says.</summary>
    public const double Eps = 1e-6;

    private readonly LayerNorm _norm;

    public ChannelNorm(int channels) => _norm = Inline(new LayerNorm(channels, Eps));

    public Tensor Forward(Tensor x) => ChannelsFirst(_norm.Forward(ChannelsLast(x)));

    /// <summary>[N, C, H, W] → [N, H, W, C].</summary>
    public static Tensor ChannelsLast(Tensor x) => Ops.Contiguous(x.Permute(0, 2, 3, 1));

    /// <summary>[N, H, W, C] → [N, C, H, W].</summary>
    public static Tensor ChannelsFirst(Tensor x) => Ops.Contiguous(x.Permute(0, 3, 1, 2));
}
