using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>Two layers over the waves of a time, or over what else tells a network as much.</summary>
internal sealed class TimeLayers : Module
{
    private readonly Linear _first, _second;
    private readonly Activation _activation;

    public TimeLayers(int inputs, int outputs, Activation activation = Activation.Silu)
    {
        _activation = activation;
        _first = Child("linear_1", new Linear(inputs, outputs, bias: true));
        _second = Child("linear_2", new Linear(outputs, outputs, bias: true));
    }

    public Tensor Forward(Tensor x) => _second.Forward(_first.Forward(x), _activation);
}

/// <summary>What a network is told of a time, and of a class where it knows classes.</summary>
internal sealed class UNetTime : Module
{
    private readonly TimestepEmbedding _waves;
    private readonly TimeLayers _time;
    private readonly Embedding? _classTable;
    private readonly TimeLayers? _classTime;

    public UNetTime(UNetConfig config, Activation activation = Activation.Silu)
    {
        ConfigReader read = config.Read;
        int width = config.Channels[0];
        _waves = new TimestepEmbedding(width, 10000, read.Flag("flip_sin_to_cos", true), read.Real("freq_shift", 0));
        _time = Child("time_embedding", new TimeLayers(width, config.TimeWidth, activation));
        if (read.Choice("class_embed_type", "", "timestep") == "timestep") _classTime = Child("class_embedding", new TimeLayers(width, config.TimeWidth, activation));
        else if (read.IntOr(0, "num_class_embeds") is > 0 and var count) _classTable = Child("class_embedding", new Embedding(count, config.TimeWidth));
    }

    /// <summary>Whether <see cref="Forward"/> needs classes.</summary>
    public bool KnowsClasses => _classTable is not null || _classTime is not null;

    /// <summary>Times F32 [N] and classes I32 [N] → [N, width].</summary>
    public Tensor Forward(Tensor times, Tensor? classes)
    {
        if (KnowsClasses != classes is not null)
            throw new CratonException($"[unet] classes: expected {(KnowsClasses ? "a tensor of one class for each image" : "none, since the network knows none")}");
        Tensor time = _time.Forward(_waves.Forward(times));
        if (_classTable is not null) return time + _classTable.Forward(classes!);
        return _classTime is null ? time : time + _classTime.Forward(_waves.Forward(Ops.Cast(classes!, DType.F32)));
    }
}

/// <summary>The way down, with the coarsest block at its end.</summary>
internal sealed class UNetDescent : Module
{
    private readonly Conv2d _in;
    private readonly DownBlock[] _down;
    private readonly MiddleBlock? _middle;
    private readonly bool _centres;

    public UNetDescent(UNetConfig config, int channels, int kernel = 3)
    {
        _centres = config.Read.Flag("center_input_sample");
        _in = Child("conv_in", new Conv2d(channels, config.Channels[0], kernel, new() { Padding = (kernel - 1) / 2 }));
        _down = Children("down_blocks", config.Channels.Length, i => new DownBlock(config, i));
        if (config.HasMiddle) _middle = Child("mid_block", new MiddleBlock(config));
    }

    /// <summary>x [N, channels, H, W] → the coarsest features; what the way up needs is put on skips.</summary>
    /// <param name="x">Images.</param>
    /// <param name="time">What is told of their times.</param>
    /// <param name="context">Texts.</param>
    /// <param name="skips">Gets what the way up needs.</param>
    /// <param name="hint">Added behind the first convolution.</param>
    public Tensor Forward(Tensor x, Tensor time, TextContext? context, Stack<Tensor> skips, Tensor? hint = null)
    {
        x = _in.Forward(_centres ? x * 2 - 1 : x);
        if (hint is not null) x += hint;
        skips.Push(x);
        foreach (DownBlock block in _down) x = block.Forward(x, time, context, skips);
        return _middle?.Forward(x, time, context) ?? x;
    }
}

/// <summary>The way up, to the answer.</summary>
internal sealed class UNetAscent : Module
{
    private readonly UpBlock[] _up;
    private readonly GroupNorm _norm;
    private readonly Activation _activation;
    private readonly Conv2d _out;

    public UNetAscent(UNetConfig config, int channels, int kernel = 3)
    {
        _activation = config.Blocks.Activation;
        _up = Children("up_blocks", config.Channels.Length, i => new UpBlock(config, i));
        _norm = Child("conv_norm_out", new GroupNorm(config.Blocks.Groups, config.Channels[0], config.Blocks.Eps));
        _out = Child("conv_out", new Conv2d(config.Channels[0], channels, kernel, new() { Padding = (kernel - 1) / 2 }));
    }

    /// <summary>The coarsest features and what the way down left → [N, channels, H, W].</summary>
    public Tensor Forward(Tensor x, Tensor time, TextContext? context, Stack<Tensor> skips)
    {
        foreach (UpBlock block in _up) x = block.Forward(x, time, context, skips);
        return _out.Forward(Ops.Activate(_norm.Forward(x), _activation));
    }
}
