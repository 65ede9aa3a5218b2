using Craton.Tensors;

namespace Craton.Nn;

/// <summary>The projections of an attention whose queries, keys and values come out of one matrix, one behind the other.</summary>
public sealed class FusedAttention : Module
{
    private readonly int _heads;
    private readonly Linear _joined, _output;

    /// <summary>Creates the projections.</summary>
    /// <param name="width">Width of the stream.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="names">The checkpoint's names.</param>
    public FusedAttention(int width, int heads, (string Joined, string Output) names)
    {
        _heads = heads;
        _joined = Child(names.Joined, new Linear(width, 3 * width, bias: true));
        _output = Child(names.Output, new Linear(width, width, bias: true));
    }

    /// <summary>Queries, keys and values: [B, T, C] → three of [B, H, T, D].</summary>
    public (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x)
    {
        Tensor joined = _joined.Forward(x);
        return (Part(joined, 3, 0, _heads), Part(joined, 3, 1, _heads), Part(joined, 3, 2, _heads));
    }

    /// <summary>What all places of x see of each other: [B, T, C] → [B, T, C].</summary>
    /// <param name="x">The stream, normalised where the model does so.</param>
    /// <param name="options">Who sees whom.</param>
    /// <param name="weights">Gets the weights [B, H, T, T] when it is given, for looking at.</param>
    public Tensor Attend(Tensor x, in AttentionOptions options, ICollection<Tensor>? weights = null)
    {
        (Tensor q, Tensor k, Tensor v) = Project(x);
        weights?.Add(Heads.Weights(q, k, options));
        return Heads.Join(Ops.Attention(q, k, v, options));
    }

    /// <summary>The joined heads back into the stream: [B, T, C] → [B, T, C], with the residual added if one is given.</summary>
    public Tensor Output(Tensor seen, Tensor? residual = null) => _output.Forward(seen, residual: residual);

    /// <summary>One of several projections that lie one behind the other: [B, T, parts · H · D] → [B, H, T, D].</summary>
    public static Tensor Part(Tensor joined, int parts, int part, int heads)
    {
        Tensor x = joined.View(joined.Size(0), joined.Size(1), parts, heads, joined.Size(2) / parts / heads);
        return Ops.Select(x, 2, part).Permute(0, 2, 1, 3);
    }
}
