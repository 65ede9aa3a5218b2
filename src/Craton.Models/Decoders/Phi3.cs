using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of a <see cref="Phi3"/>.</summary>
public sealed record Phi3Config : DecoderConfig
{
    [SetsRequiredMembers]
    internal Phi3Config(ConfigReader read) : base(read)
    {
        Activation = read.Activation("silu", "hidden_act");
        RmsNormEps = read.Number("rms_norm_eps", 1e-5);
        Rotary = read.Rotary(HeadDim, MaxPositionEmbeddings);
        MaxPositionEmbeddings = Rotary.Reach(MaxPositionEmbeddings);
        SlidingWindow = read.Window("sliding_window", absent: null);
    }

    /// <summary>Applied to the gate of the feed-forward layers.</summary>
    public Activation Activation { get; }

    /// <summary>Added to the mean square in the norms.</summary>
    public double RmsNormEps { get; }

    /// <summary>Rotary positions, of the whole head or a part of it.</summary>
    public RotarySettings Rotary { get; }

    /// <summary>How many tokens a query sees; null for all.</summary>
    public int? SlidingWindow { get; }
}

// B batch, T positions, H query heads, G key/value heads, D head size.

/// <summary>Phi-3 and Phi-4-mini (Abdin et al. 2024): Llama with one projection for queries, keys and values and one for gate and up.</summary>
public sealed class Phi3 : CausalLanguageModel
{
    /// <summary>Creates the model with zeroed weights.</summary>
    public Phi3(Phi3Config config) : base(config)
    {
        Rotary = new RotaryPositions(config.Rotary);
        Tokens = Child("model.embed_tokens", new Embedding(config.VocabSize, config.HiddenSize));
        Blocks = Children("model.layers", config.NumHiddenLayers, i => new Phi3Block(config, Rotary, i));
        Final = Child("model.norm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
        Head = NewHead();
    }
}

/// <summary>One block: attention and feed-forward, each behind a norm and added to the stream.</summary>
internal sealed class Phi3Block : DecoderBlock
{
    private readonly Phi3Config _config;
    private readonly RotaryPositions _rotary;
    private readonly int _layer;
    private readonly Linear _qkv, _o, _gateUp, _down;
    private readonly RmsNorm _inputNorm, _postAttentionNorm;

    public Phi3Block(Phi3Config config, RotaryPositions rotary, int layer)
    {
        (_config, _rotary, _layer) = (config, rotary, layer);
        int width = config.HiddenSize, heads = config.NumAttentionHeads, groups = config.NumKeyValueHeads;
        _qkv = Child("self_attn.qkv_proj", new Linear(width, (heads + 2 * groups) * config.HeadDim));
        _o = Child("self_attn.o_proj", new Linear(heads * config.HeadDim, width));
        _gateUp = Child("mlp.gate_up_proj", new Linear(width, 2 * config.IntermediateSize));
        _down = Child("mlp.down_proj", new Linear(config.IntermediateSize, width));
        _inputNorm = Child("input_layernorm", new RmsNorm(width, config.RmsNormEps));
        _postAttentionNorm = Child("post_attention_layernorm", new RmsNorm(width, config.RmsNormEps));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        x = Attend(_inputNorm.Forward(x), pass, x);
        Tensor both = _gateUp.Forward(_postAttentionNorm.Forward(x));
        Tensor gate = Ops.Slice(both, -1, 0, _config.IntermediateSize), up = Ops.Slice(both, -1, _config.IntermediateSize);
        return _down.Forward(GatedFeedForward.Gated(gate, up, _config.Activation), residual: x);
    }

    private Tensor Attend(Tensor x, in DecoderPass pass, Tensor residual)
    {
        int heads = _config.NumAttentionHeads, groups = _config.NumKeyValueHeads;
        // [B, T, H + 2·G, D] as [B, H + 2·G, T, D]: all queries, then all keys, then all values.
        Tensor qkv = _qkv.Forward(x).View(x.Size(0), x.Size(1), heads + 2 * groups, _config.HeadDim).Permute(0, 2, 1, 3);
        Tensor q = pass.Rotate(Ops.Slice(qkv, 1, 0, heads), _rotary), k = pass.Rotate(Ops.Slice(qkv, 1, heads, heads + groups), _rotary);
        return _o.Forward(pass.Attend(_layer, q, k, Ops.Slice(qkv, 1, heads + groups), new AttentionSettings(Window: _config.SlidingWindow)), residual: residual);
    }
}
