using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of a <see cref="Falcon"/>.</summary>
public sealed record FalconConfig : DecoderConfig
{
    [SetsRequiredMembers]
    internal FalconConfig(ConfigReader read) : base(read)
    {
        bool grouped = read.Flag("new_decoder_architecture"), multiQuery = read.Flag("multi_query", true);
        Activation = read.Activation("gelu", "activation");
        LayerNormEpsilon = read.Number("layer_norm_epsilon", 1e-5);
        TieWordEmbeddings = read.Flag("tie_word_embeddings", true);
        NumKeyValueHeads = grouped ? read.IntOr(NumAttentionHeads, "num_kv_heads", "n_head_kv") : multiQuery ? 1 : NumAttentionHeads;
        Bias = read.Flag("bias");
        Alibi = read.Flag("alibi");
        Parallel = read.Flag("parallel_attn", true);
        int norms = read.IntOr(grouped ? 2 : 1, "num_ln_in_parallel_attn");
        TwoNorms = Parallel && norms == 2;
        read.Refuse(grouped && !Parallel, "new_decoder_architecture", "it comes with parallel_attn only");
        read.Refuse(TwoNorms && !grouped, "num_ln_in_parallel_attn", "it is 2 with new_decoder_architecture only");
        if (Alibi) return;
        Rotary = read.Rotary(HeadDim, MaxPositionEmbeddings);
        MaxPositionEmbeddings = Rotary.Reach(MaxPositionEmbeddings);
    }

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; }

    /// <summary>Added to the variance in the norms.</summary>
    public double LayerNormEpsilon { get; }

    /// <summary>Whether projections have biases.</summary>
    public bool Bias { get; }

    /// <summary>Whether linear biases stand in place of rotary positions.</summary>
    public bool Alibi { get; }

    /// <summary>Whether attention and feed-forward stand side by side.</summary>
    public bool Parallel { get; }

    /// <summary>Whether they then have a norm each.</summary>
    public bool TwoNorms { get; }

    /// <summary>Rotary positions, or null.</summary>
    public RotarySettings? Rotary { get; }
}

// B batch, T positions, H query heads, G key/value heads, D head size.

/// <summary>Falcon (Almazrouei et al. 2023): one or few key/value heads, attention and feed-forward mostly side by side, rotary positions or linear biases.</summary>
public sealed class Falcon : CausalLanguageModel
{
    /// <summary>Creates the model with zeroed weights.</summary>
    public Falcon(FalconConfig config) : base(config)
    {
        Rotary = config.Rotary is { } rotary ? new RotaryPositions(rotary) : null;
        // The biases are divided by √D with the scores.
        AlibiSlopes? slopes = config.Alibi ? new AlibiSlopes(config.NumAttentionHeads, 1 / Math.Sqrt(config.HeadDim)) : null;
        Tokens = Child("transformer.word_embeddings", new Embedding(config.VocabSize, config.HiddenSize));
        Blocks = Children("transformer.h", config.NumHiddenLayers, i => new FalconBlock(config, Rotary, slopes, i));
        Final = Child("transformer.ln_f", new LayerNorm(config.HiddenSize, config.LayerNormEpsilon));
        Head = NewHead();
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "transformer";
}

/// <summary>One block: attention and feed-forward side by side, behind one norm or one each, or one after the other.</summary>
internal sealed class FalconBlock : DecoderBlock
{
    private readonly FalconConfig _config;
    private readonly RotaryPositions? _rotary;
    private readonly int _layer;
    private readonly AttentionSettings _settings;
    private readonly LayerNorm _attentionNorm, _mlpNorm;
    private readonly Linear _qkv, _dense;
    private readonly FeedForward _mlp;

    public FalconBlock(FalconConfig config, RotaryPositions? rotary, AlibiSlopes? slopes, int layer)
    {
        (_config, _rotary, _layer) = (config, rotary, layer);
        int width = config.HiddenSize, heads = config.NumAttentionHeads * config.HeadDim;
        _settings = new AttentionSettings(AlibiSlopes: slopes?.Values);
        _attentionNorm = Child(config.TwoNorms ? "ln_attn" : "input_layernorm", Norm());
        _mlpNorm = config.TwoNorms ? Child("ln_mlp", Norm()) : config.Parallel ? _attentionNorm : Child("post_attention_layernorm", Norm());
        _qkv = Child("self_attention.query_key_value", new Linear(width, heads + 2 * config.NumKeyValueHeads * config.HeadDim, config.Bias));
        _dense = Child("self_attention.dense", new Linear(heads, width, config.Bias));
        _mlp = Child("mlp", new FeedForward(width, config.IntermediateSize, config.Activation, config.Bias, ("dense_h_to_4h", "dense_4h_to_h")));

        LayerNorm Norm() => new(width, config.LayerNormEpsilon);
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        Tensor normed = _attentionNorm.Forward(x), attended = Attend(normed, pass, x);
        return _mlp.Forward(_config.TwoNorms ? _mlpNorm.Forward(x) : _config.Parallel ? normed : _mlpNorm.Forward(attended), residual: attended);
    }

    private Tensor Attend(Tensor x, in DecoderPass pass, Tensor residual)
    {
        // Behind each group of query heads stand their key and their value.
        int groups = _config.NumKeyValueHeads, size = _config.NumAttentionHeads / groups;
        Tensor qkv = _qkv.Forward(x).View(x.Size(0), x.Size(1), groups, size + 2, _config.HeadDim);
        Tensor q = Heads(Ops.Slice(qkv, 3, 0, size)), k = Heads(Ops.Slice(qkv, 3, size, size + 1)), v = Heads(Ops.Slice(qkv, 3, size + 1));
        if (_rotary is not null) (q, k) = (pass.Rotate(q, _rotary), pass.Rotate(k, _rotary));
        return _dense.Forward(pass.Attend(_layer, q, k, v, _settings), residual: residual);
    }

    // [B, T, G, n, D] as [B, G·n, T, D]
    private static Tensor Heads(Tensor x) => x.View(x.Size(0), x.Size(1), x.Size(2) * x.Size(3), x.Size(4)).Permute(0, 2, 1, 3);
}
