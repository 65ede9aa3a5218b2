using System.Diagnostics.CodeAnalysis;
using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Seq2Seq;

/// <summary>The shape of a <see cref="T5"/> or of its encoder.</summary>
public sealed record T5Config : EncoderConfig
{
    [SetsRequiredMembers]
    internal T5Config(ConfigReader read) : base(read)
    {
        read.Flag("is_encoder_decoder");
        HeadDim = read.IntOr(64, "d_kv");
        NumDecoderLayers = read.IntOr(NumHiddenLayers, "num_decoder_layers");
        LayerNormEpsilon = read.Number("layer_norm_epsilon", 1e-6);
        RelativeAttentionNumBuckets = read.IntOr(32, "relative_attention_num_buckets");
        RelativeAttentionMaxDistance = read.IntOr(128, "relative_attention_max_distance");
        string projection = read.TextOr("relu", "feed_forward_proj");
        IsGated = projection.StartsWith("gated-", StringComparison.Ordinal);
        Activation = projection switch
        {
            "gated-gelu" => Activation.GeluTanh, // under this name, of old
            "relu" or "gated-relu" => Activation.Relu,
            "gelu" => Activation.Gelu,
            "silu" or "gated-silu" => Activation.Silu,
            _ => throw new CratonException($"{read.File}: feed_forward_proj is '{projection}', expected relu, gelu, silu, gated-relu, gated-gelu or gated-silu"),
        };
        ScaleDecoderOutputs = read.Flag("scale_decoder_outputs", TieWordEmbeddings);
        Ids = new TargetIds(read, 0);
    }

    /// <summary>Width of a head, whatever that of the stream.</summary>
    public int HeadDim { get; init; }

    /// <summary>Number of blocks of the decoder.</summary>
    public int NumDecoderLayers { get; init; }

    /// <summary>Added to the mean square in the norms.</summary>
    public double LayerNormEpsilon { get; init; }

    /// <summary>Numbers of distances that have a bias.</summary>
    public int RelativeAttentionNumBuckets { get; init; }

    /// <summary>From this distance on all are alike.</summary>
    public int RelativeAttentionMaxDistance { get; init; }

    /// <summary>Whether the feed-forward layers have gates.</summary>
    public bool IsGated { get; init; }

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; init; }

    /// <summary>Whether vectors are divided by √C before the scores are made.</summary>
    public bool ScaleDecoderOutputs { get; init; }

    /// <summary>Ids that have a meaning.</summary>
    public TargetIds Ids { get; init; }

    /// <summary>Positions have no end; texts longer than this would take too much memory for the biases.</summary>
    public override int Longest => 1 << 12;

    /// <inheritdoc/>
    public override void Validate(string source)
    {
        base.Validate(source);
        Within(source, HeadDim, "d_kv", 1 << 12);
        Within(source, NumDecoderLayers, "num_decoder_layers", 1 << 10);
        Within(source, RelativeAttentionNumBuckets / 4, "relative_attention_num_buckets, by fours", 1 << 10);
        if (RelativeAttentionMaxDistance <= RelativeAttentionNumBuckets / 2)
            throw new CratonException($"{source}: relative_attention_max_distance is {RelativeAttentionMaxDistance}, expected more than half of relative_attention_num_buckets ({RelativeAttentionNumBuckets})");
    }
}

/// <summary>
/// T5 (Raffel et al. 2020): norms before each part, scores with a bias of the distance in place of positions, no other biases. Also T5 1.1
/// and its kin (Flan-T5, mT5), whose feed-forward layers have gates.
/// </summary>
public sealed class T5 : SeqToSeqModel
{
    private readonly T5Config _config;
    private readonly T5Encoder _encoder;
    private readonly T5TargetBlock[] _blocks;
    private readonly RelativeBias _bias;
    private readonly RmsNorm _final;
    private readonly OutputHead _head;

    /// <summary>Creates the model with zeroed weights.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="ownHead">Whether scores are made with a matrix of their own.</param>
    public T5(T5Config config, bool ownHead)
    {
        _config = config;
        _encoder = Inline(new T5Encoder(config));
        _bias = Child("decoder.block.0.layer.0.SelfAttention.relative_attention_bias", new RelativeBias(
            config.RelativeAttentionNumBuckets, config.NumAttentionHeads, config.RelativeAttentionMaxDistance, bidirectional: false));
        _blocks = Children("decoder.block", config.NumDecoderLayers, i => new T5TargetBlock(config, i));
        _final = Child("decoder.final_layer_norm", new RmsNorm(config.HiddenSize, config.LayerNormEpsilon));
        _head = ownHead ? new OutputHead(Child("lm_head", new Linear(config.HiddenSize, config.VocabSize))) : new OutputHead(_encoder.Tokens);
    }

    /// <inheritdoc/>
    public override Encoder Encoder => _encoder;

    /// <inheritdoc/>
    public override TargetIds Ids => _config.Ids;

    /// <inheritdoc/>
    protected internal override IReadOnlyList<TargetBlock> Blocks => _blocks;

    /// <inheritdoc/>
    private protected override int DecoderHeads => _config.NumAttentionHeads;

    /// <inheritdoc/>
    private protected override int DecoderHeadDim => _config.HeadDim;

    /// <inheritdoc/>
    protected internal override TargetPass Begin(int tokens, SourceMemory source, Tensor? padding, KvCache? cache)
    {
        int past = cache?.Length ?? 0;
        return new TargetPass(tokens, source, padding, cache) { Bias = _bias.Forward(tokens, past + tokens, past) };
    }

    /// <inheritdoc/>
    protected internal override Tensor Embed(Tensor ids, TargetPass pass) => _encoder.Tokens.Forward(ids);

    /// <inheritdoc/>
    protected internal override Tensor Finish(Tensor x) => _final.Forward(x);

    /// <inheritdoc/>
    public override Tensor Logits(Tensor hidden) => _head.Logits(Scaled(hidden));

    /// <inheritdoc/>
    private protected override Tensor Loss(Tensor hidden, Tensor targets) => _head.Loss(Scaled(hidden), targets, default);

    private Tensor Scaled(Tensor hidden) => _config.ScaleDecoderOutputs ? hidden * (1 / Math.Sqrt(_config.HiddenSize)) : hidden;
}

/// <summary>The encoder of T5, which also stands alone.</summary>
public sealed class T5Encoder : Encoder
{
    private readonly RelativeBias _bias;
    private readonly T5Block[] _blocks;
    private readonly RmsNorm _final;

    /// <summary>Creates the encoder with zeroed weights.</summary>
    public T5Encoder(T5Config config) : base(config)
    {
        Tokens = Child("shared", new Embedding(config.VocabSize, config.HiddenSize));
        _bias = Child("encoder.block.0.layer.0.SelfAttention.relative_attention_bias", new RelativeBias(
            config.RelativeAttentionNumBuckets, config.NumAttentionHeads, config.RelativeAttentionMaxDistance, bidirectional: true));
        _blocks = Children("encoder.block", config.NumHiddenLayers, _ => new T5Block(config));
        _final = Child("encoder.final_layer_norm", new RmsNorm(config.HiddenSize, config.LayerNormEpsilon));
    }

    /// <inheritdoc/>
    protected internal override string Prefix => "transformer";

    /// <inheritdoc/>
    protected internal override IReadOnlyList<EncoderBlock> Blocks => _blocks;

    /// <inheritdoc/>
    protected internal override Embedding Tokens { get; }

    /// <inheritdoc/>
    protected internal override HeadShape? HeadOf(EncoderTask task) => null;

    /// <inheritdoc/>
    protected internal override EncoderPass Begin(in EncoderInput input) => new(input, _bias.Forward(input.Longest, input.Longest));

    /// <inheritdoc/>
    protected internal override Tensor Embed(EncoderPass pass) => Tokens.Forward(pass.Ids);

    /// <inheritdoc/>
    protected internal override Tensor Finish(Tensor x) => _final.Forward(x);
}

/// <summary>A block of the encoder: attention and feed-forward, each behind a norm and added to the stream.</summary>
internal sealed class T5Block : EncoderBlock
{
    private readonly RmsNorm _norm;
    private readonly ProjectedAttention _attention;
    private readonly T5FeedForward _feedForward;

    public T5Block(T5Config config)
    {
        _norm = Child("layer.0.layer_norm", new RmsNorm(config.HiddenSize, config.LayerNormEpsilon));
        _attention = Child("layer.0.SelfAttention", T5FeedForward.Attention(config));
        _feedForward = Child("layer.1", new T5FeedForward(config));
    }

    public override Tensor Forward(Tensor x, EncoderPass pass)
    {
        Tensor normed = _norm.Forward(x);
        // Scores are not divided: the first weights of the training were small instead.
        Tensor seen = pass.Attend(_attention.Queries(normed), _attention.Keys(normed), _attention.Values(normed), scale: 1);
        return _feedForward.Forward(_attention.Output(seen, x));
    }
}

/// <summary>A block of the decoder: attention to the past, to the source, and feed-forward.</summary>
internal sealed class T5TargetBlock : TargetBlock
{
    private readonly int _layer;
    private readonly RmsNorm _norm, _sourceNorm;
    private readonly ProjectedAttention _attention, _source;
    private readonly T5FeedForward _feedForward;

    public T5TargetBlock(T5Config config, int layer)
    {
        _layer = layer;
        _norm = Child("layer.0.layer_norm", new RmsNorm(config.HiddenSize, config.LayerNormEpsilon));
        _attention = Child("layer.0.SelfAttention", T5FeedForward.Attention(config));
        _sourceNorm = Child("layer.1.layer_norm", new RmsNorm(config.HiddenSize, config.LayerNormEpsilon));
        _source = Child("layer.1.EncDecAttention", T5FeedForward.Attention(config));
        _feedForward = Child("layer.2", new T5FeedForward(config));
    }

    public override (Tensor Keys, Tensor Values) Remember(Tensor hidden) => (_source.Keys(hidden), _source.Values(hidden));

    public override Tensor Forward(Tensor x, TargetPass pass)
    {
        Tensor normed = _norm.Forward(x);
        x = _attention.Output(pass.AttendPast(_layer, _attention.Queries(normed), _attention.Keys(normed), _attention.Values(normed), scale: 1), x);
        x = _source.Output(pass.AttendSource(_layer, _source.Queries(_sourceNorm.Forward(x)), scale: 1), x);
        return _feedForward.Forward(x);
    }
}

/// <summary>Norm and feed-forward layer, with or without a gate, added to the stream.</summary>
internal sealed class T5FeedForward : Module
{
    private readonly RmsNorm _norm;
    private readonly GatedFeedForward? _gated;
    private readonly FeedForward? _plain;

    public T5FeedForward(T5Config config)
    {
        _norm = Child("layer_norm", new RmsNorm(config.HiddenSize, config.LayerNormEpsilon));
        if (config.IsGated) _gated = Child("DenseReluDense", new GatedFeedForward(config.HiddenSize, config.IntermediateSize, config.Activation, names: ("wi_0", "wi_1", "wo")));
        else _plain = Child("DenseReluDense", new FeedForward(config.HiddenSize, config.IntermediateSize, config.Activation, bias: false, ("wi", "wo")));
    }

    public Tensor Forward(Tensor x) => _gated?.Forward(_norm.Forward(x), residual: x) ?? _plain!.Forward(_norm.Forward(x), residual: x);

    /// <summary>The projections of any attention of the model.</summary>
    public static ProjectedAttention Attention(T5Config config) => new(config.HiddenSize, config.NumAttentionHeads, config.HeadDim, bias: false, ("q", "k", "v", "o"));
}
