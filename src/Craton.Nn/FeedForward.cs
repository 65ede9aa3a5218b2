using Craton.Tensors;

namespace Craton.Nn;

/// <summary>Feed-forward layer: down(activation(up(x))).</summary>
public sealed class FeedForward : Module
{
    private readonly Linear _up, _down;
    private readonly Activation _activation;

    /// <summary>Creates the layer.</summary>
    /// <param name="width">Width of the stream.</param>
    /// <param name="inner">Width inside.</param>
    /// <param name="activation">Applied inside.</param>
    /// <param name="bias">Whether both projections have biases.</param>
    /// <param name="names">The checkpoint's names of the projections.</param>
    public FeedForward(int width, int inner, Activation activation, bool bias, (string Up, string Down) names)
    {
        _activation = activation;
        _up = Child(names.Up, new Linear(width, inner, bias));
        _down = Child(names.Down, new Linear(inner, width, bias));
    }

    /// <summary>x [.., C] → [.., C], with the residual added if one is given.</summary>
    public Tensor Forward(Tensor x, Tensor? residual = null) => _down.Forward(_up.Forward(x), _activation, residual);
}

/// <summary>Gated feed-forward layer (Shazeer 2020): down(activation(gate(x)) · up(x)).</summary>
public sealed class GatedFeedForward : Module
{
    private readonly Linear _gate, _up, _down;
    private readonly Activation _activation;

    /// <summary>Creates the layer.</summary>
    /// <param name="width">Width of the stream.</param>
    /// <param name="inner">Width inside.</param>
    /// <param name="activation">Applied to the gate.</param>
    /// <param name="bias">Whether the projections have biases.</param>
    /// <param name="names">The checkpoint's names of the projections; <c>gate_proj</c>, <c>up_proj</c>, <c>down_proj</c> when null.</param>
    public GatedFeedForward(int width, int inner, Activation activation, bool bias = false, (string Gate, string Up, string Down)? names = null)
    {
        (string gate, string up, string down) = names ?? ("gate_proj", "up_proj", "down_proj");
        _activation = activation;
        _gate = Child(gate, new Linear(width, inner, bias));
        _up = Child(up, new Linear(width, inner, bias));
        _down = Child(down, new Linear(inner, width, bias));
    }

    /// <summary>x [.., C] → [.., C], with the residual added if one is given.</summary>
    public Tensor Forward(Tensor x, Tensor? residual = null) => _down.Forward(Gated(_gate.Forward(x), _up.Forward(x), _activation), residual: residual);

    /// <summary>activation(gate) · up.</summary>
    public static Tensor Gated(Tensor gate, Tensor up, Activation activation) => activation switch
    {
        Activation.Silu => Ops.SwiGlu(gate, up),
        Activation.Gelu => Ops.GeGlu(gate, up),
        Activation.GeluTanh => Ops.GeGlu(gate, up, tanh: true),
        _ => Ops.Activate(gate, activation) * up,
    };
}
