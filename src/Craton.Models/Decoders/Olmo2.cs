using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of an <see cref="Olmo2"/>.</summary>
public sealed record Olmo2Config : DecoderConfig
{
    [SetsRequiredMembers]
    internal Olmo2Config(ConfigReader read) : base(read)
    {
        Activation = read.Activation("silu", "hidden_act");
        RmsNormEps = read.Number("rms_norm_eps", 1e-5);
        Rotary = read.Rotary(HeadDim, MaxPositionEmbeddings);
        MaxPositionEmbeddings = Rotary.Reach(MaxPositionEmbeddings);
        AttentionBias = read.Flag("attention_bias");
    }

    /// <summary>Applied to the gate of the feed-forward layers.</summary>
    public Activation Activation { get; }

    /// <summary>Added to the mean square in the norms.</summary>
    public double RmsNormEps { get; }

    /// <summary>Rotary positions.</summary>
    public RotarySettings Rotary { get; }

    /// <summary>Whether the attention projections have biases.</summary>
    public bool AttentionBias { get; }
}

/// <summary>OLMo 2 (OLMo Team 2025): Llama with the norms behind the parts, and one over all queries and one over all keys.</summary>
public sealed class Olmo2 : CausalLanguageModel
{
    /// <summary>Creates the model with zeroed weights.</summary>
    public Olmo2(Olmo2Config config) : base(config)
    {
        Rotary = new RotaryPositions(config.Rotary);
        Tokens = Child("model.embed_tokens", new Embedding(config.VocabSize, config.HiddenSize));
        Blocks = Children("model.layers", config.NumHiddenLayers, i => new Olmo2Block(config, Rotary, i));
        Final = Child("model.norm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
        Head = NewHead();
    }
}

/// <summary>One block: attention and feed-forward, each normed and then added to the stream.</summary>
internal sealed class Olmo2Block : DecoderBlock
{
    private readonly GroupedAttention _attention;
    private readonly GatedFeedForward _mlp;
    private readonly RmsNorm _postAttentionNorm, _postFeedForwardNorm;

    public Olmo2Block(Olmo2Config config, RotaryPositions rotary, int layer)
    {
        _attention = Child("self_attn", new GroupedAttention(new AttentionShape(config.HiddenSize, config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim)
        {
            Bias = config.AttentionBias,
            OutputBias = config.AttentionBias,
            Norm = QueryKeyNorm.Projection,
            CreateNorm = width => new RmsNorm(width, config.RmsNormEps),
            Rotary = rotary,
        }, layer));
        _mlp = Child("mlp", new GatedFeedForward(config.HiddenSize, config.IntermediateSize, config.Activation));
        _postAttentionNorm = Child("post_attention_layernorm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
        _postFeedForwardNorm = Child("post_feedforward_layernorm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        x += _postAttentionNorm.Forward(_attention.Forward(x, pass));
        return x + _postFeedForwardNorm.Forward(_mlp.Forward(x));
    }
}
