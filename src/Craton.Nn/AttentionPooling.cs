using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// One vector made of many: a learned query attends to all of them, and a feed-forward layer follows (Lee et al. 2019, "Set Transformer"; Zhai
/// et al. 2022, "Scaling Vision Transformers"). Parameters have the names of SigLIP.
/// </summary>
public sealed class AttentionPooling : Module
{
    private readonly int _heads, _width;
    private readonly Tensor _probe, _projections, _biases;
    private readonly Linear _output;
    private readonly LayerNorm _norm;
    private readonly FeedForward _feedForward;

    /// <summary>Creates the layer with zeroed weights.</summary>
    /// <param name="width">Width of the vectors.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="inner">Width inside the feed-forward layer.</param>
    /// <param name="activation">Applied there.</param>
    /// <param name="eps">Added to the variance in the norm.</param>
    public AttentionPooling(int width, int heads, int inner, Activation activation, double eps)
    {
        (_heads, _width) = (heads, width);
        _probe = Parameter("probe", 1, 1, width);
        _projections = Parameter("attention.in_proj_weight", 3 * width, width);
        _biases = Parameter("attention.in_proj_bias", 3 * width);
        _output = Child("attention.out_proj", new Linear(width, width, bias: true));
        _norm = Child("layernorm", new LayerNorm(width, eps));
        _feedForward = Child("mlp", new FeedForward(width, inner, activation, bias: true, ("fc1", "fc2")));
    }

    /// <summary>x [N, T, C] → [N, C].</summary>
    public Tensor Forward(Tensor x)
    {
        Tensor query = Ops.Expand(Project(_probe, 0), x.Size(0), 1, _width);
        Tensor seen = Ops.Attention(Heads.Split(query, _heads), Heads.Split(Project(x, 1), _heads), Heads.Split(Project(x, 2), _heads), default);
        Tensor y = _output.Forward(Heads.Join(seen));
        return Ops.Select(_feedForward.Forward(_norm.Forward(y), residual: y), 1, 0);
    }

    // Queries, keys and values are thirds of one matrix.
    private Tensor Project(Tensor x, int third) => Ops.Linear(
        x, Ops.Contiguous(_projections.Slice(0, third * _width, (third + 1) * _width)), Ops.Contiguous(_biases.Slice(0, third * _width, (third + 1) * _width)));
}
