using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Seq2Seq;

/// <summary>GPT-2 with layers that look at a source too: the decoder of image captioners.</summary>
public sealed class Gpt2Target : TargetDecoder
{
    private readonly Gpt2Config _config;
    private readonly Embedding _tokens, _positions;
    private readonly Gpt2TargetBlock[] _blocks;
    private readonly LayerNorm _final;
    private readonly OutputHead _head;

    /// <summary>Creates the decoder with zeroed weights.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="ids">Ids that have a meaning.</param>
    public Gpt2Target(Gpt2Config config, TargetIds ids)
    {
        (_config, Ids) = (config, ids);
        _tokens = Child("transformer.wte", new Embedding(config.VocabSize, config.HiddenSize));
        _positions = Child("transformer.wpe", new Embedding(config.MaxPositionEmbeddings, config.HiddenSize));
        _blocks = Children("transformer.h", config.NumHiddenLayers, i => new Gpt2TargetBlock(config, i));
        _final = Child("transformer.ln_f", new LayerNorm(config.HiddenSize, config.LayerNormEpsilon));
        _head = config.TieWordEmbeddings ? new OutputHead(_tokens) : new OutputHead(Child("lm_head", new Linear(config.HiddenSize, config.VocabSize)));
    }

    /// <inheritdoc/>
    public override TargetIds Ids { get; }

    /// <inheritdoc/>
    public override int Vocabulary => _config.VocabSize;

    /// <inheritdoc/>
    public override int Longest => _config.MaxPositionEmbeddings;

    /// <inheritdoc/>
    protected internal override IReadOnlyList<TargetBlock> Blocks => _blocks;

    /// <inheritdoc/>
    private protected override int DecoderHeads => _config.NumAttentionHeads;

    /// <inheritdoc/>
    private protected override int DecoderHeadDim => _config.HeadDim;

    /// <inheritdoc/>
    protected internal override Tensor Embed(Tensor ids, TargetPass pass) => _tokens.Forward(ids) + _positions.Weight.Slice(0, pass.Past, pass.Past + pass.Tokens);

    /// <inheritdoc/>
    protected internal override Tensor Finish(Tensor x) => _final.Forward(x);

    /// <inheritdoc/>
    public override Tensor Logits(Tensor hidden) => _head.Logits(hidden);

    /// <inheritdoc/>
    private protected override Tensor Loss(Tensor hidden, Tensor targets) => _head.Loss(hidden, targets, default);
}

/// <summary>A block: attention to the past, to the source, and feed-forward, each behind a norm and added to the stream.</summary>
internal sealed class Gpt2TargetBlock : TargetBlock
{
    private readonly int _heads, _layer;
    private readonly double _scale;
    private readonly LayerNorm _norm, _sourceNorm, _innerNorm;
    private readonly FusedAttention _attention;
    private readonly Linear _sourceQueries, _sourceKeysAndValues, _sourceOutput;
    private readonly FeedForward _mlp;

    public Gpt2TargetBlock(Gpt2Config config, int layer)
    {
        int width = config.HiddenSize;
        (_heads, _layer, _scale) = (config.NumAttentionHeads, layer, config.ScaleOf(layer));
        _norm = Child("ln_1", new LayerNorm(width, config.LayerNormEpsilon));
        _attention = Child("attn", new FusedAttention(width, config.NumAttentionHeads, ("c_attn", "c_proj")));
        _sourceNorm = Child("ln_cross_attn", new LayerNorm(width, config.LayerNormEpsilon));
        _sourceQueries = Child("crossattention.q_attn", new Linear(width, width, bias: true));
        _sourceKeysAndValues = Child("crossattention.c_attn", new Linear(width, 2 * width, bias: true));
        _sourceOutput = Child("crossattention.c_proj", new Linear(width, width, bias: true));
        _innerNorm = Child("ln_2", new LayerNorm(width, config.LayerNormEpsilon));
        _mlp = Child("mlp", new FeedForward(width, config.IntermediateSize, config.Activation, bias: true, ("c_fc", "c_proj")));
    }

    public override (Tensor Keys, Tensor Values) Remember(Tensor hidden)
    {
        Tensor joined = _sourceKeysAndValues.Forward(hidden);
        return (FusedAttention.Part(joined, 2, 0, _heads), FusedAttention.Part(joined, 2, 1, _heads));
    }

    public override Tensor Forward(Tensor x, TargetPass pass)
    {
        (Tensor q, Tensor k, Tensor v) = _attention.Project(_norm.Forward(x));
        x = _attention.Output(pass.AttendPast(_layer, q, k, v, _scale), x);
        Tensor queries = FusedAttention.Part(_sourceQueries.Forward(_sourceNorm.Forward(x)), 1, 0, _heads);
        x = _sourceOutput.Forward(pass.AttendSource(_layer, queries, _scale), residual: x);
        return _mlp.Forward(_innerNorm.Forward(x), residual: x);
    }
}
