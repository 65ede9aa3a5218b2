using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of a <see cref="GptNeoX"/>.</summary>
public sealed record GptNeoXConfig : DecoderConfig
{
    [SetsRequiredMembers]
    internal GptNeoXConfig(ConfigReader read) : base(read)
    {
        Activation = read.Activation("gelu", "hidden_act");
        LayerNormEps = read.Number("layer_norm_eps", 1e-5);
        Rotary = read.Rotary(HeadDim, MaxPositionEmbeddings, share: 0.25);
        MaxPositionEmbeddings = Rotary.Reach(MaxPositionEmbeddings);
        AttentionBias = read.Flag("attention_bias", true);
        ParallelResidual = read.Flag("use_parallel_residual", true);
    }

    /// <inheritdoc/>
    protected override bool IsCutIntoHeads => true;

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; }

    /// <summary>Added to the variance in the norms.</summary>
    public double LayerNormEps { get; }

    /// <summary>Rotary positions, mostly of a quarter of each head.</summary>
    public RotarySettings Rotary { get; }

    /// <summary>Whether the attention projections have biases.</summary>
    public bool AttentionBias { get; }

    /// <summary>Whether attention and feed-forward stand side by side.</summary>
    public bool ParallelResidual { get; }
}

// B batch, T positions, H heads, D head size.

/// <summary>GPT-NeoX and Pythia (Black et al. 2022, Biderman et al. 2023): partly rotary positions, attention and feed-forward side by side behind a norm each.</summary>
public sealed class GptNeoX : CausalLanguageModel
{
    private readonly Embedding _embedIn;
    private readonly GptNeoXBlock[] _layers;
    private readonly LayerNorm _final;

    /// <summary>Creates the model with zeroed weights.</summary>
    public GptNeoX(GptNeoXConfig config) : base(config)
    {
        Rotary = new RotaryPositions(config.Rotary);
        _embedIn = Child("gpt_neox.embed_in", new Embedding(config.VocabSize, config.HiddenSize));
        _layers = Children("gpt_neox.layers", config.NumHiddenLayers, i => new GptNeoXBlock(config, Rotary, i));
        _final = Child("gpt_neox.final_layer_norm", new LayerNorm(config.HiddenSize, config.LayerNormEps));
        Head = config.TieWordEmbeddings ? new OutputHead(_embedIn) : new OutputHead(Child("embed_out", new Linear(config.HiddenSize, config.VocabSize)));
    }

    /// <inheritdoc/>
    protected internal override IReadOnlyList<DecoderBlock> Blocks => _layers;

    /// <inheritdoc/>
    protected internal override OutputHead Head { get; }

    /// <inheritdoc/>
    protected internal override string HeadName => "embed_out";

    /// <inheritdoc/>
    protected internal override string Prefix => "gpt_neox";

    /// <inheritdoc/>
    protected override RotaryPositions Rotary { get; }

    /// <inheritdoc/>
    protected internal override Tensor Embed(Tensor ids, in DecoderPass pass) => _embedIn.Forward(ids);

    /// <inheritdoc/>
    protected internal override Tensor Finish(Tensor x) => _final.Forward(x);
}

/// <summary>One block: attention and feed-forward, both of the stream before them, or one after the other.</summary>
internal sealed class GptNeoXBlock : DecoderBlock
{
    private readonly GptNeoXConfig _config;
    private readonly RotaryPositions _rotary;
    private readonly int _layer;
    private readonly LayerNorm _inputNorm, _postAttentionNorm;
    private readonly Linear _qkv, _dense;
    private readonly FeedForward _mlp;

    public GptNeoXBlock(GptNeoXConfig config, RotaryPositions rotary, int layer)
    {
        (_config, _rotary, _layer) = (config, rotary, layer);
        int width = config.HiddenSize;
        _inputNorm = Child("input_layernorm", new LayerNorm(width, config.LayerNormEps));
        _postAttentionNorm = Child("post_attention_layernorm", new LayerNorm(width, config.LayerNormEps));
        _qkv = Child("attention.query_key_value", new Linear(width, 3 * width, config.AttentionBias));
        _dense = Child("attention.dense", new Linear(width, width, config.AttentionBias));
        _mlp = Child("mlp", new FeedForward(width, config.IntermediateSize, config.Activation, bias: true, ("dense_h_to_4h", "dense_4h_to_h")));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        Tensor attended = Attend(_inputNorm.Forward(x), pass, x);
        return _mlp.Forward(_postAttentionNorm.Forward(_config.ParallelResidual ? x : attended), residual: attended);
    }

    private Tensor Attend(Tensor x, in DecoderPass pass, Tensor residual)
    {
        // Each head holds its query, key and value side by side.
        Tensor qkv = _qkv.Forward(x).View(x.Size(0), x.Size(1), _config.NumAttentionHeads, 3, _config.HeadDim);
        Tensor q = pass.Rotate(Part(qkv, 0), _rotary), k = pass.Rotate(Part(qkv, 1), _rotary);
        return _dense.Forward(pass.Attend(_layer, q, k, Part(qkv, 2), default), residual: residual);
    }

    // [B, T, H, 3, D] as [B, H, T, D]
    private static Tensor Part(Tensor qkv, int part) => Ops.Select(qkv, 3, part).Permute(0, 2, 1, 3);
}
