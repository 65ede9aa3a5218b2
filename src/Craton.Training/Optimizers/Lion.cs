using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>Settings of <see cref="Lion"/>.</summary>
/// <param name="LearningRate">Peak step size, three to ten times less than AdamW's.</param>
/// <param name="Beta1">Weight of the momentum in the update.</param>
/// <param name="Beta2">Decay of the momentum.</param>
/// <param name="WeightDecay">Decoupled weight decay.</param>
public sealed record LionOptions(double LearningRate = 1e-4, double Beta1 = 0.9, double Beta2 = 0.99, double WeightDecay = 0);

/// <summary>Lion (Chen et al. 2023): p −= η · (sign(β₁m + (1−β₁)g) + λp), then m = β₂m + (1−β₂)g.</summary>
public sealed class Lion(IEnumerable<NamedParameter> parameters, LionOptions options)
    : TensorOptimizer(parameters, options.LearningRate, options.WeightDecay, PerElement("exp_avg"))
{
    private readonly LionOptions _options = options;

    private protected override void Update(Tensor parameter, Tensor gradient, Tensor[] state, double rate, double decay)
    {
        Tensor momentum = state[0];
        Tensor direction = Ops.Sign(momentum * _options.Beta1 + gradient * (1 - _options.Beta1));
        if (decay != 0) direction += parameter * decay;
        parameter.Assign(parameter - direction * rate);
        momentum.Assign(momentum * _options.Beta2 + gradient * (1 - _options.Beta2));
    }
}
