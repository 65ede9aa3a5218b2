using Craton.Tensors;

namespace Craton.Nn;

/// <summary>The projections of an attention with as many key heads as query heads.</summary>
public sealed class ProjectedAttention : Module
{
    private readonly int _heads;
    private readonly Linear _query, _key, _value, _output;

    /// <summary>Creates the projections.</summary>
    /// <param name="width">Width of the stream.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="headDim">Width of a head.</param>
    /// <param name="bias">Whether the projections have biases.</param>
    /// <param name="names">The checkpoint's names.</param>
    /// <param name="outputBias">Whether the last projection has a bias; as the others when null.</param>
    /// <param name="seenWidth">Width of what keys and values are made of; that of the stream when null.</param>
    public ProjectedAttention(
        int width, int heads, int headDim, bool bias, (string Query, string Key, string Value, string Output) names, bool? outputBias = null, int? seenWidth = null)
    {
        _heads = heads;
        _query = Child(names.Query, new Linear(width, heads * headDim, bias));
        _key = Child(names.Key, new Linear(seenWidth ?? width, heads * headDim, bias));
        _value = Child(names.Value, new Linear(seenWidth ?? width, heads * headDim, bias));
        _output = Child(names.Output, new Linear(heads * headDim, width, outputBias ?? bias));
    }

    /// <summary>Queries, [B, T, C] → [B, H, T, D].</summary>
    public Tensor Queries(Tensor x) => Heads.Split(_query.Forward(x), _heads);

    /// <summary>Keys, [B, T, C] → [B, H, T, D].</summary>
    public Tensor Keys(Tensor x) => Heads.Split(_key.Forward(x), _heads);

    /// <summary>Values, [B, T, C] → [B, H, T, D].</summary>
    public Tensor Values(Tensor x) => Heads.Split(_value.Forward(x), _heads);

    /// <summary>What all places of x see of each other: [B, T, C] → [B, T, H·D].</summary>
    /// <param name="x">The stream, normalised where the model does so.</param>
    /// <param name="options">Who sees whom.</param>
    /// <param name="weights">Gets the weights [B, H, T, T] when it is given, for looking at.</param>
    public Tensor Attend(Tensor x, in AttentionOptions options, ICollection<Tensor>? weights = null)
    {
        Tensor q = Queries(x), k = Keys(x);
        weights?.Add(Heads.Weights(q, k, options));
        return Heads.Join(Ops.Attention(q, k, Values(x), options));
    }

    /// <summary>What all places of x see of another stream: [B, T, C] and [B, S, seen width] → [B, T, H·D].</summary>
    public Tensor Attend(Tensor x, Tensor seen, in AttentionOptions options) => Heads.Join(Ops.Attention(Queries(x), Keys(seen), Values(seen), options));

    /// <summary>The joined heads back into the stream: [B, T, H·D] → [B, T, C], with the residual added if one is given.</summary>
    public Tensor Output(Tensor seen, Tensor? residual = null) => _output.Forward(seen, residual: residual);
}
