using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>Layers of a Transformer over pixels, added to the image.</summary>
internal sealed class SpatialTransformer : ImageAttention
{
    private const double GroupEps = 1e-6;

    private readonly TransformerSettings _settings;
    private readonly GroupNorm _norm;
    private readonly Conv2d? _convIn, _convOut;
    private readonly Linear? _in, _out;
    private readonly SpatialTransformerLayer[] _layers;

    public SpatialTransformer(TransformerSettings settings)
    {
        _settings = settings;
        _norm = Child("norm", new GroupNorm(settings.Groups, settings.Channels, GroupEps));
        if (settings.Linear) _in = Child("proj_in", new Linear(settings.Channels, settings.Width, bias: true));
        else _convIn = Child("proj_in", new Conv2d(settings.Channels, settings.Width, 1));
        _layers = Children("transformer_blocks", settings.Layers, _ => new SpatialTransformerLayer(settings));
        if (settings.Linear) _out = Child("proj_out", new Linear(settings.Width, settings.Channels, bias: true));
        else _convOut = Child("proj_out", new Conv2d(settings.Width, settings.Channels, 1));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, TextContext? context = null)
    {
        if (_settings.ContextWidth.HasValue != context is not null)
            throw new CratonException($"[transformer2d] context: expected {(context is null ? "vectors of texts, which the network reads" : "none, since the network reads no texts")}");
        if (context is not null && context.States.Size(2) != _settings.ContextWidth)
            throw new CratonException($"[transformer2d] context: expected vectors of width {_settings.ContextWidth}, got {context.States.Layout}");
        (int rows, int columns) = (x.Size(2), x.Size(3));
        Tensor y = _norm.Forward(x);
        y = _in is null ? Pixels(_convIn!.Forward(y)) : _in.Forward(Pixels(y));
        foreach (SpatialTransformerLayer layer in _layers) y = layer.Forward(y, context);
        return x + (_out is null ? _convOut!.Forward(Image(y)) : Image(_out.Forward(y)));

        Tensor Image(Tensor pixels) => pixels.Permute(0, 2, 1).Contiguous().View(x.Size(0), pixels.Size(2), rows, columns);
    }

    private static Tensor Pixels(Tensor image) => image.View(image.Size(0), image.Size(1), image.Size(2) * image.Size(3)).Permute(0, 2, 1).Contiguous();
}

/// <summary>One layer: pixels see each other, then the text, then each is changed by itself.</summary>
internal sealed class SpatialTransformerLayer : Module
{
    /// <summary>What checkpoints call the projections of attention.</summary>
    public static readonly (string Query, string Key, string Value, string Output) Names = ("to_q", "to_k", "to_v", "to_out.0");

    private readonly LayerNorm _ownNorm, _innerNorm;
    private readonly LayerNorm? _textNorm;
    private readonly ProjectedAttention _own;
    private readonly ProjectedAttention? _text;
    private readonly Linear _up, _down;
    private readonly TransformerSettings _settings;

    public SpatialTransformerLayer(TransformerSettings settings)
    {
        _settings = settings;
        int width = settings.Width, inner = 4 * width;
        _ownNorm = Child("norm1", new LayerNorm(width, settings.Eps, settings.Affine));
        _own = Child("attn1", new ProjectedAttention(width, settings.Heads, settings.HeadWidth, settings.Bias, Names, outputBias: true));
        if (settings.ContextWidth is { } context)
        {
            _textNorm = Child("norm2", new LayerNorm(width, settings.Eps, settings.Affine));
            _text = Child("attn2", new ProjectedAttention(width, settings.Heads, settings.HeadWidth, settings.Bias, Names, outputBias: true, context));
        }
        _innerNorm = Child("norm3", new LayerNorm(width, settings.Eps, settings.Affine));
        _up = Child("ff.net.0.proj", new Linear(width, settings.Gated ? 2 * inner : inner, bias: true));
        _down = Child("ff.net.2", new Linear(inner, width, bias: true));
    }

    /// <summary>x [N, P, C] → [N, P, C].</summary>
    public Tensor Forward(Tensor x, TextContext? context)
    {
        x = _own.Output(_own.Attend(_ownNorm.Forward(x), new AttentionOptions()), x);
        if (_text is not null) x = _text.Output(_text.Attend(_textNorm!.Forward(x), context!.States, new AttentionOptions { Bias = context.Bias }), x);
        Tensor inside = _up.Forward(_innerNorm.Forward(x));
        if (!_settings.Gated) return _down.Forward(inside, _settings.Activation, residual: x);
        int inner = inside.Size(2) / 2;
        return _down.Forward(GatedFeedForward.Gated(Ops.Slice(inside, 2, inner), Ops.Slice(inside, 2, 0, inner), _settings.Activation), residual: x);
    }
}
