using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>Settings of ResNet.</summary>
public sealed record ResNetConfig
{
    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    /// <param name="read">The configuration.</param>
    public ResNetConfig(ConfigReader read)
    {
        Channels = read.IntOr(3, "num_channels");
        StemWidth = read.IntOr(64, "embedding_size");
        Stages = ConvolutionStages.Read(read, widths: [256, 512, 1024, 2048], depths: [3, 4, 6, 3]);
        Activation = read.Activation("relu", "hidden_act");
        IsBottleneck = read.TextOr("bottleneck", "layer_type") switch
        {
            "bottleneck" => true,
            "basic" => false,
            var other => throw new CratonException($"{read.File}: layer_type is '{other}', expected basic or bottleneck"),
        };
        HalvesFirst = read.Flag("downsample_in_first_stage");
        HalvesEarly = read.Flag("downsample_in_bottleneck");
        EncoderConfig.Within(read.File, Channels, "num_channels", 1 << 10);
        EncoderConfig.Within(read.File, StemWidth, "embedding_size", 1 << 16);
    }

    /// <summary>Channels of an image.</summary>
    public int Channels { get; }

    /// <summary>Channels behind the first convolution.</summary>
    public int StemWidth { get; }

    /// <summary>Channels and number of blocks of each stage.</summary>
    public IReadOnlyList<(int Width, int Depth)> Stages { get; }

    /// <summary>Applied to what a block gives.</summary>
    public Activation Activation { get; }

    /// <summary>Whether blocks are three convolutions, the middle one of a quarter of the channels, or two.</summary>
    public bool IsBottleneck { get; }

    /// <summary>Whether the first stage halves rows and columns too.</summary>
    public bool HalvesFirst { get; }

    /// <summary>Whether a bottleneck halves in its first convolution, not in its second.</summary>
    public bool HalvesEarly { get; }
}

/// <summary>
/// ResNet (He et al. 2016, "Deep Residual Learning for Image Recognition"). Batches are normalised by the averages that the checkpoint holds, in
/// training too.
/// </summary>
public sealed class ResNet : ImageBackbone
{
    private readonly ResNetConfig _config;
    private readonly ResNetConvolution _stem;
    private readonly ResNetBlock[][] _stages;

    /// <summary>Creates the model with zeroed weights.</summary>
    public ResNet(ResNetConfig config)
    {
        _config = config;
        _stem = Child("embedder.embedder", new ResNetConvolution(config.Channels, config.StemWidth, kernel: 7, stride: 2));
        _stages = [.. config.Stages.Select((_, stage) => Stage(stage))];
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "resnet";

    /// <inheritdoc/>
    protected internal override int FeatureWidth => _config.Stages[^1].Width;

    /// <inheritdoc/>
    /// <remarks>Images may have any size.</remarks>
    public override Tensor Hidden(Tensor pixels, bool interpolate = false, LayerTrace? trace = null)
    {
        Tensor x = Ops.Activate(_stem.Forward(pixels), _config.Activation);
        x = Ops.MaxPool2d(x, new PoolingOptions(3) { Stride = 2, Padding = 1 });
        trace?.States.Add(x);
        foreach (ResNetBlock[] stage in _stages)
        {
            foreach (ResNetBlock block in stage) x = block.Forward(x);
            trace?.States.Add(x);
        }
        return x;
    }

    /// <inheritdoc/>
    public override Tensor Pooled(Tensor hidden) => Ops.Mean(hidden, [2, 3]);

    private ResNetBlock[] Stage(int stage)
    {
        (int width, int depth) = _config.Stages[stage];
        int before = stage == 0 ? _config.StemWidth : _config.Stages[stage - 1].Width, stride = stage > 0 || _config.HalvesFirst ? 2 : 1;
        return Children($"encoder.stages.{stage}.layers", depth, i => i == 0 ? new ResNetBlock(_config, before, width, stride) : new ResNetBlock(_config, width, width, stride: 1));
    }
}

/// <summary>Convolutions whose result is added to their input, which another convolution brings to its shape where that changes.</summary>
internal sealed class ResNetBlock : Module
{
    private const int Reduction = 4;

    private readonly ResNetConvolution[] _convolutions;
    private readonly ResNetConvolution? _shortcut;
    private readonly Activation _activation;

    public ResNetBlock(ResNetConfig config, int channels, int filters, int stride)
    {
        _activation = config.Activation;
        if (channels != filters || stride != 1) _shortcut = Child("shortcut", new ResNetConvolution(channels, filters, kernel: 1, stride));
        int inner = Math.Max(1, filters / Reduction), early = config.HalvesEarly ? stride : 1, late = config.HalvesEarly ? 1 : stride;
        (int From, int To, int Kernel, int Stride)[] shapes = config.IsBottleneck
            ? [(channels, inner, 1, early), (inner, inner, 3, late), (inner, filters, 1, 1)]
            : [(channels, filters, 3, stride), (filters, filters, 3, 1)];
        _convolutions = Children("layer", shapes.Length, i => new ResNetConvolution(shapes[i].From, shapes[i].To, shapes[i].Kernel, shapes[i].Stride));
    }

    public Tensor Forward(Tensor x)
    {
        Tensor y = x;
        for (int i = 0; i < _convolutions.Length; i++) y = _convolutions[i].Forward(i == 0 ? y : Ops.Activate(y, Activation.Relu)); // whatever the configuration names
        return Ops.Activate(y + (_shortcut?.Forward(x) ?? x), _activation);
    }
}

/// <summary>A convolution and its norm.</summary>
internal sealed class ResNetConvolution : Module
{
    private readonly Conv2d _convolution;
    private readonly BatchNorm _norm;

    public ResNetConvolution(int channels, int filters, int kernel, int stride)
    {
        _convolution = Child("convolution", new Conv2d(channels, filters, kernel, new ConvolutionOptions { Stride = stride, Padding = kernel / 2 }, bias: false));
        _norm = Child("normalization", new BatchNorm(filters));
    }

    public Tensor Forward(Tensor x) => _norm.Forward(_convolution.Forward(x), training: false);
}

/// <summary>The stages of a network of convolutions, between which rows and columns are halved.</summary>
internal static class ConvolutionStages
{
    private const int Most = 16;

    /// <summary>Channels and number of blocks of each stage.</summary>
    public static (int Width, int Depth)[] Read(ConfigReader read, int[] widths, int[] depths)
    {
        (widths, depths) = (read.Ints("hidden_sizes") ?? widths, read.Ints("depths") ?? depths);
        if (widths.Length != depths.Length || widths.Length is < 1 or > Most)
            throw new CratonException($"{read.File}: hidden_sizes and depths: expected a number in each for 1 to {Most} stages, got {widths.Length} and {depths.Length}");
        foreach (int width in widths) EncoderConfig.Within(read.File, width, "hidden_sizes", 1 << 16);
        foreach (int depth in depths) EncoderConfig.Within(read.File, depth, "depths", 1 << 10);
        return [.. widths.Zip(depths)];
    }
}
