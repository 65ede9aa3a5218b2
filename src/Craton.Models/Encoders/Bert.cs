using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Encoders;

/// <summary>The shape of a <see cref="Bert"/>.</summary>
public sealed record BertConfig : EncoderConfig
{
    [SetsRequiredMembers]
    internal BertConfig(ConfigReader read) : base(read)
    {
        Family = read.ModelType;
        Activation = read.Activation("gelu", "hidden_act");
        LayerNormEps = read.Number("layer_norm_eps", 1e-12);
        TypeVocabSize = read.IntOr(2, "type_vocab_size");
        EmbeddingSize = Family == "electra" ? read.IntOr(HiddenSize, "embedding_size") : HiddenSize;
        SummaryActivation = Family == "electra" ? read.Activation("gelu", "summary_activation") : Activation.Gelu;
        PadTokenId ??= CountsTokens ? 1 : 0;
    }

    /// <summary>bert, roberta, xlm-roberta, camembert or electra.</summary>
    public string Family { get; }

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; init; }

    /// <summary>Added to the variance in the norms.</summary>
    public double LayerNormEps { get; init; }

    /// <summary>Number of segments that have a vector.</summary>
    public int TypeVocabSize { get; init; }

    /// <summary>Width of the tables; where it is not that of the stream, a projection follows.</summary>
    public int EmbeddingSize { get; init; }

    /// <summary>Applied to the summary of a text that may be chosen (ELECTRA).</summary>
    public Activation SummaryActivation { get; init; }

    /// <summary>Whether positions count tokens other than padding, from the padding id's number on.</summary>
    public bool CountsTokens => Family is not ("bert" or "electra");

    /// <inheritdoc/>
    public override int Longest => CountsTokens ? MaxPositionEmbeddings - PadTokenId!.Value - 1 : MaxPositionEmbeddings;

    /// <inheritdoc/>
    public override void Validate(string source)
    {
        base.Validate(source);
        Within(source, TypeVocabSize, "type_vocab_size", 1 << 12);
        Within(source, EmbeddingSize, "embedding_size", 1 << 16);
        Within(source, Longest, "max_position_embeddings less those of padding", 1 << 24);
    }
}

/// <summary>
/// BERT (Devlin et al. 2019) and the families that differ from it by settings: RoBERTa (Liu et al. 2019), XLM-R (Conneau et al. 2020) and
/// CamemBERT, whose positions count tokens and whose heads have other names; ELECTRA (Clark et al. 2020), whose tables may be narrower.
/// </summary>
public sealed class Bert : Encoder
{
    private static readonly PostNormNames s_names = new(
        "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "attention.output.LayerNorm",
        "intermediate.dense", "output.dense", "output.LayerNorm");

    private readonly BertConfig _config;
    private readonly Embedding _positions, _types;
    private readonly LayerNorm _norm;
    private readonly Linear? _project;
    private readonly PostNormBlock[] _blocks;

    /// <summary>Creates the model with zeroed weights.</summary>
    public Bert(BertConfig config) : base(config)
    {
        _config = config;
        int width = config.HiddenSize;
        int padding = config.PadTokenId!.Value;
        Tokens = Child("embeddings.word_embeddings", new Embedding(config.VocabSize, config.EmbeddingSize, padding));
        _positions = Child("embeddings.position_embeddings", new Embedding(config.MaxPositionEmbeddings, config.EmbeddingSize, config.CountsTokens ? padding : -1));
        _types = Child("embeddings.token_type_embeddings", new Embedding(config.TypeVocabSize, config.EmbeddingSize));
        _norm = Child("embeddings.LayerNorm", new LayerNorm(config.EmbeddingSize, config.LayerNormEps));
        if (config.EmbeddingSize != width) _project = Child("embeddings_project", new Linear(config.EmbeddingSize, width, bias: true));
        _blocks = Children("encoder.layer", config.NumHiddenLayers, _ => new PostNormBlock(
            width, config.NumAttentionHeads, config.IntermediateSize, config.Activation, config.LayerNormEps, s_names));
    }

    /// <inheritdoc/>
    protected internal override string Prefix => _config.Family is "bert" or "electra" ? _config.Family : "roberta";

    /// <inheritdoc/>
    protected internal override IReadOnlyList<EncoderBlock> Blocks => _blocks;

    /// <inheritdoc/>
    protected internal override Embedding Tokens { get; }

    /// <inheritdoc/>
    protected internal override string? PoolerName => _config.Family == "electra" ? null : "pooler.dense";

    /// <inheritdoc/>
    protected internal override Tensor Embed(EncoderPass pass)
    {
        Tensor positions = _config.CountsTokens ? pass.PlacesAfter(_config.PadTokenId!.Value) : pass.Places();
        Tensor x = _norm.Forward(Tokens.Forward(pass.Ids) + _types.Forward(pass.TokenTypes) + _positions.Forward(positions));
        return _project?.Forward(x) ?? x;
    }

    /// <inheritdoc/>
    protected internal override HeadShape? HeadOf(EncoderTask task) => task switch
    {
        EncoderTask.TokenClassification => new("classifier", HeadInput.Tokens),
        EncoderTask.QuestionAnswering => new("qa_outputs", HeadInput.Tokens),
        _ => _config.Family switch
        {
            "bert" => HeadOfBert(task),
            "electra" => HeadOfElectra(task),
            _ => HeadOfRoberta(task),
        },
    };

    private HeadShape? HeadOfBert(EncoderTask task) => task switch
    {
        EncoderTask.MaskedLanguage => new("cls.predictions.decoder", HeadInput.Tokens)
        {
            Dense = "cls.predictions.transform.dense",
            Activation = _config.Activation,
            Norm = "cls.predictions.transform.LayerNorm",
            NormEps = _config.LayerNormEps,
            TiedBias = "cls.predictions.bias",
        },
        EncoderTask.SentencePair => new("cls.seq_relationship", HeadInput.Pooler),
        EncoderTask.SequenceClassification or EncoderTask.MultipleChoice => new("classifier", HeadInput.Pooler),
        _ => null,
    };

    private HeadShape? HeadOfRoberta(EncoderTask task) => task switch
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
        _ => null,
    };

    private HeadShape? HeadOfElectra(EncoderTask task) => task switch
    {
        EncoderTask.MaskedLanguage => new("generator_lm_head", HeadInput.Tokens)
        {
            Dense = "generator_predictions.dense",
            DenseWidth = _config.EmbeddingSize,
            Activation = Activation.Gelu,
            Norm = "generator_predictions.LayerNorm",
            NormEps = _config.LayerNormEps,
        },
        EncoderTask.ReplacedTokens => new("discriminator_predictions.dense_prediction", HeadInput.Tokens)
        {
            Dense = "discriminator_predictions.dense",
            Activation = _config.Activation,
        },
        EncoderTask.SequenceClassification => new("classifier.out_proj", HeadInput.First) { Dense = "classifier.dense", Activation = Activation.Gelu },
        EncoderTask.MultipleChoice => new("classifier", HeadInput.First) { Dense = "sequence_summary.summary", Activation = _config.SummaryActivation },
        _ => null,
    };
}
