using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of a <see cref="StarCoder2"/>.</summary>
public sealed record StarCoder2Config : DecoderConfig
{
    [SetsRequiredMembers]
    internal StarCoder2Config(ConfigReader read) : base(read)
    {
        Activation = read.Activation("gelu_pytorch_tanh", "hidden_act");
        NormEpsilon = read.Number("norm_epsilon", 1e-5);
        Rotary = read.Rotary(HeadDim, MaxPositionEmbeddings);
        MaxPositionEmbeddings = Rotary.Reach(MaxPositionEmbeddings);
        TieWordEmbeddings = read.Flag("tie_word_embeddings", true);
        UseBias = read.Flag("use_bias", true);
        SlidingWindow = read.Window("sliding_window", absent: null);
    }

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; }

    /// <summary>Added to the variance in the norms.</summary>
    public double NormEpsilon { get; }

    /// <summary>Rotary positions.</summary>
    public RotarySettings Rotary { get; }

    /// <summary>Whether projections have biases.</summary>
    public bool UseBias { get; }

    /// <summary>How many tokens a query sees; null for all.</summary>
    public int? SlidingWindow { get; }
}

/// <summary>StarCoder 2 (Lozhkov et al. 2024): grouped queries, rotary positions, a window, with the norms, biases and feed-forward layers of GPT-2.</summary>
public sealed class StarCoder2 : CausalLanguageModel
{
    /// <summary>Creates the model with zeroed weights.</summary>
    public StarCoder2(StarCoder2Config config) : base(config)
    {
        Rotary = new RotaryPositions(config.Rotary);
        Tokens = Child("model.embed_tokens", new Embedding(config.VocabSize, config.HiddenSize));
        Blocks = Children("model.layers", config.NumHiddenLayers, i => new StarCoder2Block(config, Rotary, i));
        Final = Child("model.norm", new LayerNorm(config.HiddenSize, config.NormEpsilon));
        Head = NewHead();
    }
}

/// <summary>One block: attention and feed-forward, each behind a norm and added to the stream.</summary>
internal sealed class StarCoder2Block : DecoderBlock
{
    private readonly GroupedAttention _attention;
    private readonly FeedForward _mlp;
    private readonly LayerNorm _inputNorm, _postAttentionNorm;

    public StarCoder2Block(StarCoder2Config config, RotaryPositions rotary, int layer)
    {
        _attention = Child("self_attn", new GroupedAttention(new AttentionShape(config.HiddenSize, config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim)
        {
            Bias = config.UseBias,
            OutputBias = config.UseBias,
            Rotary = rotary,
            Settings = new AttentionSettings(Window: config.SlidingWindow),
        }, layer));
        _mlp = Child("mlp", new FeedForward(config.HiddenSize, config.IntermediateSize, config.Activation, config.UseBias, ("c_fc", "c_proj")));
        _inputNorm = Child("input_layernorm", new LayerNorm(config.HiddenSize, config.NormEpsilon));
        _postAttentionNorm = Child("post_attention_layernorm", new LayerNorm(config.HiddenSize, config.NormEpsilon));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        x = _attention.Forward(_inputNorm.Forward(x), pass, residual: x);
        return _mlp.Forward(_postAttentionNorm.Forward(x), residual: x);
    }
}
