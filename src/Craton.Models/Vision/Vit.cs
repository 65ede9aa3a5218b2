using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>Settings of ViT and DeiT.</summary>
public sealed record VitConfig : ImageEncoderConfig
{
    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    /// <param name="read">The configuration.</param>
    public VitConfig(ConfigReader read) : base(read, patch: 16, 1e-12, "gelu")
    {
        Bias = read.Flag("qkv_bias", true);
        Distilled = read.ModelType == "deit";
        PoolerActivation = read.Activation("tanh", "pooler_act");
        PoolerWidth = read.IntOr(Width, "pooler_output_size");
        Encoders.EncoderConfig.Within(read.File, PoolerWidth, "pooler_output_size", 1 << 16);
    }

    /// <summary>Whether queries, keys and values have biases.</summary>
    public bool Bias { get; }

    /// <summary>Whether a second vector, which learned from a teacher, stands behind the first (DeiT).</summary>
    public bool Distilled { get; }

    /// <summary>Applied behind the pooler.</summary>
    public Activation PoolerActivation { get; }

    /// <summary>Width of the pooled vector.</summary>
    public int PoolerWidth { get; }
}

/// <summary>
/// Vision Transformer (Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words") and DeiT (Touvron et al. 2021), which reads one vector more.
/// </summary>
public sealed class Vit : ImageEncoder
{
    private static readonly PreNormNames Names = new(
        "layernorm_before", "attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense",
        "layernorm_after", "intermediate.dense", "output.dense");

    private readonly VitConfig _config;
    private readonly Tensor[] _leading;
    private readonly Tensor _positions;
    private readonly Conv2d _patches;
    private readonly Tower _tower;
    private readonly LayerNorm _norm;
    private readonly Linear? _pooler;

    /// <summary>Creates the model with zeroed weights.</summary>
    /// <param name="config">Its settings.</param>
    /// <param name="pooler">Whether the checkpoint holds the layer that makes one vector of an image's first.</param>
    public Vit(VitConfig config, bool pooler = false) : base(config)
    {
        _config = config;
        Tensor first = Parameter("embeddings.cls_token", 1, 1, config.Width);
        _leading = config.Distilled ? [first, Parameter("embeddings.distillation_token", 1, 1, config.Width)] : [first];
        _positions = Parameter("embeddings.position_embeddings", 1, _leading.Length + config.Grid * config.Grid, config.Width);
        _patches = Child("embeddings.patch_embeddings.projection", PatchProjection(config));
        _tower = Inline(new Tower("encoder.layer", config.Layers, () => new PreNormLayer(config, Names, config.Bias)));
        _norm = Child("layernorm", new LayerNorm(config.Width, config.Eps));
        if (pooler) _pooler = Child("pooler.dense", new Linear(config.Width, config.PoolerWidth, bias: true));
    }

    /// <inheritdoc/>
    protected internal override string Prefix => _config.Distilled ? "deit" : "vit";

    /// <inheritdoc/>
    public override Tensor Hidden(Tensor pixels, bool interpolate = false, LayerTrace? trace = null) =>
        _norm.Forward(_tower.Forward(Embed(pixels, _patches, _leading, _positions, interpolate), default, trace));

    /// <inheritdoc/>
    /// <remarks>Made by the pooler where the checkpoint has one, else the first vector.</remarks>
    public override Tensor Pooled(Tensor hidden) => _pooler is null ? Features(hidden) : Ops.Activate(_pooler.Forward(Features(hidden)), _config.PoolerActivation);
}
