using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>Settings of <see cref="Adagrad"/>.</summary>
/// <param name="LearningRate">Peak step size.</param>
/// <param name="RateDecay">Divides the step size by 1 + decay · (steps − 1).</param>
/// <param name="Eps">Added to the root.</param>
/// <param name="WeightDecay">Added to the gradient as decay · parameter.</param>
public sealed record AdagradOptions(double LearningRate = 1e-2, double RateDecay = 0, double Eps = 1e-10, double WeightDecay = 0);

/// <summary>Adagrad (Duchi et al. 2011): s += g², p −= η · g / (√s + ε).</summary>
public sealed class Adagrad(IEnumerable<NamedParameter> parameters, AdagradOptions options)
    : TensorOptimizer(parameters, options.LearningRate, options.WeightDecay, PerElement("sum"))
{
    private readonly AdagradOptions _options = options;

    private protected override void Update(Tensor parameter, Tensor gradient, Tensor[] state, double rate, double decay)
    {
        if (decay != 0) gradient += parameter * decay;
        Tensor sum = state[0];
        sum.Assign(sum + Ops.Square(gradient));
        parameter.Assign(parameter - gradient / (Ops.Sqrt(sum) + _options.Eps) * (rate / (1 + (Steps - 1) * _options.RateDecay)));
    }
}
