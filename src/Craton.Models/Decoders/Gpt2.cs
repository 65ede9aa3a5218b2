using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of a <see cref="Gpt2"/>.</summary>
public sealed record Gpt2Config : DecoderConfig
{
    /// <summary>A plain one with the exact GELU.</summary>
    /// <param name="vocabSize">Number of token ids.</param>
    /// <param name="context">Longest sequence.</param>
    /// <param name="width">Width.</param>
    /// <param name="layers">Number of blocks.</param>
    /// <param name="heads">Number of heads.</param>
    [SetsRequiredMembers]
    public Gpt2Config(int vocabSize, int context, int width, int layers, int heads)
    {
        (VocabSize, MaxPositionEmbeddings, HiddenSize, IntermediateSize) = (vocabSize, context, width, 4 * width);
        (NumHiddenLayers, NumAttentionHeads, NumKeyValueHeads, HeadDim) = (layers, heads, heads, width / heads);
    }

    [SetsRequiredMembers]
    internal Gpt2Config(ConfigReader read) : base(read)
    {
        Activation = read.Activation("gelu_new", "activation_function");
        LayerNormEpsilon = read.Number("layer_norm_epsilon", 1e-5);
        TieWordEmbeddings = read.Flag("tie_word_embeddings", true);
        ScaleAttention = read.Flag("scale_attn_weights", true);
        ScaleByLayer = read.Flag("scale_attn_by_inverse_layer_idx");
    }

    /// <inheritdoc/>
    protected override bool IsCutIntoHeads => true;

    /// <summary>GPT-2 small: 124 million parameters.</summary>
    public static Gpt2Config Small124M { get; } = new(50257, 1024, 768, 12, 12);

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>Added to the variance in the norms.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether scores are divided by √D.</summary>
    public bool ScaleAttention { get; init; } = true;

    /// <summary>Whether scores are divided by the number of the layer too, counted from 1.</summary>
    public bool ScaleByLayer { get; init; }

    /// <summary>The factor of the scores in a layer, counted from 0.</summary>
    internal double ScaleOf(int layer) => (ScaleAttention ? 1 / Math.Sqrt(HeadDim) : 1) / (ScaleByLayer ? layer + 1 : 1);
}

// B batch, T positions, C width, H heads, D head size, V vocabulary.

/// <summary>
/// GPT-2 (Radford et al. 2019): learned positions, LayerNorm before each part, biases, GELU, mostly the embedding table as output projection.
/// It is the model that training speeds are compared on.
/// </summary>
public sealed class Gpt2 : CausalLanguageModel
{
    private static readonly string[] Transposed = [".c_attn.weight", ".q_attn.weight", ".c_proj.weight", ".c_fc.weight"];

    private readonly Embedding _positions;

    /// <summary>Creates the model with zeroed weights: call <see cref="Initialize"/>, or load a checkpoint.</summary>
    public Gpt2(Gpt2Config config) : base(config)
    {
        Tokens = Child("transformer.wte", new Embedding(config.VocabSize, config.HiddenSize));
        _positions = Child("transformer.wpe", new Embedding(config.MaxPositionEmbeddings, config.HiddenSize));
        Blocks = Children("transformer.h", config.NumHiddenLayers, i => new Gpt2Block(config, i));
        Final = Child("transformer.ln_f", new LayerNorm(config.HiddenSize, config.LayerNormEpsilon));
        Head = NewHead();
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "transformer";

    /// <summary>Normal weights of standard deviation 0.02, smaller by √(2·layers) where they write into the residual stream.</summary>
    public Gpt2 Initialize(ulong seed)
    {
        InitializeWeights(seed, name => name.EndsWith("c_proj.weight", StringComparison.Ordinal));
        return this;
    }

    /// <inheritdoc/>
    protected internal override Tensor Embed(Tensor ids, in DecoderPass pass) => Tokens.Forward(ids) + pass.Learned(_positions);

    /// <inheritdoc/>
    protected internal override bool IsStoredTransposed(string name) => IsTransposed(name);

    /// <summary>Whether files hold a layer of GPT-2 as [inputs, outputs], as they do all of its linear ones.</summary>
    internal static bool IsTransposed(string name) => Array.Exists(Transposed, end => name.EndsWith(end, StringComparison.Ordinal));
}

/// <summary>One block: attention and feed-forward, each behind a norm and added to the stream.</summary>
internal sealed class Gpt2Block : DecoderBlock
{
    private readonly int _layer;
    private readonly AttentionSettings _settings;
    private readonly LayerNorm _ln1, _ln2;
    private readonly FusedAttention _attention;
    private readonly FeedForward _mlp;

    public Gpt2Block(Gpt2Config config, int layer)
    {
        int width = config.HiddenSize;
        _layer = layer;
        _settings = new AttentionSettings(Scale: config.ScaleOf(layer));
        _ln1 = Child("ln_1", new LayerNorm(width, config.LayerNormEpsilon));
        _attention = Child("attn", new FusedAttention(width, config.NumAttentionHeads, ("c_attn", "c_proj")));
        _ln2 = Child("ln_2", new LayerNorm(width, config.LayerNormEpsilon));
        _mlp = Child("mlp", new FeedForward(width, config.IntermediateSize, config.Activation, bias: true, ("c_fc", "c_proj")));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        (Tensor q, Tensor k, Tensor v) = _attention.Project(_ln1.Forward(x));
        x = _attention.Output(pass.Attend(_layer, q, k, v, _settings), residual: x);
        return _mlp.Forward(_ln2.Forward(x), residual: x);
    }
}
