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
    public ProjectedAttention(int width, int heads, int headDim, bool bias, (string Query, string Key, string Value, string Output) names)
    {
        _heads = heads;
        _query = Child(names.Query, new Linear(width, heads * headDim, bias));
        _key = Child(names.Key, new Linear(width, heads * headDim, bias));
        _value = Child(names.Value, new Linear(width, heads * headDim, bias));
        _output = Child(names.Output, new Linear(heads * headDim, width, bias));
    }

    /// <summary>Queries, [B, T, C] → [B, H, T, D].</summary>
    public Tensor Queries(Tensor x) => Heads.Split(_query.Forward(x), _heads);

    /// <summary>Keys, [B, T, C] → [B, H, T, D].</summary>
    public Tensor Keys(Tensor x) => Heads.Split(_key.Forward(x), _heads);

    /// <summary>Values, [B, T, C] → [B, H, T, D].</summary>
    public Tensor Values(Tensor x) => Heads.Split(_value.Forward(x), _heads);

    /// <summary>The joined heads back into the stream: [B, T, H·D] → [B, T, C], the residual added.</summary>
    public Tensor Output(Tensor seen, Tensor residual) => _output.Forward(seen, residual: residual);
}
