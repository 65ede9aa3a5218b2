using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Encoders;

/// <summary>The shape of an <see cref="Albert"/>.</summary>
public sealed record AlbertConfig : EncoderConfig
{
    [SetsRequiredMembers]
    internal AlbertConfig(ConfigReader read) : base(read)
    {
        Activation = read.Activation("gelu_new", "hidden_act");
        LayerNormEps = read.Number("layer_norm_eps", 1e-12);
        TypeVocabSize = read.IntOr(2, "type_vocab_size");
        EmbeddingSize = read.IntOr(128, "embedding_size");
        NumHiddenGroups = read.IntOr(1, "num_hidden_groups");
        InnerGroupNum = read.IntOr(1, "inner_group_num");
    }

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; init; }

    /// <summary>Added to the variance in the norms.</summary>
    public double LayerNormEps { get; init; }

    /// <summary>Number of segments that have a vector.</summary>
    public int TypeVocabSize { get; init; }

    /// <summary>Width of the tables; a projection follows them.</summary>
    public int EmbeddingSize { get; init; }

    /// <summary>Number of sets of weights that the layers share.</summary>
    public int NumHiddenGroups { get; init; }

    /// <summary>Number of layers within a set.</summary>
    public int InnerGroupNum { get; init; }

    /// <inheritdoc/>
    public override void Validate(string source)
    {
        base.Validate(source);
        Within(source, TypeVocabSize, "type_vocab_size", 1 << 12);
        Within(source, EmbeddingSize, "embedding_size", 1 << 16);
        Within(source, NumHiddenGroups, "num_hidden_groups", NumHiddenLayers);
        Within(source, InnerGroupNum, "inner_group_num", 1 << 8);
    }
}

/// <summary>ALBERT (Lan et al. 2020): layers share their weights, and the tables are narrower than the stream.</summary>
public sealed class Albert : Encoder
{
    private static readonly PostNormNames s_names = new(
        "attention.query", "attention.key", "attention.value", "attention.dense", "attention.LayerNorm", "ffn", "ffn_output", "full_layer_layer_norm");

    private readonly AlbertConfig _config;
    private readonly Embedding _positions, _types;
    private readonly LayerNorm _norm;
    private readonly Linear _project;

    /// <summary>Creates the model with zeroed weights.</summary>
    public Albert(AlbertConfig config) : base(config)
    {
        _config = config;
        int width = config.HiddenSize, groups = config.NumHiddenGroups;
        Tokens = Child("embeddings.word_embeddings", new Embedding(config.VocabSize, config.EmbeddingSize, config.PadTokenId ?? -1));
        _positions = Child("embeddings.position_embeddings", new Embedding(config.MaxPositionEmbeddings, config.EmbeddingSize));
        _types = Child("embeddings.token_type_embeddings", new Embedding(config.TypeVocabSize, config.EmbeddingSize));
        _norm = Child("embeddings.LayerNorm", new LayerNorm(config.EmbeddingSize, config.LayerNormEps));
        _project = Child("encoder.embedding_hidden_mapping_in", new Linear(config.EmbeddingSize, width, bias: true));
        PostNormBlock[][] sets = [.. Enumerable.Range(0, groups).Select(i => Children(
            $"encoder.albert_layer_groups.{i}.albert_layers", config.InnerGroupNum, _ => new PostNormBlock(
                width, config.NumAttentionHeads, config.IntermediateSize, config.Activation, config.LayerNormEps, s_names)))];
        // Layer i of n takes set ⌊i · sets / n⌋, all of it.
        Blocks = [.. Enumerable.Range(0, config.NumHiddenLayers).SelectMany(layer => sets[(int)((long)layer * groups / config.NumHiddenLayers)])];
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "albert";

    /// <inheritdoc/>
    protected internal override IReadOnlyList<EncoderBlock> Blocks { get; }

    /// <inheritdoc/>
    protected internal override Embedding Tokens { get; }

    /// <inheritdoc/>
    protected internal override string? PoolerName => "pooler";

    /// <inheritdoc/>
    protected internal override Tensor Embed(EncoderPass pass) => _project.Forward(
        _norm.Forward(Tokens.Forward(pass.Ids) + _types.Forward(pass.TokenTypes) + _positions.Forward(pass.Places())));

    /// <inheritdoc/>
    protected internal override HeadShape? HeadOf(EncoderTask task) => task switch
    {
        EncoderTask.MaskedLanguage => new("predictions.decoder", HeadInput.Tokens)
        {
            Dense = "predictions.dense",
            DenseWidth = _config.EmbeddingSize,
            Activation = _config.Activation,
            Norm = "predictions.LayerNorm",
            NormEps = _config.LayerNormEps,
            TiedBias = "predictions.bias",
        },
        EncoderTask.SentencePair => new("sop_classifier.classifier", HeadInput.Pooler),
        EncoderTask.SequenceClassification or EncoderTask.MultipleChoice => new("classifier", HeadInput.Pooler),
        EncoderTask.TokenClassification => new("classifier", HeadInput.Tokens),
        EncoderTask.QuestionAnswering => new("qa_outputs", HeadInput.Tokens),
        _ => null,
    };
}
