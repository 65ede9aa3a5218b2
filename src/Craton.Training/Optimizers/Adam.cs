using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>Settings of <see cref="Adam"/>.</summary>
/// <param name="LearningRate">Peak step size.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Eps">Added to the root of the corrected second moment.</param>
/// <param name="WeightDecay">Weight decay.</param>
/// <param name="Decoupled">Shrink the parameter (AdamW) instead of adding to the gradient.</param>
/// <param name="AmsGrad">Divide by the greatest second moment so far (Reddi et al. 2018).</param>
/// <param name="EpsRoot">Added under the root.</param>
public sealed record AdamOptions(
    double LearningRate = 1e-3, double Beta1 = 0.9, double Beta2 = 0.999, double Eps = 1e-8, double WeightDecay = 0,
    bool Decoupled = false, bool AmsGrad = false, double EpsRoot = 0);

/// <summary>
/// Adam (Kingma, Ba 2015) and its variants: m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g², p −= η · m̂ / (√(v̂ + ε_root) + ε).
/// For the plain decoupled form <see cref="AdamW"/> is faster.
/// </summary>
public sealed class Adam(IEnumerable<NamedParameter> parameters, AdamOptions options) : TensorOptimizer(
    parameters, options.LearningRate, options.WeightDecay,
    options.AmsGrad ? PerElement("exp_avg", "exp_avg_sq", "max_exp_avg_sq") : PerElement("exp_avg", "exp_avg_sq"))
{
    private readonly AdamOptions _options = options;

    private protected override void Update(Tensor parameter, Tensor gradient, Tensor[] state, double rate, double decay)
    {
        if (decay != 0 && !_options.Decoupled) gradient += parameter * decay;
        (Tensor first, Tensor second) = (state[0], state[1]);
        first.Assign(first * _options.Beta1 + gradient * (1 - _options.Beta1));
        second.Assign(second * _options.Beta2 + Ops.Square(gradient) * (1 - _options.Beta2));
        if (_options.AmsGrad) state[2].Assign(Ops.Maximum(state[2], second));

        double correction1 = 1 - DeterministicMath.Power(_options.Beta1, Steps), correction2 = 1 - DeterministicMath.Power(_options.Beta2, Steps);
        Tensor divisor = Ops.Sqrt(Ops.Affine(_options.AmsGrad ? state[2] : second, 1 / correction2, _options.EpsRoot)) + _options.Eps;
        Tensor kept = _options.Decoupled && decay != 0 ? parameter * (1 - rate * decay) : parameter;
        parameter.Assign(kept - first / divisor * (rate / correction1));
    }
}
