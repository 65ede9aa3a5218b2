using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// One call of a decoder that answers a source on its way through the layers: where its tokens stand, the past, and the source. It is the only
/// way in which a model reaches them.
/// </summary>
public sealed class TargetPass
{
    private readonly SourceMemory _source;
    private readonly Tensor? _padding;
    private readonly KvCache? _cache;

    /// <summary>Begins a call.</summary>
    /// <param name="tokens">Number of new tokens of each row.</param>
    /// <param name="source">What is answered.</param>
    /// <param name="padding">Which places hold a token, Bool [B, T]; all when null. Not with a cache.</param>
    /// <param name="cache">Keys and values of earlier tokens; layers append their own.</param>
    public TargetPass(int tokens, SourceMemory source, Tensor? padding, KvCache? cache)
    {
        (Tokens, _source, _padding, _cache) = (tokens, source, padding, cache);
        Past = cache?.Length ?? 0;
    }

    /// <summary>New tokens of each row.</summary>
    public int Tokens { get; }

    /// <summary>Tokens before them.</summary>
    public int Past { get; }

    /// <summary>Whether tokens see those behind them too: of a text that is there as a whole.</summary>
    public bool SeesAhead { get; init; }

    /// <summary>Added to the scores with earlier tokens in every layer, [1, H, T, Past + T]; null for none.</summary>
    public Tensor? Bias { get; init; }

    /// <summary>Gets the weights with which each layer looks at the source, [B, H, T, S], when it is set, for looking at.</summary>
    public IList<Tensor>? SourceWeights { get; set; }

    /// <summary>Attention of the new tokens to the past and themselves, causal unless they see ahead: all [B, H, T, D] → [B, T, H·D].</summary>
    public Tensor AttendPast(int layer, Tensor q, Tensor k, Tensor v, double? scale = null)
    {
        if (_cache is not null) (k, v) = _cache.Append(layer, k, v);
        return Heads.Join(Ops.Attention(q, k, v, new AttentionOptions { Causal = !SeesAhead, QueryOffset = Past, Scale = scale, Bias = Bias, KeyPadding = _padding }));
    }

    /// <summary>Attention of the new tokens to the source: [B, H, T, D] → [B, T, H·D].</summary>
    public Tensor AttendSource(int layer, Tensor q, double? scale = null)
    {
        (Tensor keys, Tensor values, Tensor? padding) = _source.Of(layer);
        var options = new AttentionOptions { Scale = scale, KeyPadding = padding };
        SourceWeights?.Add(Heads.Weights(q, keys, options));
        return Heads.Join(Ops.Attention(q, keys, values, options));
    }
}

/// <summary>One block of a decoder that answers a source.</summary>
public abstract class TargetBlock : Module
{
    /// <summary>What it looks at in a source [B, S, C]: keys and values, each [B, H, S, D].</summary>
    public abstract (Tensor Keys, Tensor Values) Remember(Tensor hidden);

    /// <summary>The stream behind the block: [B, T, C] → [B, T, C].</summary>
    public abstract Tensor Forward(Tensor x, TargetPass pass);
}
