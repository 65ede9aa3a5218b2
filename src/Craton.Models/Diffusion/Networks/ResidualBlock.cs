using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>What all blocks of a network share.</summary>
/// <param name="TimeWidth">Width of the embedding of times; null where blocks know none.</param>
/// <param name="Groups">Groups of the normalisations.</param>
/// <param name="Eps">Added to their variances.</param>
/// <param name="Activation">The activation.</param>
/// <param name="ScalesByTime">Whether times scale and shift what is normalised, rather than being added before.</param>
internal sealed record BlockSettings(int? TimeWidth, int Groups, double Eps, Activation Activation, bool ScalesByTime);

/// <summary>Whether a block changes the size of its images.</summary>
internal enum Resizing
{
    /// <summary>It does not.</summary>
    None,
    /// <summary>Half, by means of four pixels.</summary>
    Halved,
    /// <summary>Twice, by copies.</summary>
    Doubled,
}

/// <summary>Two convolutions with the time between them, beside a shortcut (He et al. 2016, as in Ho et al. 2020 and Dhariwal, Nichol 2021).</summary>
internal sealed class ResidualBlock : Module
{
    private readonly BlockSettings _settings;
    private readonly Resizing _resizing;
    private readonly double _divisor;
    private readonly GroupNorm _norm1, _norm2;
    private readonly Conv2d _conv1, _conv2;
    private readonly Conv2d? _shortcut;
    private readonly Linear? _time;

    /// <summary>Creates the block.</summary>
    /// <param name="channels">Channels of the input.</param>
    /// <param name="filters">Channels of the result.</param>
    /// <param name="settings">What blocks share.</param>
    /// <param name="divisor">Divides the sum of both ways.</param>
    /// <param name="resizing">Whether the size changes.</param>
    public ResidualBlock(int channels, int filters, BlockSettings settings, double divisor = 1, Resizing resizing = Resizing.None)
    {
        (_settings, _divisor, _resizing) = (settings, divisor, resizing);
        _norm1 = Child("norm1", new GroupNorm(settings.Groups, channels, settings.Eps));
        _conv1 = Child("conv1", new Conv2d(channels, filters, 3, new() { Padding = 1 }));
        if (settings.TimeWidth is { } width) _time = Child("time_emb_proj", new Linear(width, settings.ScalesByTime ? 2 * filters : filters, bias: true));
        _norm2 = Child("norm2", new GroupNorm(settings.Groups, filters, settings.Eps));
        _conv2 = Child("conv2", new Conv2d(filters, filters, 3, new() { Padding = 1 }));
        if (channels != filters) _shortcut = Child("conv_shortcut", new Conv2d(channels, filters, 1));
    }

    /// <summary>x [N, channels, H, W] and times [N, width] where the block knows them → [N, filters, ..].</summary>
    public Tensor Forward(Tensor x, Tensor? time = null)
    {
        Tensor h = Resized(Ops.Activate(_norm1.Forward(x), _settings.Activation));
        x = Resized(x);
        h = _conv1.Forward(h);
        h = Timed(h, time);
        h = _conv2.Forward(Ops.Activate(h, _settings.Activation)) + (_shortcut?.Forward(x) ?? x);
        return _divisor == 1 ? h : h / _divisor;
    }

    private Tensor Timed(Tensor h, Tensor? time)
    {
        if (_time is null) return _norm2.Forward(h);
        Tensor shift = _time.Forward(time!, _settings.Activation);
        shift = shift.View(shift.Size(0), shift.Size(1), 1, 1);
        int filters = h.Size(1);
        return _settings.ScalesByTime
            ? _norm2.Forward(h) * (Ops.Slice(shift, 1, 0, filters) + 1) + Ops.Slice(shift, 1, filters)
            : _norm2.Forward(h + shift);
    }

    private Tensor Resized(Tensor x) => _resizing switch
    {
        Resizing.Halved => Ops.AvgPool2d(x, new PoolingOptions { Kernel = 2, Stride = 2 }),
        Resizing.Doubled => Ops.Interpolate(x, (2 * x.Size(2), 2 * x.Size(3))),
        _ => x,
    };
}

/// <summary>A change of size by a convolution.</summary>
internal sealed class ConvolvedResize : Module
{
    private readonly Conv2d _conv;
    private readonly bool _doubles, _padsAfter;

    /// <summary>Creates the layer.</summary>
    /// <param name="channels">Channels of input and result.</param>
    /// <param name="doubles">True: twice the size; false: half.</param>
    /// <param name="padding">When halving: zeros around; 0: one column and one row after the image.</param>
    public ConvolvedResize(int channels, bool doubles, int padding = 1)
    {
        (_doubles, _padsAfter) = (doubles, !doubles && padding == 0);
        _conv = Child("conv", new Conv2d(channels, channels, 3, new() { Stride = doubles ? 1 : 2, Padding = padding }));
    }

    /// <summary>x [N, C, H, W] → [N, C, 2 H, 2 W], or the height and width of another image; or half.</summary>
    public Tensor Forward(Tensor x, Tensor? like = null)
    {
        if (_doubles) x = Ops.Interpolate(x, like is null ? (2 * x.Size(2), 2 * x.Size(3)) : (like.Size(2), like.Size(3)));
        if (_padsAfter)
        {
            x = Ops.Concat(3, x, Tensor.Zeros(x.DType, x.Size(0), x.Size(1), x.Size(2), 1));
            x = Ops.Concat(2, x, Tensor.Zeros(x.DType, x.Size(0), x.Size(1), 1, x.Size(3)));
        }
        return _conv.Forward(x);
    }
}
