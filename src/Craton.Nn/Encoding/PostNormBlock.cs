using Craton.Tensors;

namespace Craton.Nn;

/// <summary>What a checkpoint calls the parts of a <see cref="PostNormBlock"/>.</summary>
/// <param name="Query">Projection to queries.</param>
/// <param name="Key">Projection to keys.</param>
/// <param name="Value">Projection to values.</param>
/// <param name="Output">Projection of the joined heads.</param>
/// <param name="AttentionNorm">Norm behind the attention.</param>
/// <param name="Up">First projection of the feed-forward layer.</param>
/// <param name="Down">Its second.</param>
/// <param name="OutputNorm">Norm behind it.</param>
public sealed record PostNormNames(
    string Query, string Key, string Value, string Output, string AttentionNorm, string Up, string Down, string OutputNorm);

/// <summary>
/// A layer of an encoder as Vaswani et al. (2017) and BERT have it: attention and feed-forward, each added to the stream, which is normalised
/// behind both.
/// </summary>
public sealed class PostNormBlock : EncoderBlock
{
    private readonly ProjectedAttention _attention;
    private readonly FeedForward _feedForward;
    private readonly LayerNorm _attentionNorm, _outputNorm;

    /// <summary>Creates the layer.</summary>
    /// <param name="width">Width of the stream.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="inner">Width inside the feed-forward layer.</param>
    /// <param name="activation">Applied there.</param>
    /// <param name="eps">Added to the variance in the norms.</param>
    /// <param name="names">The checkpoint's names.</param>
    public PostNormBlock(int width, int heads, int inner, Activation activation, double eps, PostNormNames names)
    {
        _attention = Inline(new ProjectedAttention(width, heads, width / heads, bias: true, (names.Query, names.Key, names.Value, names.Output)));
        _attentionNorm = Child(names.AttentionNorm, new LayerNorm(width, eps));
        _feedForward = Inline(new FeedForward(width, inner, activation, bias: true, (names.Up, names.Down)));
        _outputNorm = Child(names.OutputNorm, new LayerNorm(width, eps));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, EncoderPass pass)
    {
        Tensor seen = pass.Attend(_attention.Queries(x), _attention.Keys(x), _attention.Values(x));
        x = _attentionNorm.Forward(_attention.Output(seen, x));
        return _outputNorm.Forward(_feedForward.Forward(x, residual: x));
    }
}
