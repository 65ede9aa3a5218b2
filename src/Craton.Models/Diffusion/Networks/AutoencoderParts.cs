using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>The settings of an autoencoder, under the names of its <c>config.json</c>.</summary>
internal sealed class AutoencoderConfig
{
    private const int MostChannels = 1 << 16, MostLayers = 64, MostLevels = 16;

    /// <summary>Reads and checks them.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public AutoencoderConfig(ConfigReader read)
    {
        Channels = read.Ints("block_out_channels") ?? [64];
        if (Channels.Length is < 1 or > MostLevels || Channels.Any(c => c is < 1 or > MostChannels))
            throw new CratonException($"{read.File}: block_out_channels: expected 1 to {MostLevels} numbers from 1 to {MostChannels}");
        CheckTypes(read, "down_block_types", "DownEncoderBlock2D");
        CheckTypes(read, "up_block_types", "UpDecoderBlock2D");
        InChannels = read.Count("in_channels", 3, MostChannels);
        OutChannels = read.Count("out_channels", 3, MostChannels);
        LatentChannels = read.Count("latent_channels", 4, MostChannels);
        Layers = read.Count("layers_per_block", 1, MostLayers);
        Attends = read.Flag("mid_block_add_attention", true);
        Blocks = new BlockSettings(null, read.Count("norm_num_groups", 32, MostChannels), 1e-6, read.Activation("silu", "act_fn"), ScalesByTime: false);
    }

    public int[] Channels { get; }

    public int InChannels { get; }

    public int OutChannels { get; }

    public int LatentChannels { get; }

    public int Layers { get; }

    public bool Attends { get; }

    public BlockSettings Blocks { get; }

    private void CheckTypes(ConfigReader read, string name, string type)
    {
        string[] types = read.Texts(name) ?? [type];
        if (types.Length != Channels.Length || types.Any(t => t != type))
            throw new CratonException($"{read.File}: {name}: expected {Channels.Length} times {type}, one for each of block_out_channels, got {string.Join(", ", types)}");
    }
}

/// <summary>A level: residual blocks, and another size at its end where it is not the last.</summary>
internal sealed class AutoencoderLevel : Module
{
    private readonly ResidualBlock[] _residuals;
    private readonly ConvolvedResize? _resized;

    public AutoencoderLevel(int channels, int filters, int layers, BlockSettings settings, bool doubles, bool last)
    {
        _residuals = Children("resnets", layers, i => new ResidualBlock(i == 0 ? channels : filters, filters, settings));
        if (!last) _resized = Child(doubles ? "upsamplers.0" : "downsamplers.0", new ConvolvedResize(filters, doubles, padding: doubles ? 1 : 0));
    }

    public Tensor Forward(Tensor x)
    {
        foreach (ResidualBlock block in _residuals) x = block.Forward(x);
        return _resized?.Forward(x) ?? x;
    }
}

/// <summary>Half of an autoencoder: from an image to the mean and spread of its code, or from a code to an image.</summary>
internal sealed class AutoencoderHalf : Module
{
    private readonly Conv2d _in, _out;
    private readonly AutoencoderLevel[] _levels;
    private readonly ResidualBlock[] _middle;
    private readonly PixelAttention? _attention;
    private readonly GroupNorm _norm;
    private readonly Activation _activation;
    private readonly bool _decodes;

    public AutoencoderHalf(AutoencoderConfig config, bool decodes, int inputs, int outputs)
    {
        int[] channels = decodes ? [.. config.Channels.Reverse()] : config.Channels;
        int coarsest = config.Channels[^1];
        (_decodes, _activation) = (decodes, config.Blocks.Activation);
        _in = Child("conv_in", new Conv2d(inputs, channels[0], 3, new() { Padding = 1 }));
        _levels = Children(decodes ? "up_blocks" : "down_blocks", channels.Length, i => new AutoencoderLevel(
            channels[Math.Max(i - 1, 0)], channels[i], config.Layers + (decodes ? 1 : 0), config.Blocks, decodes, last: i == channels.Length - 1));
        _middle = Children("mid_block.resnets", 2, _ => new ResidualBlock(coarsest, coarsest, config.Blocks));
        if (config.Attends) _attention = Child("mid_block.attentions.0", new PixelAttention(coarsest, null, config.Blocks.Groups, config.Blocks.Eps));
        _norm = Child("conv_norm_out", new GroupNorm(config.Blocks.Groups, channels[^1], config.Blocks.Eps));
        _out = Child("conv_out", new Conv2d(channels[^1], outputs, 3, new() { Padding = 1 }));
    }

    public Tensor Forward(Tensor x)
    {
        x = _in.Forward(x);
        if (_decodes) x = Middle(x);
        foreach (AutoencoderLevel level in _levels) x = level.Forward(x);
        if (!_decodes) x = Middle(x);
        return _out.Forward(Ops.Activate(_norm.Forward(x), _activation));
    }

    private Tensor Middle(Tensor x)
    {
        x = _middle[0].Forward(x);
        return _middle[1].Forward(_attention?.Forward(x) ?? x);
    }
}
