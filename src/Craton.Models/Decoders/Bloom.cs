using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of a <see cref="Bloom"/>.</summary>
public sealed record BloomConfig : DecoderConfig
{
    [SetsRequiredMembers]
    internal BloomConfig(ConfigReader read) : base(read)
    {
        LayerNormEpsilon = read.Number("layer_norm_epsilon", 1e-5);
        TieWordEmbeddings = read.Flag("tie_word_embeddings", true);
        ResidualFromNorm = read.Flag("apply_residual_connection_post_layernorm");
    }

    /// <inheritdoc/>
    protected override bool IsCutIntoHeads => true;

    /// <summary>Added to the variance in the norms.</summary>
    public double LayerNormEpsilon { get; }

    /// <summary>Whether the parts are added to the normed stream, not to the stream.</summary>
    public bool ResidualFromNorm { get; }
}

// B batch, T positions, H heads, D head size.

/// <summary>BLOOM (Le Scao et al. 2022): linear biases in place of positions (Press et al. 2022), a norm behind the embeddings.</summary>
public sealed class Bloom : CausalLanguageModel
{
    private readonly LayerNorm _embeddingNorm;

    /// <summary>Creates the model with zeroed weights.</summary>
    public Bloom(BloomConfig config) : base(config)
    {
        AlibiSlopes slopes = new(config.NumAttentionHeads);
        Tokens = Child("transformer.word_embeddings", new Embedding(config.VocabSize, config.HiddenSize));
        _embeddingNorm = Child("transformer.word_embeddings_layernorm", new LayerNorm(config.HiddenSize, config.LayerNormEpsilon));
        Blocks = Children("transformer.h", config.NumHiddenLayers, i => new BloomBlock(config, slopes, i));
        Final = Child("transformer.ln_f", new LayerNorm(config.HiddenSize, config.LayerNormEpsilon));
        Head = NewHead();
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "transformer";

    /// <inheritdoc/>
    protected internal override Tensor Embed(Tensor ids, in DecoderPass pass) => _embeddingNorm.Forward(Tokens.Forward(ids));
}

/// <summary>One block: attention and feed-forward, each behind a norm.</summary>
internal sealed class BloomBlock : DecoderBlock
{
    private readonly BloomConfig _config;
    private readonly int _layer;
    private readonly AttentionSettings _settings;
    private readonly LayerNorm _inputNorm, _postAttentionNorm;
    private readonly Linear _qkv, _dense;
    private readonly FeedForward _mlp;

    public BloomBlock(BloomConfig config, AlibiSlopes slopes, int layer)
    {
        (_config, _layer) = (config, layer);
        int width = config.HiddenSize;
        _settings = new AttentionSettings(AlibiSlopes: slopes.Values);
        _inputNorm = Child("input_layernorm", new LayerNorm(width, config.LayerNormEpsilon));
        _qkv = Child("self_attention.query_key_value", new Linear(width, 3 * width, bias: true));
        _dense = Child("self_attention.dense", new Linear(width, width, bias: true));
        _postAttentionNorm = Child("post_attention_layernorm", new LayerNorm(width, config.LayerNormEpsilon));
        _mlp = Child("mlp", new FeedForward(width, config.IntermediateSize, Activation.GeluTanh, bias: true, ("dense_h_to_4h", "dense_4h_to_h")));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        Tensor normed = _inputNorm.Forward(x);
        // Each head holds its query, key and value side by side.
        Tensor qkv = _qkv.Forward(normed).View(x.Size(0), x.Size(1), _config.NumAttentionHeads, 3, _config.HeadDim);
        Tensor y = pass.Attend(_layer, Part(qkv, 0), Part(qkv, 1), Part(qkv, 2), _settings);
        x = _dense.Forward(y, residual: _config.ResidualFromNorm ? normed : x);
        normed = _postAttentionNorm.Forward(x);
        return _mlp.Forward(normed, residual: _config.ResidualFromNorm ? normed : x);
    }

    // [B, T, H, 3, D] as [B, H, T, D]
    private static Tensor Part(Tensor qkv, int part) => Ops.Select(qkv, 3, part).Permute(0, 2, 1, 3);
}
