using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>Settings of DINOv2.</summary>
public sealed record Dinov2Config : ImageEncoderConfig
{
    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    /// <param name="read">The configuration.</param>
    public Dinov2Config(ConfigReader read) : base(read, patch: 14, 1e-6, "gelu")
    {
        Bias = read.Flag("qkv_bias", true);
        HasMask = read.Flag("use_mask_token", true);
        Gated = read.Flag("use_swiglu_ffn");
        double inner = Width * read.Number("mlp_ratio", 4);
        if (inner is < 1 or > 1 << 18) throw new CratonException($"{read.File}: mlp_ratio makes feed-forward layers of {inner} values, expected 1 to {1 << 18}");
        // Gated layers have a third matrix; two thirds of the width, in steps of 8, keep their size.
        FeedForwardWidth = Gated ? ((int)inner * 2 / 3 + 7) / 8 * 8 : (int)inner;
    }

    /// <summary>Whether queries, keys and values have biases.</summary>
    public bool Bias { get; }

    /// <summary>Whether the checkpoint holds the vector that stood for hidden patches in training.</summary>
    public bool HasMask { get; }

    /// <summary>Whether feed-forward layers are gated.</summary>
    public bool Gated { get; }

    /// <summary>Width inside the feed-forward layers.</summary>
    public int FeedForwardWidth { get; }
}

/// <summary>
/// DINOv2 (Oquab et al. 2024, "Learning Robust Visual Features without Supervision"): a ViT whose branches are scaled by channel. Images may
/// have any size.
/// </summary>
public sealed class Dinov2 : ImageEncoder
{
    private readonly Tensor _first, _positions;
    private readonly Conv2d _patches;
    private readonly Tower _tower;
    private readonly LayerNorm _norm;

    /// <summary>Creates the model with zeroed weights.</summary>
    public Dinov2(Dinov2Config config) : base(config)
    {
        _first = Parameter("embeddings.cls_token", 1, 1, config.Width);
        if (config.HasMask) Parameter("embeddings.mask_token", 1, config.Width);
        _positions = Parameter("embeddings.position_embeddings", 1, 1 + config.Grid * config.Grid, config.Width);
        _patches = Child("embeddings.patch_embeddings.projection", PatchProjection(config));
        _tower = Inline(new Tower("encoder.layer", config.Layers, () => new Dinov2Layer(config)));
        _norm = Child("layernorm", new LayerNorm(config.Width, config.Eps));
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "dinov2";

    /// <inheritdoc/>
    public override Tensor Hidden(Tensor pixels, bool interpolate = true, LayerTrace? trace = null) =>
        _norm.Forward(_tower.Forward(Embed(pixels, _patches, [_first], _positions, interpolate: true), default, trace));

    /// <inheritdoc/>
    public override Tensor Pooled(Tensor hidden) => Ops.Select(hidden, 1, 0);

    /// <summary>The first vector and the mean of the patches', [N, 2 · C].</summary>
    protected internal override Tensor Features(Tensor hidden) => Ops.Concat(1, Ops.Select(hidden, 1, 0), Ops.Mean(hidden.Slice(1, 1), [1]));

    /// <inheritdoc/>
    protected internal override int FeatureWidth => 2 * Config.Width;
}

/// <summary>A layer of DINOv2.</summary>
internal sealed class Dinov2Layer : TowerLayer
{
    private readonly LayerNorm _attentionNorm, _innerNorm;
    private readonly ProjectedAttention _attention;
    private readonly Tensor _attentionScale, _innerScale;
    private readonly Linear _up, _down;
    private readonly Dinov2Config _config;

    public Dinov2Layer(Dinov2Config config)
    {
        _config = config;
        int width = config.Width, inner = config.FeedForwardWidth;
        _attentionNorm = Child("norm1", new LayerNorm(width, config.Eps));
        _attention = Inline(new ProjectedAttention(
            width, config.Heads, width / config.Heads, config.Bias,
            ("attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense"), outputBias: true));
        _attentionScale = Parameter("layer_scale1.lambda1", width);
        _innerNorm = Child("norm2", new LayerNorm(width, config.Eps));
        _up = Child(config.Gated ? "mlp.weights_in" : "mlp.fc1", new Linear(width, config.Gated ? 2 * inner : inner, bias: true));
        _down = Child(config.Gated ? "mlp.weights_out" : "mlp.fc2", new Linear(inner, width, bias: true));
        _innerScale = Parameter("layer_scale2.lambda1", width);
    }

    public override Tensor Forward(Tensor x, in AttentionOptions options, ICollection<Tensor>? weights = null)
    {
        x += _attention.Output(_attention.Attend(_attentionNorm.Forward(x), options, weights)) * _attentionScale;
        return x + FeedForward(_innerNorm.Forward(x)) * _innerScale;
    }

    private Tensor FeedForward(Tensor x)
    {
        Tensor inner = _up.Forward(x);
        if (!_config.Gated) return _down.Forward(inner, _config.Activation);
        int half = _config.FeedForwardWidth;
        return _down.Forward(Ops.SwiGlu(Ops.Contiguous(inner.Slice(2, 0, half)), Ops.Contiguous(inner.Slice(2, half))));
    }
}
