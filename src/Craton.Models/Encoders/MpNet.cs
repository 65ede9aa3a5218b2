using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Encoders;

/// <summary>The shape of an <see cref="MpNet"/>.</summary>
public sealed record MpNetConfig : EncoderConfig
{
    [SetsRequiredMembers]
    internal MpNetConfig(ConfigReader read) : base(read)
    {
        Activation = read.Activation("gelu", "hidden_act");
        LayerNormEps = read.Number("layer_norm_eps", 1e-12);
        RelativeAttentionNumBuckets = read.IntOr(32, "relative_attention_num_buckets");
    }

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; init; }

    /// <summary>Added to the variance in the norms.</summary>
    public double LayerNormEps { get; init; }

    /// <summary>Numbers of distances that have a bias.</summary>
    public int RelativeAttentionNumBuckets { get; init; }

    /// <inheritdoc/>
    public override int Longest => MaxPositionEmbeddings - MpNet.Padding - 1;

    /// <inheritdoc/>
    public override void Validate(string source)
    {
        base.Validate(source);
        Within(source, RelativeAttentionNumBuckets / 4, "relative_attention_num_buckets, by fours", 1 << 10);
        Within(source, Longest, "max_position_embeddings less those of padding", 1 << 24);
    }
}

/// <summary>MPNet (Song et al. 2020): BERT with a bias of the distance in every layer, one table for all, besides positions that count tokens.</summary>
public sealed class MpNet : Encoder
{
    // Positions are counted from this id, whatever the configuration says.
    internal const int Padding = 1;

    private const int GreatestDistance = 128;

    private static readonly PostNormNames s_names = new(
        "attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o", "attention.LayerNorm",
        "intermediate.dense", "output.dense", "output.LayerNorm");

    private readonly MpNetConfig _config;
    private readonly Embedding _positions;
    private readonly LayerNorm _norm;
    private readonly RelativeBias _bias;
    private readonly PostNormBlock[] _blocks;

    /// <summary>Creates the model with zeroed weights.</summary>
    public MpNet(MpNetConfig config) : base(config)
    {
        _config = config;
        int width = config.HiddenSize;
        Tokens = Child("embeddings.word_embeddings", new Embedding(config.VocabSize, width, Padding));
        _positions = Child("embeddings.position_embeddings", new Embedding(config.MaxPositionEmbeddings, width, Padding));
        _norm = Child("embeddings.LayerNorm", new LayerNorm(width, config.LayerNormEps));
        _blocks = Children("encoder.layer", config.NumHiddenLayers, _ => new PostNormBlock(
            width, config.NumAttentionHeads, config.IntermediateSize, config.Activation, config.LayerNormEps, s_names));
        _bias = Child("encoder.relative_attention_bias", new RelativeBias(config.RelativeAttentionNumBuckets, config.NumAttentionHeads, GreatestDistance, bidirectional: true));
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "mpnet";

    /// <inheritdoc/>
    protected internal override IReadOnlyList<EncoderBlock> Blocks => _blocks;

    /// <inheritdoc/>
    protected internal override Embedding Tokens { get; }

    /// <inheritdoc/>
    protected internal override string? PoolerName => "pooler.dense";

    /// <inheritdoc/>
    protected internal override EncoderPass Begin(in EncoderInput input) => new(input, _bias.Forward(input.Longest, input.Longest));

    /// <inheritdoc/>
    protected internal override Tensor Embed(EncoderPass pass) =>
        _norm.Forward(Tokens.Forward(pass.Ids) + _positions.Forward(pass.PlacesAfter(Padding)));

    /// <inheritdoc/>
    protected internal override HeadShape? HeadOf(EncoderTask task) => task switch
    {
        EncoderTask.MaskedLanguage => new("lm_head.decoder", HeadInput.Tokens)
        {
            Dense = "lm_head.dense",
            Activation = Activation.Gelu,
            Norm = "lm_head.layer_norm",
            NormEps = _config.LayerNormEps,
            TiedBias = "lm_head.bias",
        },
        EncoderTask.SequenceClassification => new("classifier.out_proj", HeadInput.First) { Dense = "classifier.dense", Activation = Activation.Tanh },
        EncoderTask.MultipleChoice => new("classifier", HeadInput.Pooler),
        EncoderTask.TokenClassification => new("classifier", HeadInput.Tokens),
        EncoderTask.QuestionAnswering => new("qa_outputs", HeadInput.Tokens),
        _ => null,
    };
}
