using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>The shape of a <see cref="Gemma"/>.</summary>
public sealed record GemmaConfig : DecoderConfig
{
    [SetsRequiredMembers]
    internal GemmaConfig(ConfigReader read) : base(read)
    {
        Generation = read.ModelType switch { "gemma" => 1, "gemma2" => 2, _ => 3 };
        HeadDim = read.IntOr(256, "head_dim");
        Activation = read.Activation("gelu_pytorch_tanh", "hidden_activation", "hidden_act");
        RmsNormEps = read.Number("rms_norm_eps", 1e-6);
        TieWordEmbeddings = read.Flag("tie_word_embeddings", true);
        AttentionBias = read.Flag("attention_bias");
        int context = MaxPositionEmbeddings;
        Rotary = read.Rotary(HeadDim, context, "full_attention", theta: Generation == 3 ? 1e6 : 10000);
        MaxPositionEmbeddings = Rotary.Reach(context);
        if (Generation == 1) return;
        Scale = 1 / Math.Sqrt(read.Number("query_pre_attn_scalar", 256));
        AttentionSoftCap = read.NumberOrNull("attn_logit_softcapping", Generation == 2 ? 50 : null);
        FinalSoftCap = read.NumberOrNull("final_logit_softcapping", Generation == 2 ? 30 : null);
        SlidingWindow = read.Window("sliding_window", 4096) ?? 4096;
        int pattern = Generation == 2 ? 2 : read.IntOr(6, "sliding_window_pattern", "_sliding_window_pattern");
        WindowedLayers = read.Windowed(NumHiddenLayers, layer => pattern < 1 || (layer + 1) % pattern != 0) ?? [];
        // The older spelling scales the layers that see everything only.
        if (Generation == 2) return;
        double localTheta = read.Number("rope_local_base_freq", 10000);
        LocalRotary = read.Object("rope_parameters")?.Has("sliding_attention") == true
            ? read.Rotary(HeadDim, context, "sliding_attention", localTheta)
            : new RotarySettings(localTheta, HeadDim);
    }

    /// <summary>1, 2 or 3.</summary>
    public int Generation { get; }

    /// <summary>Applied to the gate of the feed-forward layers.</summary>
    public Activation Activation { get; }

    /// <summary>Added to the mean square in the norms.</summary>
    public double RmsNormEps { get; }

    /// <summary>Whether the attention projections have biases.</summary>
    public bool AttentionBias { get; }

    /// <summary>Rotary positions of the layers that see everything.</summary>
    public RotarySettings Rotary { get; }

    /// <summary>Rotary positions of the windowed layers; the same when null.</summary>
    public RotarySettings? LocalRotary { get; }

    /// <summary>Factor on the scores; 1/√D when null.</summary>
    public double? Scale { get; }

    /// <summary>Cap of the attention's scores, or null.</summary>
    public double? AttentionSoftCap { get; }

    /// <summary>Cap of the output's scores, or null.</summary>
    public double? FinalSoftCap { get; }

    /// <summary>How many tokens a windowed layer sees.</summary>
    public int SlidingWindow { get; } = 1;

    /// <summary>For every layer, whether it is windowed; empty when none is.</summary>
    public IReadOnlyList<bool> WindowedLayers { get; } = [];
}

/// <summary>
/// Gemma 1, 2 and 3 (Gemma Team 2024, 2025), text: embeddings multiplied by √C, norms that store their factor minus one, GeGLU. The second adds
/// norms behind the parts, windows in every second layer and capped scores; the third norms of queries and keys, and a base of its own for the
/// windowed layers.
/// </summary>
public sealed class Gemma : CausalLanguageModel
{
    /// <summary>Creates the model with zeroed weights.</summary>
    public Gemma(GemmaConfig config) : base(config)
    {
        Rotary = new RotaryPositions(config.Rotary);
        RotaryPositions local = config.LocalRotary is { } settings ? new RotaryPositions(settings) : Rotary;
        Tokens = Child("model.embed_tokens", new Embedding(config.VocabSize, config.HiddenSize));
        Blocks = Children("model.layers", config.NumHiddenLayers, i => new GemmaBlock(config, Rotary, local, i));
        Final = Child("model.norm", GemmaBlock.Norm(config.HiddenSize, config));
        Head = NewHead(softCap: config.FinalSoftCap ?? 0);
    }

    /// <inheritdoc/>
    protected internal override Tensor Embed(Tensor ids, in DecoderPass pass) => Tokens.Forward(ids) * Math.Sqrt(Config.HiddenSize);
}

/// <summary>One block: attention and feed-forward, each behind a norm, from the second generation on with another behind it.</summary>
internal sealed class GemmaBlock : DecoderBlock
{
    private readonly GroupedAttention _attention;
    private readonly GatedFeedForward _mlp;
    private readonly RmsNorm _inputNorm, _postAttentionNorm;
    private readonly RmsNorm? _preFeedForwardNorm, _postFeedForwardNorm;

    public GemmaBlock(GemmaConfig config, RotaryPositions rotary, RotaryPositions local, int layer)
    {
        bool windowed = config.WindowedLayers.Count > 0 && config.WindowedLayers[layer];
        _attention = Child("self_attn", new GroupedAttention(new AttentionShape(config.HiddenSize, config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim)
        {
            Bias = config.AttentionBias,
            OutputBias = config.AttentionBias,
            Norm = config.Generation == 3 ? QueryKeyNorm.Head : QueryKeyNorm.None,
            CreateNorm = width => Norm(width, config),
            Rotary = windowed ? local : rotary,
            Settings = new AttentionSettings(config.Scale, windowed ? config.SlidingWindow : null, config.AttentionSoftCap),
        }, layer));
        _mlp = Child("mlp", new GatedFeedForward(config.HiddenSize, config.IntermediateSize, config.Activation));
        _inputNorm = Child("input_layernorm", Norm(config.HiddenSize, config));
        _postAttentionNorm = Child("post_attention_layernorm", Norm(config.HiddenSize, config));
        if (config.Generation == 1) return;
        _preFeedForwardNorm = Child("pre_feedforward_layernorm", Norm(config.HiddenSize, config));
        _postFeedForwardNorm = Child("post_feedforward_layernorm", Norm(config.HiddenSize, config));
    }

    public static RmsNorm Norm(int width, GemmaConfig config) => new(width, config.RmsNormEps, weightOffset: 1);

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        if (_preFeedForwardNorm is null || _postFeedForwardNorm is null)
        {
            x = _attention.Forward(_inputNorm.Forward(x), pass, residual: x);
            return _mlp.Forward(_postAttentionNorm.Forward(x), residual: x);
        }
        x += _postAttentionNorm.Forward(_attention.Forward(_inputNorm.Forward(x), pass));
        return x + _postFeedForwardNorm.Forward(_mlp.Forward(_preFeedForwardNorm.Forward(x)));
    }
}
