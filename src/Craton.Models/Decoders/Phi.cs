using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of a <see cref="Phi"/>.</summary>
public sealed record PhiConfig : DecoderConfig
{
    [SetsRequiredMembers]
    internal PhiConfig(ConfigReader read) : base(read)
    {
        Activation = read.Activation("gelu_new", "hidden_act");
        LayerNormEps = read.Number("layer_norm_eps", 1e-5);
        Rotary = read.Rotary(HeadDim, MaxPositionEmbeddings, share: 0.5);
        MaxPositionEmbeddings = Rotary.Reach(MaxPositionEmbeddings);
        QkNorm = read.Flag("qk_layernorm");
    }

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; }

    /// <summary>Added to the variance in the norms.</summary>
    public double LayerNormEps { get; }

    /// <summary>Rotary positions, mostly of a part of each head.</summary>
    public RotarySettings Rotary { get; }

    /// <summary>Whether queries and keys are normalised per head.</summary>
    public bool QkNorm { get; }
}

/// <summary>Phi-1, Phi-1.5 and Phi-2 (Li et al. 2023): attention and feed-forward side by side behind one norm, biases everywhere.</summary>
public sealed class Phi : CausalLanguageModel
{
    /// <summary>Creates the model with zeroed weights.</summary>
    public Phi(PhiConfig config) : base(config)
    {
        Rotary = new RotaryPositions(config.Rotary);
        Tokens = Child("model.embed_tokens", new Embedding(config.VocabSize, config.HiddenSize));
        Blocks = Children("model.layers", config.NumHiddenLayers, i => new PhiBlock(config, Rotary, i));
        Final = Child("model.final_layernorm", new LayerNorm(config.HiddenSize, config.LayerNormEps));
        Head = NewHead(bias: true);
    }
}

/// <summary>One block: attention and feed-forward of the same normed stream, both added to it.</summary>
internal sealed class PhiBlock : DecoderBlock
{
    private readonly LayerNorm _inputNorm;
    private readonly GroupedAttention _attention;
    private readonly FeedForward _mlp;

    public PhiBlock(PhiConfig config, RotaryPositions rotary, int layer)
    {
        _attention = Child("self_attn", new GroupedAttention(new AttentionShape(config.HiddenSize, config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim)
        {
            Bias = true,
            OutputBias = true,
            Output = "dense",
            Norm = config.QkNorm ? QueryKeyNorm.Head : QueryKeyNorm.None,
            CreateNorm = width => new LayerNorm(width, config.LayerNormEps),
            NormNames = ("q_layernorm", "k_layernorm"),
            Rotary = rotary,
        }, layer));
        _mlp = Child("mlp", new FeedForward(config.HiddenSize, config.IntermediateSize, config.Activation, bias: true, ("fc1", "fc2")));
        _inputNorm = Child("input_layernorm", new LayerNorm(config.HiddenSize, config.LayerNormEps));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        Tensor normed = _inputNorm.Forward(x);
        return _mlp.Forward(normed, residual: _attention.Forward(normed, pass, residual: x));
    }
}
