using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>Settings of <see cref="Sgd"/>.</summary>
/// <param name="LearningRate">Peak step size.</param>
/// <param name="Momentum">Decay of the momentum; 0 for none.</param>
/// <param name="Dampening">Share of a new gradient that the momentum leaves out.</param>
/// <param name="WeightDecay">Added to the gradient as decay · parameter.</param>
/// <param name="Nesterov">Look one step ahead along the momentum.</param>
public sealed record SgdOptions(
    double LearningRate = 1e-3, double Momentum = 0, double Dampening = 0, double WeightDecay = 0, bool Nesterov = false);

/// <summary>
/// Stochastic gradient descent with momentum, as PyTorch has it: b = μb + (1 − dampening)g, p −= ηb. The first step of all stores g itself.
/// </summary>
public sealed class Sgd(IEnumerable<NamedParameter> parameters, SgdOptions options) : TensorOptimizer(
    parameters, options.LearningRate, options.WeightDecay, options.Momentum != 0 ? PerElement("momentum_buffer") : PerElement())
{
    private readonly SgdOptions _options = options;

    private protected override void Update(Tensor parameter, Tensor gradient, Tensor[] state, double rate, double decay)
    {
        if (decay != 0) gradient += parameter * decay;
        Tensor direction = gradient;
        if (_options.Momentum != 0)
        {
            Tensor buffer = state[0];
            buffer.Assign(Steps == 1 ? gradient : buffer * _options.Momentum + gradient * (1 - _options.Dampening));
            direction = _options.Nesterov ? gradient + buffer * _options.Momentum : buffer;
        }
        parameter.Assign(parameter - direction * rate);
    }
}
