using Craton.Models.Encoders;
using Craton.Models.Seq2Seq;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>Settings of the texts' side of BLIP.</summary>
public sealed record BlipTextConfig : TowerConfig
{
    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    /// <param name="read">The configuration of this part.</param>
    /// <param name="sourceWidth">Width of the vectors that its layers look at, whatever the configuration says.</param>
    public BlipTextConfig(ConfigReader read, int sourceWidth) : base(read, 768, 1e-12, "gelu", heads: 8)
    {
        read.Refuse(!read.Flag("is_decoder", true), "is_decoder", "its layers would not look at the image");
        read.Refuse(!read.Flag("tie_word_embeddings", true), "tie_word_embeddings", "scores are made with the table of tokens here");
        SourceWidth = sourceWidth;
        Tokens = read.IntOr(30524, "vocab_size");
        Longest = read.IntOr(512, "max_position_embeddings");
        LabelSmoothing = read.Probability("label_smoothing");
        Ids = new TargetIds(read.Id("bos_token_id") ?? 30522, read.Id("sep_token_id") ?? 102, read.Id("pad_token_id") ?? 0);
        EncoderConfig.Within(read.File, Tokens, "vocab_size", 1 << 24);
        EncoderConfig.Within(read.File, Longest, "max_position_embeddings", 1 << 20);
        if (Ids.Pad >= Tokens) throw new CratonException($"{read.File}: pad_token_id is {Ids.Pad}, expected less than vocab_size ({Tokens})");
    }

    /// <summary>Width of the vectors that its layers look at.</summary>
    public int SourceWidth { get; }

    /// <summary>Number of token ids.</summary>
    public int Tokens { get; }

    /// <summary>Most tokens of a text.</summary>
    public int Longest { get; }

    /// <summary>Share of a target's probability that training spreads over all tokens.</summary>
    public double LabelSmoothing { get; }

    /// <summary>Ids that have a meaning: texts end with the one that separates.</summary>
    public TargetIds Ids { get; }
}

/// <summary>The texts' side of BLIP: BERT, whose layers look at a source too.</summary>
internal sealed class BlipText : Module
{
    private readonly Embedding _positions;
    private readonly LayerNorm _norm;

    public BlipText(BlipTextConfig config)
    {
        Tokens = Child("embeddings.word_embeddings", new Embedding(config.Tokens, config.Width, config.Ids.Pad));
        _positions = Child("embeddings.position_embeddings", new Embedding(config.Longest, config.Width));
        _norm = Child("embeddings.LayerNorm", new LayerNorm(config.Width, config.Eps));
        Blocks = Children("encoder.layer", config.Layers, i => new BlipTextBlock(config, i));
    }

    public Embedding Tokens { get; }

    public IReadOnlyList<TargetBlock> Blocks { get; }

    public Tensor Embed(Tensor ids, TargetPass pass) => _norm.Forward(Tokens.Forward(ids) + _positions.Weight.Slice(0, pass.Past, pass.Past + pass.Tokens));
}

/// <summary>Writes texts about what it looks at.</summary>
public sealed class BlipDecoder : TargetDecoder
{
    private readonly BlipTextConfig _config;
    private readonly BlipText _text;
    private readonly Linear _transform;
    private readonly LayerNorm _norm;
    private readonly OutputHead _head;

    /// <summary>Creates the decoder with zeroed weights.</summary>
    public BlipDecoder(BlipTextConfig config)
    {
        _config = config;
        _text = Child("bert", new BlipText(config));
        _transform = Child("cls.predictions.transform.dense", new Linear(config.Width, config.Width, bias: true));
        _norm = Child("cls.predictions.transform.LayerNorm", new LayerNorm(config.Width, config.Eps));
        _head = new OutputHead(_text.Tokens, bias: Parameter("cls.predictions.bias", config.Tokens));
    }

    /// <inheritdoc/>
    public override TargetIds Ids => _config.Ids;

    /// <inheritdoc/>
    public override int Vocabulary => _config.Tokens;

    /// <inheritdoc/>
    public override int Longest => _config.Longest;

    /// <inheritdoc/>
    protected internal override IReadOnlyList<TargetBlock> Blocks => _text.Blocks;

    /// <inheritdoc/>
    private protected override int DecoderHeads => _config.Heads;

    /// <inheritdoc/>
    private protected override int DecoderHeadDim => _config.Width / _config.Heads;

    /// <inheritdoc/>
    protected internal override Tensor Embed(Tensor ids, TargetPass pass) => _text.Embed(ids, pass);

    /// <inheritdoc/>
    protected internal override Tensor Finish(Tensor x) => _norm.Forward(Ops.Activate(_transform.Forward(x), _config.Activation));

    /// <inheritdoc/>
    public override Tensor Logits(Tensor hidden) => _head.Logits(hidden);

    /// <inheritdoc/>
    private protected override Tensor Loss(Tensor hidden, Tensor targets) => _head.Loss(hidden, targets, new CrossEntropyOptions { LabelSmoothing = _config.LabelSmoothing });
}

/// <summary>A layer: attention to the text, to the source, and feed-forward, each added to the stream, which is normalised behind it.</summary>
internal sealed class BlipTextBlock : TargetBlock
{
    private readonly int _layer;
    private readonly ProjectedAttention _attention, _source;
    private readonly FeedForward _feedForward;
    private readonly LayerNorm _attentionNorm, _sourceNorm, _outputNorm;

    public BlipTextBlock(BlipTextConfig config, int layer)
    {
        _layer = layer;
        _attention = Inline(Attention(config, "attention", config.Width));
        _attentionNorm = Child("attention.output.LayerNorm", new LayerNorm(config.Width, config.Eps));
        _source = Inline(Attention(config, "crossattention", config.SourceWidth));
        _sourceNorm = Child("crossattention.output.LayerNorm", new LayerNorm(config.Width, config.Eps));
        _feedForward = Inline(new FeedForward(config.Width, config.Inner, config.Activation, bias: true, ("intermediate.dense", "output.dense")));
        _outputNorm = Child("output.LayerNorm", new LayerNorm(config.Width, config.Eps));
    }

    public override (Tensor Keys, Tensor Values) Remember(Tensor hidden) => (_source.Keys(hidden), _source.Values(hidden));

    public override Tensor Forward(Tensor x, TargetPass pass)
    {
        x = _attentionNorm.Forward(_attention.Output(pass.AttendPast(_layer, _attention.Queries(x), _attention.Keys(x), _attention.Values(x)), x));
        x = _sourceNorm.Forward(_source.Output(pass.AttendSource(_layer, _source.Queries(x)), x));
        return _outputNorm.Forward(_feedForward.Forward(x, residual: x));
    }

    private static ProjectedAttention Attention(BlipTextConfig config, string name, int sourceWidth) => new(
        config.Width, config.Heads, config.Width / config.Heads, bias: true,
        ($"{name}.self.query", $"{name}.self.key", $"{name}.self.value", $"{name}.output.dense"), seenWidth: sourceWidth);
}
