using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>The texts' side of SigLIP.</summary>
public sealed class SiglipText : TextTower
{
    private readonly Linear _head;

    /// <summary>Creates the tower with zeroed weights.</summary>
    public SiglipText(TextTowerConfig config) : base(config, causal: false) => _head = Child("head", new Linear(config.Width, config.Projection, bias: true));

    /// <summary>The settings of SigLIP.</summary>
    public static TextTowerConfig Read(ConfigReader read) => new(read, 768, 32000, 64, 1e-6, "gelu_pytorch_tanh");

    /// <summary>Made of the vector in the last place, whether a token stands there or padding.</summary>
    /// <inheritdoc/>
    public override Tensor Pooled(Tensor hidden, Tensor ids) => _head.Forward(Ops.Select(hidden, 1, hidden.Size(1) - 1));
}

/// <summary>The images' side of SigLIP: a ViT of patches alone, which a learned query pools.</summary>
public sealed class SiglipVision : ImageEncoder
{
    private readonly Embedding _positions;
    private readonly Conv2d _patches;
    private readonly Tower _tower;
    private readonly LayerNorm _norm;
    private readonly AttentionPooling _head;

    /// <summary>Creates the tower with zeroed weights.</summary>
    public SiglipVision(ImageEncoderConfig config) : base(config)
    {
        _patches = Child("embeddings.patch_embedding", PatchProjection(config));
        _positions = Child("embeddings.position_embedding", new Embedding(config.Grid * config.Grid, config.Width));
        _tower = Inline(new Tower("encoder.layers", config.Layers, () => new PreNormLayer(config, PreNormNames.Clip)));
        _norm = Child("post_layernorm", new LayerNorm(config.Width, config.Eps));
        _head = Child("head", new AttentionPooling(config.Width, config.Heads, config.Inner, config.Activation, config.Eps));
    }

    /// <summary>The settings of SigLIP.</summary>
    public static ImageEncoderConfig Read(ConfigReader read)
    {
        read.Refuse(!read.Flag("vision_use_head", true), "vision_use_head", "it is false, and images have no vector without the head");
        return new(read, patch: 16, 1e-6, "gelu_pytorch_tanh");
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "vision_model";

    /// <inheritdoc/>
    public override Tensor Hidden(Tensor pixels, bool interpolate = false, LayerTrace? trace = null) =>
        _norm.Forward(_tower.Forward(Embed(pixels, _patches, [], _positions.Weight, interpolate), default, trace));

    /// <inheritdoc/>
    public override Tensor Pooled(Tensor hidden) => _head.Forward(hidden);

    /// <summary>The mean of the patches' vectors.</summary>
    protected internal override Tensor Features(Tensor hidden) => Ops.Mean(hidden, [1]);
}

/// <summary>SigLIP (Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training"): every pair is judged by itself.</summary>
public sealed class Siglip : ImageTextModel
{
    private readonly Tensor _logScale, _bias;

    /// <summary>Creates the model with zeroed weights.</summary>
    public Siglip(SiglipText text, SiglipVision vision)
    {
        if (text.Config.Projection != vision.Config.Width)
            throw new CratonException($"SigLIP: texts have vectors of {text.Config.Projection} values, expected as many as images have ({vision.Config.Width})");
        _logScale = Parameter("logit_scale", 1);
        _bias = Parameter("logit_bias", 1);
        Text = Child("text_model", text);
        Vision = Child("vision_model", vision);
    }

    /// <summary>The tower of texts.</summary>
    public SiglipText Text { get; }

    /// <summary>The tower of images.</summary>
    public SiglipVision Vision { get; }

    /// <inheritdoc/>
    public override int ImageSize => Vision.Config.ImageSize;

    /// <inheritdoc/>
    public override int LongestText => Text.Config.Longest;

    /// <inheritdoc/>
    public override int? FillsTextsWith => Text.Config.Fill;

    /// <summary>The model that a <c>config.json</c> describes.</summary>
    public static Siglip Create(ConfigReader read) => new(new(SiglipText.Read(read.Part("text_config"))), new(SiglipVision.Read(read.Part("vision_config"))));

    /// <inheritdoc/>
    public override Tensor ImageFeatures(Tensor pixels, bool interpolate = false) => Vision.Pooled(Vision.Hidden(pixels, interpolate));

    /// <inheritdoc/>
    public override Tensor TextFeatures(Tensor ids, Tensor? keyPadding = null) => Text.Pooled(Text.Hidden(ids, keyPadding), ids);

    /// <inheritdoc/>
    public override Tensor Logits(Tensor images, Tensor texts) => Cosines(images, texts) * Ops.Exp(_logScale) + _bias;

    /// <summary>Each text by itself: any number of them may belong to the image.</summary>
    /// <inheritdoc/>
    public override Tensor Probabilities(Tensor logits) => Ops.Sigmoid(logits);

    /// <inheritdoc/>
    public override Tensor Loss(Tensor images, Tensor texts) => Ops.SiglipLoss(images, texts, _logScale, _bias);
}
