using System.Diagnostics.CodeAnalysis;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Encoders;

/// <summary>The shape of a <see cref="ModernBert"/>.</summary>
public sealed record ModernBertConfig : EncoderConfig
{
    [SetsRequiredMembers]
    internal ModernBertConfig(ConfigReader read) : base(read)
    {
        int heads = Math.Max(1, NumAttentionHeads);
        Activation = read.Activation("gelu", "hidden_activation");
        HeadActivation = read.Activation("gelu", "classifier_activation");
        NormEps = read.Number("norm_eps", 1e-5);
        (NormBias, AttentionBias, MlpBias) = (read.Flag("norm_bias"), read.Flag("attention_bias"), read.Flag("mlp_bias"));
        (HeadBias, DecoderBias) = (read.Flag("classifier_bias"), read.Flag("decoder_bias", true));
        Reach = read.IntOr(128, "local_attention") / 2;
        Rotary = read.Rotary(HiddenSize / heads, MaxPositionEmbeddings, "full_attention", read.Number("global_rope_theta", 160000));
        LocalRotary = read.Rotary(HiddenSize / heads, MaxPositionEmbeddings, "sliding_attention", read.Number("local_rope_theta", 10000));
        read.Refuse(Rotary.Scaling is RotaryScaling.Dynamic or RotaryScaling.LongRope, "rope_type", "a text would read differently beside longer ones");
        int every = Math.Max(1, read.IntOr(3, "global_attn_every_n_layers"));
        LocalLayers = read.Windowed(NumHiddenLayers, layer => layer % every != 0) ?? new bool[NumHiddenLayers];
        Pooling = read.TextOr("cls", "classifier_pooling") switch
        {
            "cls" => HeadInput.First,
            "mean" => HeadInput.Mean,
            var other => throw new CratonException($"{read.File}: classifier_pooling is '{other}', expected cls or mean"),
        };
    }

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; init; }

    /// <summary>Applied in the heads.</summary>
    public Activation HeadActivation { get; init; }

    /// <summary>Added to the variance in the norms.</summary>
    public double NormEps { get; init; }

    /// <summary>Whether the norms have biases.</summary>
    public bool NormBias { get; init; }

    /// <summary>Whether the projections of the attention have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether those of the feed-forward layers have biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Whether the first layer of the heads has a bias.</summary>
    public bool HeadBias { get; init; }

    /// <summary>Whether scores of tokens have one.</summary>
    public bool DecoderBias { get; init; }

    /// <summary>How many tokens on each side a local layer sees.</summary>
    public int Reach { get; init; }

    /// <summary>Which layers are local.</summary>
    public IReadOnlyList<bool> LocalLayers { get; init; }

    /// <summary>Rotary positions of the layers that see the whole text.</summary>
    public RotarySettings Rotary { get; init; }

    /// <summary>Those of the local layers.</summary>
    public RotarySettings LocalRotary { get; init; }

    /// <summary>What classifiers of texts read.</summary>
    public HeadInput Pooling { get; init; }

    /// <inheritdoc/>
    public override void Validate(string source)
    {
        base.Validate(source);
        Within(source, Reach, "half of local_attention", 1 << 20);
    }
}

/// <summary>
/// ModernBERT (Warner et al. 2024): norms before each part, rotary positions, gated feed-forward layers, and mostly layers that see their
/// neighbourhood only.
/// </summary>
public sealed class ModernBert : Encoder
{
    private readonly ModernBertConfig _config;
    private readonly LayerNorm _norm, _final;
    private readonly ModernBertBlock[] _blocks;

    /// <summary>Creates the model with zeroed weights.</summary>
    public ModernBert(ModernBertConfig config) : base(config)
    {
        _config = config;
        var rotary = new RotaryPositions(config.Rotary);
        var local = new RotaryPositions(config.LocalRotary);
        Tokens = Child("embeddings.tok_embeddings", new Embedding(config.VocabSize, config.HiddenSize, config.PadTokenId ?? -1));
        _norm = Child("embeddings.norm", new LayerNorm(config.HiddenSize, config.NormEps, bias: config.NormBias));
        _blocks = Children("layers", config.NumHiddenLayers, i => new ModernBertBlock(config, i, config.LocalLayers[i] ? local : rotary));
        _final = Child("final_norm", new LayerNorm(config.HiddenSize, config.NormEps, bias: config.NormBias));
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "model";

    /// <inheritdoc/>
    protected internal override IReadOnlyList<EncoderBlock> Blocks => _blocks;

    /// <inheritdoc/>
    protected internal override Embedding Tokens { get; }

    /// <inheritdoc/>
    protected internal override Tensor Embed(EncoderPass pass) => _norm.Forward(Tokens.Forward(pass.Ids));

    /// <inheritdoc/>
    protected internal override Tensor Finish(Tensor x) => _final.Forward(x);

    /// <inheritdoc/>
    protected internal override HeadShape? HeadOf(EncoderTask task) => task switch
    {
        EncoderTask.MaskedLanguage => Head("decoder", HeadInput.Tokens) with { OutputBias = _config.DecoderBias },
        EncoderTask.SequenceClassification or EncoderTask.MultipleChoice => Head("classifier", _config.Pooling),
        EncoderTask.TokenClassification or EncoderTask.QuestionAnswering => Head("classifier", HeadInput.Tokens),
        _ => null,
    };

    private HeadShape Head(string output, HeadInput input) => new(output, input)
    {
        Dense = "head.dense",
        DenseBias = _config.HeadBias,
        Activation = _config.HeadActivation,
        Norm = "head.norm",
        NormEps = _config.NormEps,
        NormBias = _config.NormBias,
    };
}

/// <summary>One layer; the first has no norm before its attention, since the embeddings have one.</summary>
internal sealed class ModernBertBlock : EncoderBlock
{
    private readonly int _heads;
    private readonly int? _reach;
    private readonly Activation _activation;
    private readonly RotaryPositions _rotary;
    private readonly LayerNorm? _attentionNorm;
    private readonly LayerNorm _mlpNorm;
    private readonly Linear _qkv, _attentionOut, _in, _out;

    public ModernBertBlock(ModernBertConfig config, int layer, RotaryPositions rotary)
    {
        (int width, int inner) = (config.HiddenSize, config.IntermediateSize);
        (_heads, _rotary, _activation, _reach) = (config.NumAttentionHeads, rotary, config.Activation, config.LocalLayers[layer] ? config.Reach : null);
        if (layer > 0) _attentionNorm = Child("attn_norm", new LayerNorm(width, config.NormEps, bias: config.NormBias));
        _qkv = Child("attn.Wqkv", new Linear(width, 3 * width, config.AttentionBias));
        _attentionOut = Child("attn.Wo", new Linear(width, width, config.AttentionBias));
        _mlpNorm = Child("mlp_norm", new LayerNorm(width, config.NormEps, bias: config.NormBias));
        _in = Child("mlp.Wi", new Linear(width, 2 * inner, config.MlpBias));
        _out = Child("mlp.Wo", new Linear(inner, width, config.MlpBias));
    }

    public override Tensor Forward(Tensor x, EncoderPass pass)
    {
        Tensor qkv = _qkv.Forward(_attentionNorm?.Forward(x) ?? x).View(x.Size(0), x.Size(1), 3, _heads, x.Size(2) / _heads);
        Tensor seen = pass.Attend(pass.Rotate(Part(qkv, 0), _rotary), pass.Rotate(Part(qkv, 1), _rotary), Part(qkv, 2), reach: _reach);
        x = _attentionOut.Forward(seen, residual: x);
        Tensor[] halves = Ops.Split(_in.Forward(_mlpNorm.Forward(x)), 2, _out.Weight.Size(1), _out.Weight.Size(1));
        return _out.Forward(GatedFeedForward.Gated(halves[0], halves[1], _activation), residual: x);
    }

    // Queries, keys or values of [B, T, 3, H, D] as [B, H, T, D].
    private static Tensor Part(Tensor qkv, int part) => Ops.Select(qkv, 2, part).Permute(0, 2, 1, 3);
}
