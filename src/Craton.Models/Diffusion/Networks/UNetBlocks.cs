using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>A level on the way down: residual blocks, attention after each where the level has it, and half the size at its end.</summary>
internal sealed class DownBlock : Module
{
    private readonly ResidualBlock[] _residuals;
    private readonly ImageAttention[] _attentions;
    private readonly ConvolvedResize? _halved;
    private readonly ResidualBlock? _residualHalved;

    public DownBlock(UNetConfig config, int level)
    {
        string type = config.DownTypes[level];
        (int channels, int filters, int count) = (config.Channels[Math.Max(level - 1, 0)], config.Channels[level], config.Layers(level));
        _attentions = Children("attentions", type.Contains("Attn", StringComparison.Ordinal) ? count : 0, _ => config.Attention(level));
        _residuals = Children("resnets", count, i => new ResidualBlock(i == 0 ? channels : filters, filters, config.Blocks));
        if (level == config.Channels.Length - 1) return;
        if (config.ResizesByResidual(type))
            _residualHalved = Child("downsamplers.0", new ResidualBlock(filters, filters, config.Blocks, resizing: Resizing.Halved));
        else
            _halved = Child("downsamplers.0", new ConvolvedResize(filters, doubles: false, config.Padding));
    }

    /// <summary>Adds to skips what the way up needs, and gives the last of it.</summary>
    public Tensor Forward(Tensor x, Tensor time, TextContext? context, Stack<Tensor> skips)
    {
        for (int i = 0; i < _residuals.Length; i++)
        {
            x = _residuals[i].Forward(x, time);
            if (_attentions.Length > 0) x = _attentions[i].Forward(x, context);
            skips.Push(x);
        }
        if (_halved is null && _residualHalved is null) return x;
        x = _halved?.Forward(x) ?? _residualHalved!.Forward(x, time);
        skips.Push(x);
        return x;
    }
}

/// <summary>A level on the way up: residual blocks over what is joined from the way down, and the size of the next level at its end.</summary>
internal sealed class UpBlock : Module
{
    private readonly ResidualBlock[] _residuals;
    private readonly ImageAttention[] _attentions;
    private readonly ConvolvedResize? _doubled;
    private readonly ResidualBlock? _residualDoubled;

    public UpBlock(UNetConfig config, int step)
    {
        string type = config.UpTypes[step];
        int level = config.Channels.Length - 1 - step, count = config.Layers(level) + 1;
        int filters = config.Channels[level], before = config.Channels[Math.Min(level + 1, config.Channels.Length - 1)], beyond = config.Channels[Math.Max(level - 1, 0)];
        _attentions = Children("attentions", type.Contains("Attn", StringComparison.Ordinal) ? count : 0, _ => config.Attention(level));
        _residuals = Children("resnets", count, i => new ResidualBlock((i == 0 ? before : filters) + (i == count - 1 ? beyond : filters), filters, config.Blocks));
        if (level == 0) return;
        if (config.ResizesByResidual(type))
            _residualDoubled = Child("upsamplers.0", new ResidualBlock(filters, filters, config.Blocks, resizing: Resizing.Doubled));
        else
            _doubled = Child("upsamplers.0", new ConvolvedResize(filters, doubles: true));
    }

    /// <summary>Takes from skips what belongs to its residual blocks.</summary>
    public Tensor Forward(Tensor x, Tensor time, TextContext? context, Stack<Tensor> skips)
    {
        for (int i = 0; i < _residuals.Length; i++)
        {
            x = _residuals[i].Forward(Ops.Concat(1, x, skips.Pop()), time);
            if (_attentions.Length > 0) x = _attentions[i].Forward(x, context);
        }
        // The next level may have an odd number of rows or columns.
        return _doubled?.Forward(x, like: skips.Peek()) ?? _residualDoubled?.Forward(x, time) ?? x;
    }
}

/// <summary>The coarsest level: two residual blocks with attention between them.</summary>
internal sealed class MiddleBlock : Module
{
    private readonly ResidualBlock[] _residuals;
    private readonly ImageAttention? _attention;

    public MiddleBlock(UNetConfig config)
    {
        if (config.MiddleAttention() is { } attention) _attention = Child("attentions.0", attention);
        _residuals = Children("resnets", 2, _ => new ResidualBlock(config.Channels[^1], config.Channels[^1], config.Blocks, config.MiddleDivisor));
    }

    public Tensor Forward(Tensor x, Tensor time, TextContext? context)
    {
        x = _residuals[0].Forward(x, time);
        return _residuals[1].Forward(_attention?.Forward(x, context) ?? x, time);
    }
}
