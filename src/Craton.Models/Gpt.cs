using Craton.Nn;
using Craton.Tensors;
using static Craton.Tensors.Ops;

namespace Craton.Models;

// B batch, T positions, C hidden size, H query heads, G key/value heads, D head size, V vocabulary.

/// <summary>
/// The decoder-only Transformer of the Llama family: RMSNorm before each part (Zhang, Sennrich 2019), rotary positions (Su et al. 2021),
/// grouped-query attention (Ainslie et al. 2023), SwiGLU (Shazeer 2020), no biases unless asked for. Names are those of Hugging Face's
/// <c>LlamaForCausalLM</c>. The same forward pass trains, scores and, with a cache, decodes.
/// </summary>
public sealed class Gpt : Module
{
    private readonly Linear? _lmHead;

    /// <summary>Creates the model with zeroed weights: call <see cref="Initialize"/>, or load a checkpoint.</summary>
    public Gpt(GptConfig config)
    {
        config.Validate("model");
        Config = config;
        Model = Child("model", new GptModel(config));
        if (!config.TieWordEmbeddings) _lmHead = Child("lm_head", new Linear(config.HiddenSize, config.VocabSize));
    }

    /// <summary>The shape of the model.</summary>
    public GptConfig Config { get; }

    /// <summary>Everything below the output projection.</summary>
    public GptModel Model { get; }

    /// <summary>Weight [V, C] of the output projection.</summary>
    public Tensor HeadWeight => _lmHead?.Weight ?? Model.EmbedTokens.Weight;

    /// <summary>
    /// Normal weights; those that write into the residual stream are smaller by √(2·layers), so that its variance does not grow with depth
    /// (Radford et al. 2019).
    /// </summary>
    public Gpt Initialize(ulong seed)
    {
        double residual = Config.InitializerRange / Math.Sqrt(2 * Config.NumHiddenLayers);
        uint index = 0;
        foreach ((string name, Tensor tensor) in NamedParameters())
        {
            bool writesResidual = name.EndsWith("o_proj.weight", StringComparison.Ordinal) || name.EndsWith("down_proj.weight", StringComparison.Ordinal);
            if (tensor.Rank == 2) Init.Normal(tensor, writesResidual ? residual : Config.InitializerRange, seed, index);
            index++;
        }
        return this;
    }

    /// <summary>Keeps the weights of all products in the order in which inference reads them (<see cref="Tensor.Pack"/>): quicker, and no longer
    /// for training or saving.</summary>
    public Gpt PackWeights()
    {
        foreach (Linear linear in Modules().OfType<Linear>()) linear.Weight.Pack();
        if (_lmHead is null) HeadWeight.Pack();
        return this;
    }

    /// <summary>Scores of the next token at every position.</summary>
    /// <param name="ids">Token ids, I32 [B, T].</param>
    /// <param name="input">Positions, documents, padding; default for one plain text per row.</param>
    /// <param name="cache">Keys and values of earlier positions; this call appends its own.</param>
    /// <returns>Logits [B, T, V].</returns>
    public Tensor Forward(Tensor ids, GptInput input = default, KvCache? cache = null) => Logits(Model.Forward(ids, input, cache));

    /// <summary>Scores of the next token: hidden states [.., C] → [.., V].</summary>
    public Tensor Logits(Tensor hidden) => Linear(hidden, HeadWeight);

    /// <summary>Mean cross-entropy, in nats, of the targets; the logits are never stored.</summary>
    /// <param name="ids">Token ids, I32 [B, T].</param>
    /// <param name="targets">The token after each position, I32 [B, T]; −100 does not count.</param>
    /// <param name="input">Positions, documents, padding; default for one plain text per row.</param>
    /// <param name="options">Label smoothing, z-loss, and the reduction.</param>
    public Tensor Loss(Tensor ids, Tensor targets, GptInput input = default, CrossEntropyOptions options = default)
    {
        Tensor hidden = Model.Forward(ids, input, cache: null);
        return LinearCrossEntropy(hidden.View(-1, Config.HiddenSize), HeadWeight, null, targets.View(-1), options);
    }
}

/// <summary>What a batch says beside its ids. All optional.</summary>
/// <param name="Positions">Position of each token in its text, I32 [B, T]; counted from the cache's length when absent.</param>
/// <param name="Documents">Number of the document each token belongs to, I32 [B, T]: tokens see their own document only.</param>
/// <param name="KeyPadding">Which places hold a token, Bool [B, T].</param>
public readonly record struct GptInput(Tensor? Positions = null, Tensor? Documents = null, Tensor? KeyPadding = null);

/// <summary>Embedding, blocks, final norm.</summary>
public sealed class GptModel : Module
{
    private readonly GptConfig _config;
    private readonly GptBlock[] _layers;
    private readonly RmsNorm _norm;
    private readonly RotaryTable _rotary;

    internal GptModel(GptConfig config)
    {
        _config = config;
        EmbedTokens = Child("embed_tokens", new Embedding(config.VocabSize, config.HiddenSize));
        _rotary = new RotaryTable(config.RopeTheta, config.HeadDim);
        _layers = Children("layers", config.NumHiddenLayers, _ => new GptBlock(config, _rotary));
        _norm = Child("norm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
    }

    /// <summary>Token embeddings, [V, C].</summary>
    public Embedding EmbedTokens { get; }

    /// <summary>The blocks.</summary>
    internal IReadOnlyList<GptBlock> Layers => _layers;

    /// <summary>Hidden states [B, T, C] after the final norm.</summary>
    public Tensor Forward(Tensor ids, GptInput input, KvCache? cache)
    {
        int length = ids.Size(1) + (cache?.Length ?? 0);
        if (length > _config.MaxPositionEmbeddings)
            throw new CratonException($"{length} tokens are more than the model's context of {_config.MaxPositionEmbeddings}; shorten the text, or train a model with a longer context");
        Tensor x = EmbedTokens.Forward(ids);
        for (int i = 0; i < _layers.Length; i++) x = _layers[i].Forward(x, input, cache, i);
        cache?.Advance(ids.Size(1));
        return _norm.Forward(x);
    }
}

/// <summary>One block: attention and feed-forward, each behind a norm and added to the stream.</summary>
internal sealed class GptBlock : Module
{
    private readonly GptAttention _attention;
    private readonly GptMlp _mlp;
    private readonly RmsNorm _inputNorm, _postAttentionNorm;

    public GptBlock(GptConfig config, RotaryTable rotary)
    {
        _attention = Child("self_attn", new GptAttention(config, rotary));
        _mlp = Child("mlp", new GptMlp(config));
        _inputNorm = Child("input_layernorm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
        _postAttentionNorm = Child("post_attention_layernorm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
    }

    public Tensor Forward(Tensor x, GptInput input, KvCache? cache, int layer)
    {
        x = Attend(x, input, cache, layer, residual: x);
        return FeedForward(x, residual: x);
    }

    public Tensor Attend(Tensor x, GptInput input, KvCache? cache, int layer, Tensor? residual = null) =>
        _attention.Forward(_inputNorm.Forward(x), input, cache, layer, residual);

    public Tensor FeedForward(Tensor x, Tensor? residual = null) => _mlp.Forward(_postAttentionNorm.Forward(x), residual);
}

/// <summary>Causal self-attention with rotary positions and shared key/value heads.</summary>
internal sealed class GptAttention : Module
{
    private readonly GptConfig _config;
    private readonly RotaryTable _rotary;
    private readonly Linear _q, _k, _v, _o;
    private readonly RmsNorm? _qNorm, _kNorm;

    public GptAttention(GptConfig config, RotaryTable rotary)
    {
        (_config, _rotary) = (config, rotary);
        int queries = config.NumAttentionHeads * config.HeadDim, keys = config.NumKeyValueHeads * config.HeadDim;
        _q = Child("q_proj", new Linear(config.HiddenSize, queries, config.AttentionBias));
        _k = Child("k_proj", new Linear(config.HiddenSize, keys, config.AttentionBias));
        _v = Child("v_proj", new Linear(config.HiddenSize, keys, config.AttentionBias));
        _o = Child("o_proj", new Linear(queries, config.HiddenSize, config.AttentionBias));
        if (!config.QkNorm) return;
        _qNorm = Child("q_norm", new RmsNorm(config.HeadDim, config.RmsNormEps));
        _kNorm = Child("k_norm", new RmsNorm(config.HeadDim, config.RmsNormEps));
    }

    public Tensor Forward(Tensor x, GptInput input, KvCache? cache, int layer, Tensor? residual)
    {
        int past = cache?.Length ?? 0;
        Tensor q = Rotated(Heads(_q.Forward(x), _config.NumAttentionHeads, _qNorm), input.Positions, past);
        Tensor k = Rotated(Heads(_k.Forward(x), _config.NumKeyValueHeads, _kNorm), input.Positions, past);
        Tensor v = Heads(_v.Forward(x), _config.NumKeyValueHeads, norm: null);
        if (cache is not null) (k, v) = cache.Append(layer, k, v);
        Tensor y = Attention(q, k, v, new AttentionOptions
        {
            Causal = true,
            QueryOffset = past,
            DocumentIds = input.Documents,
            KeyPadding = input.KeyPadding,
        });
        // The result lies in memory as [B, T, H, D]: turning it back is a view.
        return _o.Forward(y.Permute(0, 2, 1, 3).View(x.Size(0), x.Size(1), _config.NumAttentionHeads * _config.HeadDim), residual: residual);
    }

    // [B, T, H·D] as [B, H, T, D]
    private Tensor Heads(Tensor x, int heads, RmsNorm? norm)
    {
        Tensor split = x.View(x.Size(0), x.Size(1), heads, _config.HeadDim);
        return (norm is null ? split : norm.Forward(split)).Permute(0, 2, 1, 3);
    }

    private Tensor Rotated(Tensor x, Tensor? positions, int past) => Rotary(x, _rotary, positions, past);
}

/// <summary>Feed-forward: down(silu(gate(x)) · up(x)).</summary>
internal sealed class GptMlp : Module
{
    private readonly Linear _gate, _up, _down;

    public GptMlp(GptConfig config)
    {
        _gate = Child("gate_proj", new Linear(config.HiddenSize, config.IntermediateSize, config.MlpBias));
        _up = Child("up_proj", new Linear(config.HiddenSize, config.IntermediateSize, config.MlpBias));
        _down = Child("down_proj", new Linear(config.IntermediateSize, config.HiddenSize, config.MlpBias));
    }

    public Tensor Forward(Tensor x, Tensor? residual) => _down.Forward(SwiGlu(_gate.Forward(x), _up.Forward(x)), residual: residual);
}
