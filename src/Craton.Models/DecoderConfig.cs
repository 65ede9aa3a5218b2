using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>What every decoder's configuration says, under one name each; a family adds its own settings in a record of its own.</summary>
[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] // compared one by one with what a file says
public abstract record DecoderConfig
{
    private const int MostLayers = 1 << 10;

    /// <summary>For object initialisers.</summary>
    protected DecoderConfig() { }

    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    [SetsRequiredMembers]
    protected DecoderConfig(ConfigReader read)
    {
        HiddenSize = read.Int("hidden_size", "n_embd", "n_embed");
        NumHiddenLayers = read.Int("num_hidden_layers", "n_layer", "num_layers");
        NumAttentionHeads = read.Int("num_attention_heads", "n_head", "num_heads");
        Check(read.File, NumHiddenLayers, "num_hidden_layers", MostLayers); // before a family lists them
        VocabSize = read.Int("vocab_size");
        IntermediateSize = read.IntOr(0, "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size");
        if (IntermediateSize == 0) IntermediateSize = (int)Math.Min(int.MaxValue, 4L * HiddenSize);
        NumKeyValueHeads = read.IntOr(NumAttentionHeads, "num_key_value_heads");
        HeadDim = read.IntOr(HiddenSize / Math.Max(1, NumAttentionHeads), "head_dim");
        MaxPositionEmbeddings = read.IntOr(2048, "max_position_embeddings", "n_positions", "seq_length", "n_ctx");
        TieWordEmbeddings = read.Flag("tie_word_embeddings");
        InitializerRange = read.Number("initializer_range", 0.02);
        BosTokenId = read.Id("bos_token_id");
        EosTokenId = read.Id("eos_token_id");
        PadTokenId = read.Id("pad_token_id");
    }

    /// <summary>Number of token ids.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width inside the feed-forward layers.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int NumHiddenLayers { get; init; }

    /// <summary>Number of query heads.</summary>
    public required int NumAttentionHeads { get; init; }

    /// <summary>Number of key and value heads; several query heads share one (Ainslie et al. 2023).</summary>
    public required int NumKeyValueHeads { get; init; }

    /// <summary>Width of a head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Longest sequence.</summary>
    public required int MaxPositionEmbeddings { get; init; }

    /// <summary>Whether the output projection is the embedding table.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Standard deviation of initial weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Id that begins a text, or null.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Id that ends a text or a turn, or null.</summary>
    public int? EosTokenId { get; init; }

    /// <summary>Id that fills free places of a batch, or null.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Whether the stream is as wide as its heads together, and queries, keys and values have the same heads.</summary>
    protected virtual bool IsCutIntoHeads => false;

    /// <summary>The content of <c>config.json</c> for a model that was made here.</summary>
    /// <exception cref="CratonException">Such models are read, not made here.</exception>
    public virtual JsonObject ToJson() =>
        throw new CratonException($"a {GetType().Name} cannot be written: such models are opened from a directory, which brings its own config.json");

    /// <summary>Refuses sizes that cannot be computed with, before memory is asked for.</summary>
    public virtual void Validate(string source)
    {
        Positive(VocabSize, "vocab_size", 1 << 24);
        Positive(HiddenSize, "hidden_size", 1 << 17);
        Positive(IntermediateSize, "intermediate_size", 1 << 20);
        Positive(NumHiddenLayers, "num_hidden_layers", MostLayers);
        Positive(NumAttentionHeads, "num_attention_heads", 1 << 12);
        Positive(NumKeyValueHeads, "num_key_value_heads", 1 << 12);
        Positive(HeadDim, "head_dim", 1 << 12);
        Positive(MaxPositionEmbeddings, "max_position_embeddings", 1 << 24);
        if (NumAttentionHeads % NumKeyValueHeads != 0)
            throw new CratonException($"{source}: num_attention_heads is {NumAttentionHeads}, expected a multiple of num_key_value_heads ({NumKeyValueHeads})");
        if (IsCutIntoHeads && (NumKeyValueHeads != NumAttentionHeads || (long)HeadDim * NumAttentionHeads != HiddenSize))
            throw new CratonException($"{source}: hidden_size is {HiddenSize}, expected {NumAttentionHeads} heads of {HeadDim} values for queries, keys and values alike");

        void Positive(int value, string name, int most) => Check(source, value, name, most);
    }

    private static void Check(string source, int value, string name, int most)
    {
        if (value < 1 || value > most) throw new CratonException($"{source}: {name} is {value}, expected 1 to {most}");
    }
}
