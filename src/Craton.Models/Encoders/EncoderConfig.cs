using System.Diagnostics.CodeAnalysis;
using Craton.Tensors;

namespace Craton.Models.Encoders;

/// <summary>What every encoder's configuration says, under one name each; a family adds its own settings in a record of its own.</summary>
public abstract record EncoderConfig
{
    private const int MostLabels = 1 << 12;

    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    [SetsRequiredMembers]
    protected EncoderConfig(ConfigReader read)
    {
        read.Refuse(read.Flag("is_decoder"), "is_decoder", "an encoder sees the whole text");
        read.Refuse(read.Flag("add_cross_attention"), "add_cross_attention", "there is no second encoder");
        string positions = read.TextOr("absolute", "position_embedding_type");
        read.Refuse(positions != "absolute", "position_embedding_type", $"it is '{positions}', only 'absolute' is known");
        VocabSize = read.Int("vocab_size");
        HiddenSize = read.Int("hidden_size", "dim", "d_model");
        NumHiddenLayers = read.Int("encoder_layers", "num_hidden_layers", "n_layers", "num_layers");
        NumAttentionHeads = read.Int("encoder_attention_heads", "num_attention_heads", "n_heads", "num_heads");
        Within(read.File, NumHiddenLayers, "num_hidden_layers", 1 << 10); // some settings are lists of one entry for each
        IntermediateSize = read.IntOr((int)Math.Min(int.MaxValue, 4L * HiddenSize), "encoder_ffn_dim", "intermediate_size", "hidden_dim", "d_ff");
        MaxPositionEmbeddings = read.IntOr(512, "max_position_embeddings");
        PadTokenId = read.Id("pad_token_id");
        TieWordEmbeddings = read.Flag("tie_word_embeddings", true);
        InitializerRange = read.Number("initializer_range", 0.02);
        Labels = LabelsOf(read);
        Problem = ProblemOf(read);
    }

    /// <summary>Number of token ids.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width inside the feed-forward layers.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of layers.</summary>
    public required int NumHiddenLayers { get; init; }

    /// <summary>Number of heads.</summary>
    public required int NumAttentionHeads { get; init; }

    /// <summary>Rows of the table of positions; for families without one the longest text.</summary>
    public required int MaxPositionEmbeddings { get; init; }

    /// <summary>Most tokens of a text.</summary>
    public virtual int Longest => MaxPositionEmbeddings;

    /// <summary>Whether the scores of tokens are made with the embedding table.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Standard deviation of initial weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Id that fills free places of a batch, or null.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Names of the classes that a classifier tells apart, in their order.</summary>
    public IReadOnlyList<string> Labels { get; init; } = ["LABEL_0", "LABEL_1"];

    /// <summary>What a classifier's scores mean.</summary>
    public ProblemType Problem { get; init; }

    /// <summary>Refuses sizes that cannot be computed with, before memory is asked for.</summary>
    public virtual void Validate(string source)
    {
        Within(source, VocabSize, "vocab_size", 1 << 24);
        Within(source, HiddenSize, "hidden_size", 1 << 16);
        Within(source, IntermediateSize, "intermediate_size", 1 << 18);
        Within(source, NumHiddenLayers, "num_hidden_layers", 1 << 10);
        Within(source, NumAttentionHeads, "num_attention_heads", 1 << 12);
        Within(source, MaxPositionEmbeddings, "max_position_embeddings", 1 << 24);
        if (HiddenSize % NumAttentionHeads != 0)
            throw new CratonException($"{source}: hidden_size is {HiddenSize}, expected a multiple of num_attention_heads ({NumAttentionHeads})");
        if (PadTokenId >= VocabSize) throw new CratonException($"{source}: pad_token_id is {PadTokenId}, expected less than vocab_size ({VocabSize})");
    }

    /// <summary>The names of the classes, or numbered ones.</summary>
    internal static IReadOnlyList<string> LabelsOf(ConfigReader read) => read.Object("id2label")?.Labels(MostLabels)
        ?? [.. Enumerable.Range(0, Math.Clamp(read.IntOr(2, "num_labels"), 1, MostLabels)).Select(i => $"LABEL_{i}")];

    /// <summary>What <c>problem_type</c> says.</summary>
    internal static ProblemType ProblemOf(ConfigReader read) => read.TextOr("", "problem_type") switch
    {
        "" => ProblemType.ByLabels,
        "regression" => ProblemType.Regression,
        "single_label_classification" => ProblemType.OneOf,
        "multi_label_classification" => ProblemType.AnyOf,
        var other => throw new CratonException($"{read.File}: problem_type is '{other}', expected regression, single_label_classification or multi_label_classification"),
    };

    /// <summary>Refuses a size of less than 1 or more than the most.</summary>
    protected internal static void Within(string source, int value, string name, int most)
    {
        if (value < 1 || value > most) throw new CratonException($"{source}: {name} is {value}, expected 1 to {most}");
    }
}

/// <summary>What a classifier's scores mean, and so which loss it is trained with.</summary>
public enum ProblemType
{
    /// <summary>A number where there is one label, else one class where labels are integers, else any classes.</summary>
    ByLabels,
    /// <summary>Numbers: squared differences.</summary>
    Regression,
    /// <summary>One class: cross-entropy.</summary>
    OneOf,
    /// <summary>Any classes, each by itself: binary cross-entropy.</summary>
    AnyOf,
}
