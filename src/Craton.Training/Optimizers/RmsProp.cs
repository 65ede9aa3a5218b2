using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>Settings of <see cref="RmsProp"/>.</summary>
/// <param name="LearningRate">Peak step size.</param>
/// <param name="Alpha">Decay of the second moment.</param>
/// <param name="Eps">Added to the root.</param>
/// <param name="WeightDecay">Added to the gradient as decay · parameter.</param>
/// <param name="Momentum">Decay of the momentum; 0 for none.</param>
/// <param name="Centered">Divide by the deviation around the mean gradient instead of around 0 (Graves 2013).</param>
public sealed record RmsPropOptions(
    double LearningRate = 1e-2, double Alpha = 0.99, double Eps = 1e-8, double WeightDecay = 0, double Momentum = 0, bool Centered = false);

/// <summary>RMSprop (Tieleman, Hinton 2012): v = αv + (1−α)g², p −= η · g / (√v + ε). Nothing corrects the bias of the first steps.</summary>
public sealed class RmsProp(IEnumerable<NamedParameter> parameters, RmsPropOptions options) : TensorOptimizer(
    parameters, options.LearningRate, options.WeightDecay, PerElement(StateOf(options)))
{
    private readonly RmsPropOptions _options = options;

    private static string[] StateOf(RmsPropOptions options) =>
        ["square_avg", .. options.Momentum != 0 ? ["momentum_buffer"] : Array.Empty<string>(), .. options.Centered ? ["grad_avg"] : Array.Empty<string>()];

    private protected override void Update(Tensor parameter, Tensor gradient, Tensor[] state, double rate, double decay)
    {
        if (decay != 0) gradient += parameter * decay;
        Tensor square = state[0];
        square.Assign(square * _options.Alpha + Ops.Square(gradient) * (1 - _options.Alpha));
        Tensor variance = square;
        if (_options.Centered)
        {
            Tensor mean = state[^1];
            mean.Assign(mean * _options.Alpha + gradient * (1 - _options.Alpha));
            variance = Ops.Clamp(square - Ops.Square(mean), least: 0); // rounding can take it below
        }
        Tensor direction = gradient / (Ops.Sqrt(variance) + _options.Eps);
        if (_options.Momentum != 0)
        {
            state[1].Assign(state[1] * _options.Momentum + direction);
            direction = state[1];
        }
        parameter.Assign(parameter - direction * rate);
    }
}
