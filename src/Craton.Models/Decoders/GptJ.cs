using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of a <see cref="GptJ"/>.</summary>
public sealed record GptJConfig : DecoderConfig
{
    [SetsRequiredMembers]
    internal GptJConfig(ConfigReader read) : base(read)
    {
        Activation = read.Activation("gelu_new", "activation_function");
        LayerNormEpsilon = read.Number("layer_norm_epsilon", 1e-5);
        RotaryDim = read.IntOr(HeadDim, "rotary_dim");
        if (RotaryDim < 2 || RotaryDim > HeadDim || RotaryDim % 2 != 0) throw new CratonException($"{read.File}: rotary_dim is {RotaryDim}, expected an even number of 2 to {HeadDim}, the width of a head");
    }

    /// <inheritdoc/>
    protected override bool IsCutIntoHeads => true;

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; }

    /// <summary>Added to the variance in the norms.</summary>
    public double LayerNormEpsilon { get; }

    /// <summary>How many features of a head rotate.</summary>
    public int RotaryDim { get; }
}

/// <summary>
/// GPT-J (Wang, Komatsuzaki 2021): attention and feed-forward side by side behind one norm, rotary positions that turn neighbouring
/// features, biases in the feed-forward layers and the head.
/// </summary>
public sealed class GptJ : CausalLanguageModel
{
    /// <summary>Creates the model with zeroed weights.</summary>
    public GptJ(GptJConfig config) : base(config)
    {
        Rotary = new RotaryPositions(new RotarySettings(10000, config.RotaryDim));
        Tokens = Child("transformer.wte", new Embedding(config.VocabSize, config.HiddenSize));
        Blocks = Children("transformer.h", config.NumHiddenLayers, i => new GptJBlock(config, Rotary, i));
        Final = Child("transformer.ln_f", new LayerNorm(config.HiddenSize, config.LayerNormEpsilon));
        Head = NewHead(bias: true);
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "transformer";
}

/// <summary>One block: attention and feed-forward of the same normed stream, both added to it.</summary>
internal sealed class GptJBlock : DecoderBlock
{
    private readonly LayerNorm _ln1;
    private readonly GroupedAttention _attention;
    private readonly FeedForward _mlp;

    public GptJBlock(GptJConfig config, RotaryPositions rotary, int layer)
    {
        _ln1 = Child("ln_1", new LayerNorm(config.HiddenSize, config.LayerNormEpsilon));
        _attention = Child("attn", new GroupedAttention(new AttentionShape(config.HiddenSize, config.NumAttentionHeads, config.NumAttentionHeads, config.HeadDim)
        {
            Output = "out_proj",
            Rotary = rotary,
            Layout = RotaryLayout.Interleaved,
        }, layer));
        _mlp = Child("mlp", new FeedForward(config.HiddenSize, config.IntermediateSize, config.Activation, bias: true, ("fc_in", "fc_out")));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        Tensor normed = _ln1.Forward(x);
        return _mlp.Forward(normed, residual: _attention.Forward(normed, pass, residual: x));
    }
}
