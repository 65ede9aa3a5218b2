using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>A level on the way down: residual blocks, attention after each where the level has it, and half the size at its end.</summary>
internal sealed class DownBlock : Module
{
    private readonly ResidualBlock[] _residuals;
    private readonly PixelAttention[] _attentions;
    private readonly ConvolvedResize? _halved;
    private readonly ResidualBlock? _residualHalved;

    public DownBlock(UNet2DConfig config, int level)
    {
        string type = config.DownTypes[level];
        if (type is not ("DownBlock2D" or "AttnDownBlock2D" or "ResnetDownsampleBlock2D"))
            throw new CratonException($"{config.Read.File}: down_block_types: expected DownBlock2D, AttnDownBlock2D or ResnetDownsampleBlock2D, got '{type}'");
        (int channels, int filters) = (config.Channels[Math.Max(level - 1, 0)], config.Channels[level]);
        bool attends = type == "AttnDownBlock2D";
        _attentions = Children("attentions", attends ? config.Layers : 0, _ => new PixelAttention(filters, config.HeadWidth, config.Blocks.Groups, config.Blocks.Eps));
        _residuals = Children("resnets", config.Layers, i => new ResidualBlock(i == 0 ? channels : filters, filters, config.Blocks));
        if (level == config.Channels.Length - 1) return;
        if (type == "ResnetDownsampleBlock2D" || (attends && config.ResidualDown))
            _residualHalved = Child("downsamplers.0", new ResidualBlock(filters, filters, config.Blocks, resizing: Resizing.Halved));
        else
            _halved = Child("downsamplers.0", new ConvolvedResize(filters, doubles: false, config.Padding));
    }

    /// <summary>Adds to skips what the way up needs, and gives the last of it.</summary>
    public Tensor Forward(Tensor x, Tensor time, Stack<Tensor> skips)
    {
        for (int i = 0; i < _residuals.Length; i++)
        {
            x = _residuals[i].Forward(x, time);
            if (_attentions.Length > 0) x = _attentions[i].Forward(x);
            skips.Push(x);
        }
        if (_halved is null && _residualHalved is null) return x;
        x = _halved?.Forward(x) ?? _residualHalved!.Forward(x, time);
        skips.Push(x);
        return x;
    }
}

/// <summary>A level on the way up: residual blocks over what is joined from the way down, and twice the size at its end.</summary>
internal sealed class UpBlock : Module
{
    private readonly ResidualBlock[] _residuals;
    private readonly PixelAttention[] _attentions;
    private readonly ConvolvedResize? _doubled;
    private readonly ResidualBlock? _residualDoubled;

    public UpBlock(UNet2DConfig config, int step)
    {
        string type = config.UpTypes[step];
        if (type is not ("UpBlock2D" or "AttnUpBlock2D" or "ResnetUpsampleBlock2D"))
            throw new CratonException($"{config.Read.File}: up_block_types: expected UpBlock2D, AttnUpBlock2D or ResnetUpsampleBlock2D, got '{type}'");
        int level = config.Channels.Length - 1 - step, count = config.Layers + 1;
        int filters = config.Channels[level], before = config.Channels[Math.Min(level + 1, config.Channels.Length - 1)], beyond = config.Channels[Math.Max(level - 1, 0)];
        bool attends = type == "AttnUpBlock2D";
        _attentions = Children("attentions", attends ? count : 0, _ => new PixelAttention(filters, config.HeadWidth, config.Blocks.Groups, config.Blocks.Eps));
        _residuals = Children("resnets", count, i => new ResidualBlock((i == 0 ? before : filters) + (i == count - 1 ? beyond : filters), filters, config.Blocks));
        if (level == 0) return;
        if (type == "ResnetUpsampleBlock2D" || (attends && config.ResidualUp))
            _residualDoubled = Child("upsamplers.0", new ResidualBlock(filters, filters, config.Blocks, resizing: Resizing.Doubled));
        else
            _doubled = Child("upsamplers.0", new ConvolvedResize(filters, doubles: true));
    }

    /// <summary>Takes from skips what belongs to its residual blocks.</summary>
    public Tensor Forward(Tensor x, Tensor time, Stack<Tensor> skips)
    {
        for (int i = 0; i < _residuals.Length; i++)
        {
            x = _residuals[i].Forward(Ops.Concat(1, x, skips.Pop()), time);
            if (_attentions.Length > 0) x = _attentions[i].Forward(x);
        }
        return _doubled?.Forward(x) ?? _residualDoubled?.Forward(x, time) ?? x;
    }
}

/// <summary>The coarsest level: two residual blocks with attention between them.</summary>
internal sealed class MiddleBlock : Module
{
    private readonly ResidualBlock[] _residuals;
    private readonly PixelAttention? _attention;

    public MiddleBlock(UNet2DConfig config)
    {
        int channels = config.Channels[^1];
        if (config.Read.Flag("add_attention", true))
            _attention = Child("attentions.0", new PixelAttention(channels, config.HeadWidth, config.MiddleGroups, config.Blocks.Eps, config.MiddleDivisor));
        _residuals = Children("resnets", 2, _ => new ResidualBlock(channels, channels, config.Blocks, config.MiddleDivisor));
    }

    public Tensor Forward(Tensor x, Tensor time)
    {
        x = _residuals[0].Forward(x, time);
        return _residuals[1].Forward(_attention?.Forward(x) ?? x, time);
    }
}
