using System.Diagnostics.CodeAnalysis;
using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Seq2Seq;

/// <summary>Where the positions of a <see cref="Bart"/> come from.</summary>
public enum BartPositions
{
    /// <summary>A trained table, two rows of which stand before position 0.</summary>
    Learned,
    /// <summary>Sines and cosines that are computed.</summary>
    Computed,
    /// <summary>Sines and cosines that the checkpoint holds.</summary>
    Stored,
}

/// <summary>The shape of a <see cref="Bart"/>.</summary>
public sealed record BartConfig : EncoderConfig
{
    [SetsRequiredMembers]
    internal BartConfig(ConfigReader read) : base(read)
    {
        read.Flag("is_encoder_decoder");
        read.Refuse(!read.Flag("share_encoder_decoder_embeddings", true), "share_encoder_decoder_embeddings", "source and answer have one table of tokens here");
        read.Refuse(!TieWordEmbeddings, "tie_word_embeddings", "scores are made with the table of tokens here");
        Activation = read.Activation("gelu", "activation_function");
        DecoderLayers = read.IntOr(NumHiddenLayers, "decoder_layers");
        DecoderHeads = read.IntOr(NumAttentionHeads, "decoder_attention_heads");
        DecoderFfnDim = read.IntOr(IntermediateSize, "decoder_ffn_dim");
        ScaleEmbedding = read.Flag("scale_embedding");
        NormsBefore = read.ModelType is "mbart" or "pegasus";
        NormsEmbedding = read.ModelType is "bart" or "mbart";
        Positions = read.ModelType switch { "marian" => BartPositions.Computed, "pegasus" => BartPositions.Stored, _ => BartPositions.Learned };
        RotatesLabels = read.ModelType == "mbart";
        Ids = new TargetIds(read, startOtherwise: 2);
    }

    /// <summary>Applied in the feed-forward layers.</summary>
    public Activation Activation { get; init; }

    /// <summary>Number of blocks of the decoder.</summary>
    public int DecoderLayers { get; init; }

    /// <summary>Number of its heads.</summary>
    public int DecoderHeads { get; init; }

    /// <summary>Width inside its feed-forward layers.</summary>
    public int DecoderFfnDim { get; init; }

    /// <summary>Whether the vectors of tokens are multiplied by √C.</summary>
    public bool ScaleEmbedding { get; init; }

    /// <summary>Whether norms stand before each part, and one behind the last (mBART, Pegasus), or behind each part.</summary>
    public bool NormsBefore { get; init; }

    /// <summary>Whether the sum of token and position is normalised.</summary>
    public bool NormsEmbedding { get; init; }

    /// <summary>Where positions come from.</summary>
    public BartPositions Positions { get; init; }

    /// <summary>Whether the last token of an answer, which names its language, is what the decoder reads first.</summary>
    public bool RotatesLabels { get; init; }

    /// <summary>Ids that have a meaning.</summary>
    public TargetIds Ids { get; init; }

    /// <inheritdoc/>
    public override void Validate(string source)
    {
        base.Validate(source);
        Within(source, DecoderLayers, "decoder_layers", 1 << 10);
        Within(source, DecoderHeads, "decoder_attention_heads", 1 << 12);
        Within(source, DecoderFfnDim, "decoder_ffn_dim", 1 << 18);
        if (HiddenSize % DecoderHeads != 0) throw new CratonException($"{source}: d_model is {HiddenSize}, expected a multiple of decoder_attention_heads ({DecoderHeads})");
        if (Positions != BartPositions.Learned && HiddenSize % 2 != 0) throw new CratonException($"{source}: d_model is {HiddenSize}, expected an even number for sines and cosines");
    }
}

/// <summary>
/// BART (Lewis et al. 2020) and the families that differ from it by settings: mBART (Liu et al. 2020), Marian (Junczys-Dowmunt et al. 2018)
/// and Pegasus (Zhang et al. 2020).
/// </summary>
public sealed class Bart : SeqToSeqModel
{
    private readonly BartConfig _config;
    private readonly BartEncoder _encoder;
    private readonly BartEmbedding _embedding;
    private readonly BartTargetBlock[] _blocks;
    private readonly LayerNorm? _final;
    private readonly Tensor? _bias;
    private readonly Linear? _classify, _labels;

    /// <summary>Creates the model with zeroed weights.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="classifies">Whether it tells classes of texts in place of scores of tokens.</param>
    public Bart(BartConfig config, bool classifies = false)
    {
        _config = config;
        _encoder = Child("model", new BartEncoder(config));
        _embedding = Child("model.decoder", new BartEmbedding(config, _encoder.Tokens));
        _blocks = Children("model.decoder.layers", config.DecoderLayers, i => new BartTargetBlock(config, i));
        if (config.NormsBefore) _final = Child("model.decoder.layer_norm", new LayerNorm(config.HiddenSize));
        if (classifies)
        {
            _classify = Child("classification_head.dense", new Linear(config.HiddenSize, config.HiddenSize, bias: true));
            _labels = Child("classification_head.out_proj", new Linear(config.HiddenSize, config.Labels.Count, bias: true));
        }
        else _bias = Buffer("final_logits_bias", 0, 1, config.VocabSize);
    }

    /// <inheritdoc/>
    public override Encoder Encoder => _encoder;

    /// <inheritdoc/>
    public override TargetIds Ids => _config.Ids;

    /// <inheritdoc/>
    protected internal override IReadOnlyList<TargetBlock> Blocks => _blocks;

    /// <inheritdoc/>
    private protected override int DecoderHeads => _config.DecoderHeads;

    /// <inheritdoc/>
    private protected override int DecoderHeadDim => _config.HiddenSize / _config.DecoderHeads;

    /// <inheritdoc/>
    protected internal override Tensor Embed(Tensor ids, TargetPass pass)
    {
        int[] places = [.. Enumerable.Range(pass.Past, pass.Tokens)];
        return _embedding.Forward(ids, Tensor.From(places, places.Length));
    }

    /// <inheritdoc/>
    protected internal override Tensor Finish(Tensor x) => _final?.Forward(x) ?? x;

    /// <inheritdoc/>
    public override Tensor Logits(Tensor hidden) => _bias is null
        ? throw new CratonException("this model tells classes of texts and has no scores of tokens; ask it for Classes")
        : Ops.Linear(hidden, _encoder.Tokens.Weight, _bias.View(-1));

    /// <inheritdoc/>
    private protected override Tensor Loss(Tensor hidden, Tensor targets) => _bias is null
        ? Ops.CrossEntropy(Logits(hidden), targets)
        : Ops.LinearCrossEntropy(hidden, _encoder.Tokens.Weight, _bias.View(-1), targets);

    /// <summary>Scores of the labels of whole texts, [B, L]: the decoder reads the text too, and its vector at the text's last end decides.</summary>
    /// <param name="source">The texts, as rows; each has an end.</param>
    /// <exception cref="CratonException">The model has no classes, or a text no end.</exception>
    public Tensor Classes(in EncoderInput source)
    {
        if (_classify is null) throw new CratonException("this model has no head for classes; open a checkpoint of a sequence classifier");
        Tensor hidden = Hidden(Shift(source.Ids), Read(source));
        int length = source.Ids.Size(1);
        int[] ids = source.Ids.ToArray<int>(), ends = new int[source.Ids.Size(0)];
        for (int row = 0; row < ends.Length; row++)
        {
            int last = _config.Ids.End is { } end ? Array.LastIndexOf(ids, end, row * length + length - 1, length) : -1;
            ends[row] = last >= 0 ? last : throw new CratonException($"text {row} has no token {_config.Ids.End} that ends it, on which its classes are told");
        }
        Tensor vectors = Ops.IndexSelect(hidden.View(-1, hidden.Size(-1)), 0, Tensor.From(ends, ends.Length));
        return _labels!.Forward(_classify.Forward(vectors), Activation.Tanh);
    }

    /// <inheritdoc/>
    public override Tensor Shift(Tensor labels)
    {
        if (!_config.RotatesLabels) return base.Shift(labels);
        (int rows, int length) = (labels.Size(0), labels.Size(1));
        int[] all = Array.ConvertAll(labels.ToArray<int>(), Filled), shifted = new int[all.Length];
        for (int row = 0; row < rows; row++)
        {
            Span<int> from = all.AsSpan(row * length, length), to = shifted.AsSpan(row * length, length);
            to[0] = from[Math.Max(0, from.LastIndexOfAnyExcept(Ids.Pad))];
            from[..^1].CopyTo(to[1..]);
        }
        return Tensor.From(shifted, rows, length);
    }
}

/// <summary>The encoder of a <see cref="Bart"/>.</summary>
internal sealed class BartEncoder : Encoder
{
    private readonly BartEmbedding _embedding;
    private readonly EncoderBlock[] _blocks;
    private readonly LayerNorm? _final;

    public BartEncoder(BartConfig config) : base(config)
    {
        Tokens = Child("shared", new Embedding(config.VocabSize, config.HiddenSize, config.Ids.Pad));
        _embedding = Child("encoder", new BartEmbedding(config, Tokens));
        _blocks = Children("encoder.layers", config.NumHiddenLayers, _ => new BartBlock(config));
        if (config.NormsBefore) _final = Child("encoder.layer_norm", new LayerNorm(config.HiddenSize));
    }

    protected internal override string Prefix => "model";

    protected internal override IReadOnlyList<EncoderBlock> Blocks => _blocks;

    protected internal override Embedding Tokens { get; }

    protected internal override HeadShape? HeadOf(EncoderTask task) => null;

    protected internal override Tensor Embed(EncoderPass pass) => _embedding.Forward(pass.Ids, pass.Places());

    protected internal override Tensor Finish(Tensor x) => _final?.Forward(x) ?? x;
}

/// <summary>Tokens and positions, of the source or of the answer.</summary>
internal sealed class BartEmbedding : Module
{
    private const int RowsBefore = 2, LeastRows = 512;

    private readonly BartConfig _config;
    private readonly Embedding _tokens;
    private readonly Embedding? _learned;
    private readonly LayerNorm? _norm;
    private readonly Tensor? _stored;
    private Tensor? _computed;

    public BartEmbedding(BartConfig config, Embedding tokens)
    {
        (_config, _tokens) = (config, tokens);
        if (config.Positions == BartPositions.Learned) _learned = Child("embed_positions", new Embedding(config.MaxPositionEmbeddings + RowsBefore, config.HiddenSize));
        if (config.Positions == BartPositions.Stored) _stored = Buffer("embed_positions.weight", 0, config.MaxPositionEmbeddings, config.HiddenSize);
        if (config.NormsEmbedding) _norm = Child("layernorm_embedding", new LayerNorm(config.HiddenSize));
    }

    /// <summary>Ids [B, T] at places [T] or [B, T] → [B, T, C].</summary>
    public Tensor Forward(Tensor ids, Tensor places)
    {
        Tensor tokens = _tokens.Forward(ids);
        if (_config.ScaleEmbedding) tokens *= Math.Sqrt(_config.HiddenSize);
        Tensor x = tokens + (_learned?.Forward(Later(places)) ?? (_stored is null ? Sinusoids(places) : Ops.Embedding(_stored, places)));
        return _norm?.Forward(x) ?? x;
    }

    private static Tensor Later(Tensor places)
    {
        int[] rows = Array.ConvertAll(places.ToArray<int>(), place => place + RowsBefore);
        return Tensor.From(rows, places.Shape);
    }

    // Column j of the first half is sin(p / 10000^(2j / d)), and of the second half the cosine.
    private Tensor Sinusoids(Tensor places)
    {
        int rows = places.ToArray<int>().Max() + 1, width = _config.HiddenSize;
        if (_computed is null || _computed.Size(0) < rows)
        {
            rows = Math.Min(_config.MaxPositionEmbeddings, Math.Max(rows, LeastRows));
            Tensor table = Tensor.Persistent(DType.F32, rows, width);
            Span<float> values = table.AsSpan<float>();
            for (int j = 0; j < width / 2; j++)
            {
                double frequency = 1 / DeterministicMath.Pow(10000, 2.0 * j / width);
                for (int i = 0; i < rows; i++)
                    (values[i * width + j], values[i * width + width / 2 + j]) = ((float)DeterministicMath.Sin(i * frequency), (float)DeterministicMath.Cos(i * frequency));
            }
            _computed = table;
        }
        return Ops.Embedding(_computed, places);
    }
}

/// <summary>The norm of one part of a block: before the part, or behind the sum.</summary>
internal sealed class BartNorm : Module
{
    private readonly bool _before;
    private readonly LayerNorm _norm;

    public BartNorm(BartConfig config) => (_before, _norm) = (config.NormsBefore, Inline(new LayerNorm(config.HiddenSize)));

    /// <summary>What the part reads.</summary>
    public Tensor Before(Tensor x) => _before ? _norm.Forward(x) : x;

    /// <summary>What follows the sum.</summary>
    public Tensor Behind(Tensor x) => _before ? x : _norm.Forward(x);
}

/// <summary>A block of the encoder.</summary>
internal sealed class BartBlock : EncoderBlock
{
    private readonly ProjectedAttention _attention;
    private readonly FeedForward _feedForward;
    private readonly BartNorm _attentionNorm, _finalNorm;

    public BartBlock(BartConfig config)
    {
        _attention = Child("self_attn", Attention(config, config.NumAttentionHeads));
        _attentionNorm = Child("self_attn_layer_norm", new BartNorm(config));
        _feedForward = Inline(new FeedForward(config.HiddenSize, config.IntermediateSize, config.Activation, bias: true, ("fc1", "fc2")));
        _finalNorm = Child("final_layer_norm", new BartNorm(config));
    }

    public override Tensor Forward(Tensor x, EncoderPass pass)
    {
        Tensor y = _attentionNorm.Before(x);
        x = _attentionNorm.Behind(_attention.Output(pass.Attend(_attention.Queries(y), _attention.Keys(y), _attention.Values(y)), x));
        return _finalNorm.Behind(_feedForward.Forward(_finalNorm.Before(x), residual: x));
    }

    /// <summary>The projections of any attention of the model.</summary>
    public static ProjectedAttention Attention(BartConfig config, int heads) =>
        new(config.HiddenSize, heads, config.HiddenSize / heads, bias: true, ("q_proj", "k_proj", "v_proj", "out_proj"));
}

/// <summary>A block of the decoder: attention to the past, to the source, and feed-forward.</summary>
internal sealed class BartTargetBlock : TargetBlock
{
    private readonly int _layer;
    private readonly ProjectedAttention _attention, _source;
    private readonly FeedForward _feedForward;
    private readonly BartNorm _attentionNorm, _sourceNorm, _finalNorm;

    public BartTargetBlock(BartConfig config, int layer)
    {
        _layer = layer;
        _attention = Child("self_attn", BartBlock.Attention(config, config.DecoderHeads));
        _attentionNorm = Child("self_attn_layer_norm", new BartNorm(config));
        _source = Child("encoder_attn", BartBlock.Attention(config, config.DecoderHeads));
        _sourceNorm = Child("encoder_attn_layer_norm", new BartNorm(config));
        _feedForward = Inline(new FeedForward(config.HiddenSize, config.DecoderFfnDim, config.Activation, bias: true, ("fc1", "fc2")));
        _finalNorm = Child("final_layer_norm", new BartNorm(config));
    }

    public override (Tensor Keys, Tensor Values) Remember(Tensor hidden) => (_source.Keys(hidden), _source.Values(hidden));

    public override Tensor Forward(Tensor x, TargetPass pass)
    {
        Tensor y = _attentionNorm.Before(x);
        x = _attentionNorm.Behind(_attention.Output(pass.AttendPast(_layer, _attention.Queries(y), _attention.Keys(y), _attention.Values(y)), x));
        x = _sourceNorm.Behind(_source.Output(pass.AttendSource(_layer, _source.Queries(_sourceNorm.Before(x))), x));
        return _finalNorm.Behind(_feedForward.Forward(_finalNorm.Before(x), residual: x));
    }
}
