using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Encoders;

/// <summary>The shape of a <see cref="DistilBert"/>.</summary>
public sealed record DistilBertConfig : EncoderConfig
{
    [SetsRequiredMembers]
    internal DistilBertConfig(ConfigReader read) : base(read) => Activation = read.Activation("gelu", "activation");

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; init; }
}

/// <summary>DistilBERT (Sanh et al. 2019): BERT with half the layers, without segments and without a pooler.</summary>
public sealed class DistilBert : Encoder
{
    private const double Eps = 1e-12;

    private static readonly PostNormNames s_names = new(
        "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm");

    private readonly DistilBertConfig _config;
    private readonly Embedding _positions;
    private readonly LayerNorm _norm;
    private readonly PostNormBlock[] _blocks;

    /// <summary>Creates the model with zeroed weights.</summary>
    public DistilBert(DistilBertConfig config) : base(config)
    {
        _config = config;
        Tokens = Child("embeddings.word_embeddings", new Embedding(config.VocabSize, config.HiddenSize, config.PadTokenId ?? -1));
        _positions = Child("embeddings.position_embeddings", new Embedding(config.MaxPositionEmbeddings, config.HiddenSize));
        _norm = Child("embeddings.LayerNorm", new LayerNorm(config.HiddenSize, Eps));
        _blocks = Children("transformer.layer", config.NumHiddenLayers, _ => new PostNormBlock(
            config.HiddenSize, config.NumAttentionHeads, config.IntermediateSize, config.Activation, Eps, s_names));
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "distilbert";

    /// <inheritdoc/>
    protected internal override IReadOnlyList<EncoderBlock> Blocks => _blocks;

    /// <inheritdoc/>
    protected internal override Embedding Tokens { get; }

    /// <inheritdoc/>
    protected internal override Tensor Embed(EncoderPass pass) => _norm.Forward(Tokens.Forward(pass.Ids) + _positions.Forward(pass.Places()));

    /// <inheritdoc/>
    protected internal override HeadShape? HeadOf(EncoderTask task) => task switch
    {
        EncoderTask.MaskedLanguage => new("vocab_projector", HeadInput.Tokens)
        {
            Dense = "vocab_transform",
            Activation = _config.Activation,
            Norm = "vocab_layer_norm",
            NormEps = Eps,
        },
        EncoderTask.SequenceClassification or EncoderTask.MultipleChoice => new("classifier", HeadInput.First) { Dense = "pre_classifier", Activation = Activation.Relu },
        EncoderTask.TokenClassification => new("classifier", HeadInput.Tokens),
        EncoderTask.QuestionAnswering => new("qa_outputs", HeadInput.Tokens),
        _ => null,
    };
}
