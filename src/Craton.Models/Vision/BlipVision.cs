using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>The images' side of BLIP: a ViT whose queries, keys and values come out of one matrix.</summary>
public sealed class BlipVision : ImageEncoder
{
    private readonly Tensor _first, _positions;
    private readonly Conv2d _patches;
    private readonly Tower _tower;
    private readonly LayerNorm _norm;

    /// <summary>Creates the encoder with zeroed weights.</summary>
    public BlipVision(ImageEncoderConfig config) : base(config)
    {
        _first = Parameter("embeddings.class_embedding", 1, 1, config.Width);
        _positions = Parameter("embeddings.position_embedding", 1, 1 + config.Grid * config.Grid, config.Width);
        _patches = Child("embeddings.patch_embedding", PatchProjection(config));
        _tower = Inline(new Tower("encoder.layers", config.Layers, () => new BlipVisionLayer(config)));
        _norm = Child("post_layernorm", new LayerNorm(config.Width, config.Eps));
    }

    /// <summary>The settings of BLIP.</summary>
    public static ImageEncoderConfig Read(ConfigReader read) => new(read, patch: 16, 1e-5, "gelu", size: 384);

    /// <inheritdoc/>
    protected internal override string Prefix => "vision_model";

    /// <inheritdoc/>
    public override Tensor Hidden(Tensor pixels, bool interpolate = false, LayerTrace? trace = null) =>
        _norm.Forward(_tower.Forward(Embed(pixels, _patches, [_first], _positions, interpolate), default, trace));

    /// <inheritdoc/>
    /// <remarks>The first vector, normalised a second time.</remarks>
    public override Tensor Pooled(Tensor hidden) => _norm.Forward(Features(hidden));
}

/// <summary>A layer with norms before attention and feed-forward.</summary>
internal sealed class BlipVisionLayer : TowerLayer
{
    private readonly LayerNorm _attentionNorm, _innerNorm;
    private readonly FusedAttention _attention;
    private readonly FeedForward _feedForward;

    public BlipVisionLayer(ImageEncoderConfig config)
    {
        _attentionNorm = Child("layer_norm1", new LayerNorm(config.Width, config.Eps));
        _attention = Child("self_attn", new FusedAttention(config.Width, config.Heads, ("qkv", "projection")));
        _innerNorm = Child("layer_norm2", new LayerNorm(config.Width, config.Eps));
        _feedForward = Child("mlp", new FeedForward(config.Width, config.Inner, config.Activation, bias: true, ("fc1", "fc2")));
    }

    public override Tensor Forward(Tensor x, in AttentionOptions options, ICollection<Tensor>? weights = null)
    {
        x = _attention.Output(_attention.Attend(_attentionNorm.Forward(x), options, weights), x);
        return _feedForward.Forward(_innerNorm.Forward(x), residual: x);
    }
}
