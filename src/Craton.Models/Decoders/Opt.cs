using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of an <see cref="Opt"/>.</summary>
public sealed record OptConfig : DecoderConfig
{
    [SetsRequiredMembers]
    internal OptConfig(ConfigReader read) : base(read)
    {
        Activation = read.Activation("relu", "activation_function");
        TieWordEmbeddings = read.Flag("tie_word_embeddings", true);
        InitializerRange = read.Number("init_std", 0.02);
        EmbeddingSize = read.IntOr(HiddenSize, "word_embed_proj_dim");
        NormBefore = read.Flag("do_layer_norm_before", true);
        FinalNorm = NormBefore && !read.Flag("_remove_final_layer_norm");
        AffineNorms = read.Flag("layer_norm_elementwise_affine", true);
        Bias = read.Flag("enable_bias", true);
    }

    /// <inheritdoc/>
    protected override bool IsCutIntoHeads => true;

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; }

    /// <summary>Width of the embeddings; where it is not that of the stream, a projection leads in and one out.</summary>
    public int EmbeddingSize { get; }

    /// <summary>Whether norms stand before the parts, not after the sums.</summary>
    public bool NormBefore { get; }

    /// <summary>Whether a norm follows the last block.</summary>
    public bool FinalNorm { get; }

    /// <summary>Whether norms have weights and biases.</summary>
    public bool AffineNorms { get; }

    /// <summary>Whether projections have biases.</summary>
    public bool Bias { get; }

    /// <inheritdoc/>
    public override void Validate(string source)
    {
        base.Validate(source);
        if (EmbeddingSize is < 1 or > 1 << 17) throw new CratonException($"{source}: word_embed_proj_dim is {EmbeddingSize}, expected 1 to {1 << 17}");
    }
}

/// <summary>OPT (Zhang et al. 2022): learned positions, norms before or after the parts, ReLU.</summary>
public sealed class Opt : CausalLanguageModel
{
    private const int PositionShift = 2; // the first two rows of the table are of no position

    private readonly Embedding _embedPositions;
    private readonly Linear? _projectIn, _projectOut;

    /// <summary>Creates the model with zeroed weights.</summary>
    public Opt(OptConfig config) : base(config)
    {
        int width = config.HiddenSize, narrow = config.EmbeddingSize;
        Tokens = Child("model.decoder.embed_tokens", new Embedding(config.VocabSize, narrow));
        _embedPositions = Child("model.decoder.embed_positions", new Embedding(config.MaxPositionEmbeddings + PositionShift, width));
        if (narrow != width)
        {
            _projectIn = Child("model.decoder.project_in", new Linear(narrow, width));
            _projectOut = Child("model.decoder.project_out", new Linear(width, narrow));
        }
        Blocks = Children("model.decoder.layers", config.NumHiddenLayers, i => new OptBlock(config, i));
        if (config.FinalNorm) Final = Child("model.decoder.final_layer_norm", new LayerNorm(width, affine: config.AffineNorms));
        Head = NewHead();
    }

    /// <inheritdoc/>
    protected internal override Tensor Embed(Tensor ids, in DecoderPass pass)
    {
        Tensor x = Tokens.Forward(ids);
        return (_projectIn?.Forward(x) ?? x) + pass.Learned(_embedPositions, PositionShift);
    }

    /// <inheritdoc/>
    protected internal override Tensor Finish(Tensor x)
    {
        x = base.Finish(x);
        return _projectOut?.Forward(x) ?? x;
    }
}

/// <summary>One block: attention and feed-forward added to the stream, with norms before them or behind the sums.</summary>
internal sealed class OptBlock : DecoderBlock
{
    private readonly OptConfig _config;
    private readonly GroupedAttention _attention;
    private readonly LayerNorm _attentionNorm, _finalNorm;
    private readonly Linear _fc1, _fc2;

    public OptBlock(OptConfig config, int layer)
    {
        _config = config;
        int width = config.HiddenSize;
        _attention = Child("self_attn", new GroupedAttention(new AttentionShape(width, config.NumAttentionHeads, config.NumAttentionHeads, config.HeadDim)
        {
            Bias = config.Bias,
            OutputBias = config.Bias,
            Output = "out_proj",
        }, layer));
        _attentionNorm = Child("self_attn_layer_norm", new LayerNorm(width, affine: config.AffineNorms));
        _fc1 = Child("fc1", new Linear(width, config.IntermediateSize, config.Bias));
        _fc2 = Child("fc2", new Linear(config.IntermediateSize, width, config.Bias));
        _finalNorm = Child("final_layer_norm", new LayerNorm(width, affine: config.AffineNorms));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        if (_config.NormBefore)
        {
            x = _attention.Forward(_attentionNorm.Forward(x), pass, residual: x);
            return FeedForward(_finalNorm.Forward(x), residual: x);
        }
        x = _attentionNorm.Forward(_attention.Forward(x, pass, residual: x));
        return _finalNorm.Forward(FeedForward(x, residual: x));
    }

    private Tensor FeedForward(Tensor x, Tensor residual) => _fc2.Forward(_fc1.Forward(x), _config.Activation, residual);
}
