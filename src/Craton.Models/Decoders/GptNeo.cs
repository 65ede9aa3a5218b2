using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of a <see cref="GptNeo"/>.</summary>
public sealed record GptNeoConfig : DecoderConfig
{
    [SetsRequiredMembers]
    internal GptNeoConfig(ConfigReader read) : base(read)
    {
        Activation = read.Activation("gelu_new", "activation_function");
        LayerNormEpsilon = read.Number("layer_norm_epsilon", 1e-5);
        TieWordEmbeddings = read.Flag("tie_word_embeddings", true);
        WindowSize = read.Window("window_size", 256) ?? 256;
        string[] layers = read.Texts("attention_layers") ?? Expanded(read);
        if (layers.Length != NumHiddenLayers || layers.Any(l => l is not ("global" or "local")))
            throw new CratonException($"{read.File}: attention_layers: expected global or local for each of {NumHiddenLayers} layers, got {layers.Length} entries");
        LocalLayers = [.. layers.Select(l => l == "local")];
    }

    /// <inheritdoc/>
    protected override bool IsCutIntoHeads => true;

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; }

    /// <summary>Added to the variance in the norms.</summary>
    public double LayerNormEpsilon { get; }

    /// <summary>How many tokens a local layer sees.</summary>
    public int WindowSize { get; }

    /// <summary>For every layer, whether it is local.</summary>
    public IReadOnlyList<bool> LocalLayers { get; }

    // [[["global", "local"], 12]]: kinds of layers, and how often they repeat.
    private static string[] Expanded(ConfigReader read) => [.. (read.List("attention_types", static (_, e) => e) ?? []).SelectMany(group =>
    {
        if (group.ValueKind != JsonValueKind.Array || group.GetArrayLength() != 2 || group[0].ValueKind != JsonValueKind.Array
            || group[1].ValueKind != JsonValueKind.Number || !group[1].TryGetInt32(out int times) || times is < 0 or > 1 << 10)
            throw new CratonException($"{read.File}: attention_types: expected lists of kinds of layers and how often they repeat, got {group.ValueKind}");
        return Enumerable.Repeat(group[0].EnumerateArray().Select(kind => kind.ToString()).ToArray(), times).SelectMany(kinds => kinds);
    })];
}

/// <summary>
/// GPT-Neo (Black et al. 2021): GPT-2 with separate projections, every second layer seeing a window only, and scores that are not divided.
/// </summary>
public sealed class GptNeo : CausalLanguageModel
{
    private readonly Embedding _positions;

    /// <summary>Creates the model with zeroed weights.</summary>
    public GptNeo(GptNeoConfig config) : base(config)
    {
        Tokens = Child("transformer.wte", new Embedding(config.VocabSize, config.HiddenSize));
        _positions = Child("transformer.wpe", new Embedding(config.MaxPositionEmbeddings, config.HiddenSize));
        Blocks = Children("transformer.h", config.NumHiddenLayers, i => new GptNeoBlock(config, i));
        Final = Child("transformer.ln_f", new LayerNorm(config.HiddenSize, config.LayerNormEpsilon));
        Head = NewHead();
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "transformer";

    /// <inheritdoc/>
    protected internal override Tensor Embed(Tensor ids, in DecoderPass pass) => Tokens.Forward(ids) + pass.Learned(_positions);
}

/// <summary>One block: attention and feed-forward, each behind a norm and added to the stream.</summary>
internal sealed class GptNeoBlock : DecoderBlock
{
    private readonly LayerNorm _ln1, _ln2;
    private readonly GroupedAttention _attention;
    private readonly FeedForward _mlp;

    public GptNeoBlock(GptNeoConfig config, int layer)
    {
        _ln1 = Child("ln_1", new LayerNorm(config.HiddenSize, config.LayerNormEpsilon));
        _attention = Child("attn.attention", new GroupedAttention(new AttentionShape(config.HiddenSize, config.NumAttentionHeads, config.NumAttentionHeads, config.HeadDim)
        {
            OutputBias = true,
            Output = "out_proj",
            Settings = new AttentionSettings(Scale: 1, Window: config.LocalLayers[layer] ? config.WindowSize : null),
        }, layer));
        _ln2 = Child("ln_2", new LayerNorm(config.HiddenSize, config.LayerNormEpsilon));
        _mlp = Child("mlp", new FeedForward(config.HiddenSize, config.IntermediateSize, config.Activation, bias: true, ("c_fc", "c_proj")));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        x = _attention.Forward(_ln1.Forward(x), pass, residual: x);
        return _mlp.Forward(_ln2.Forward(x), residual: x);
    }
}
