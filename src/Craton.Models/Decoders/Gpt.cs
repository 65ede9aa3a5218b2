using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

// B batch, T positions, C hidden size, V vocabulary.

/// <summary>
/// The decoder-only Transformer of the Llama family: RMSNorm before each part (Zhang, Sennrich 2019), rotary positions (Su et al. 2021),
/// grouped-query attention (Ainslie et al. 2023), SwiGLU (Shazeer 2020), no biases unless asked for. Names are those of Hugging Face's
/// <c>LlamaForCausalLM</c>. Settings make it a Mistral (windows), a Qwen 2 (biases), a Qwen 3 (norms of queries and keys), a SmolLM 3 (layers
/// that do not rotate), a Mixtral or a Qwen 3 with experts.
/// </summary>
public sealed class Gpt : CausalLanguageModel
{
    /// <summary>Creates the model with zeroed weights: call <see cref="Initialize"/>, or load a checkpoint.</summary>
    public Gpt(GptConfig config) : base(config)
    {
        Rotary = new RotaryPositions(config.RopeScaling ?? new RotarySettings(config.RopeTheta, config.HeadDim));
        Tokens = Child("model.embed_tokens", new Embedding(config.VocabSize, config.HiddenSize));
        Blocks = Children("model.layers", config.NumHiddenLayers, i => new GptBlock(config, Rotary, i));
        Final = Child("model.norm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
        Head = NewHead();
    }

    /// <summary>
    /// Normal weights; those that write into the residual stream are smaller by √(2·layers), so that its variance does not grow with depth
    /// (Radford et al. 2019).
    /// </summary>
    public Gpt Initialize(ulong seed)
    {
        InitializeWeights(seed, name => name.EndsWith("o_proj.weight", StringComparison.Ordinal) || name.EndsWith("down_proj.weight", StringComparison.Ordinal));
        return this;
    }
}

/// <summary>One block: attention and feed-forward, each behind a norm and added to the stream.</summary>
internal sealed class GptBlock : DecoderBlock
{
    private readonly GroupedAttention _attention;
    private readonly GatedFeedForward? _mlp;
    private readonly MixtureOfExperts? _experts;
    private readonly RmsNorm _inputNorm, _postAttentionNorm;

    public GptBlock(GptConfig config, RotaryPositions rotary, int layer)
    {
        _attention = Child("self_attn", new GroupedAttention(Attention(config, rotary, layer), layer));
        if (config.Experts is { } experts && experts.Layers[layer])
        {
            (string, string, string)? names = experts.IsMixtral ? ("w1", "w3", "w2") : null;
            _experts = Child(experts.IsMixtral ? "block_sparse_moe" : "mlp", new MixtureOfExperts(
                config.HiddenSize, experts.Count, experts.Chosen, experts.Normalize,
                () => new GatedFeedForward(config.HiddenSize, experts.IntermediateSize, config.Activation, names: names)));
        }
        else
        {
            _mlp = Child("mlp", new GatedFeedForward(config.HiddenSize, config.IntermediateSize, config.Activation, config.MlpBias));
        }
        _inputNorm = Child("input_layernorm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
        _postAttentionNorm = Child("post_attention_layernorm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
    }

    public override Tensor Forward(Tensor x, in DecoderPass pass)
    {
        x = _attention.Forward(_inputNorm.Forward(x), pass, residual: x);
        Tensor normed = _postAttentionNorm.Forward(x);
        return _mlp?.Forward(normed, residual: x) ?? _experts!.Forward(normed, residual: x);
    }

    private static AttentionShape Attention(GptConfig config, RotaryPositions rotary, int layer) =>
        new(config.HiddenSize, config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim)
        {
            Bias = config.AttentionBias,
            OutputBias = config.AttentionOutputBias ?? config.AttentionBias,
            Norm = config.QkNorm ? QueryKeyNorm.Head : QueryKeyNorm.None,
            CreateNorm = width => new RmsNorm(width, config.RmsNormEps),
            Rotary = config.RotatedLayers?[layer] == false ? null : rotary,
            Settings = new AttentionSettings(Window: config.WindowedLayers?[layer] == false ? null : config.SlidingWindow),
        };
}
