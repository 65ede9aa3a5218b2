using Craton.Tensors;
using Craton.Tensors.Kernels;

namespace Craton.Training.Optimizers;

/// <summary>Settings of <see cref="AdamW"/>, with PyTorch's defaults but for the learning rate.</summary>
/// <param name="LearningRate">Peak step size.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Eps">Added to the root of the corrected second moment.</param>
/// <param name="WeightDecay">Decoupled weight decay of matrices.</param>
public sealed record AdamWOptions(double LearningRate = 1e-3, double Beta1 = 0.9, double Beta2 = 0.999, double Eps = 1e-8, double WeightDecay = 0.01);

/// <summary>Adam with decoupled weight decay (Loshchilov, Hutter 2019), all parameters in one pass.</summary>
public sealed class AdamW : IOptimizer
{
    private readonly AdamWOptions _options;
    private readonly ParameterPass _pass;
    private readonly NamedParameter[] _parameters;
    private readonly Tensor[] _first, _second;
    private readonly double[] _decays;

    /// <summary>Creates the optimizer with zero moments.</summary>
    public AdamW(IEnumerable<NamedParameter> parameters, AdamWOptions options)
    {
        _options = options;
        _parameters = [.. parameters];
        _pass = new ParameterPass(_parameters.Select(p => p.Tensor));
        _first = [.. _parameters.Select(p => Tensor.Persistent(DType.F32, p.Tensor.Shape))];
        _second = [.. _parameters.Select(p => Tensor.Persistent(DType.F32, p.Tensor.Shape))];
        _decays = [.. _parameters.Select(p => p.Decays ? options.WeightDecay : 0)];
    }

    /// <inheritdoc />
    public long Steps { get; set; }

    /// <inheritdoc />
    public IEnumerable<(string Name, Tensor Tensor)> State
    {
        get
        {
            for (int i = 0; i < _parameters.Length; i++)
            {
                yield return ($"exp_avg.{_parameters[i].Name}", _first[i]);
                yield return ($"exp_avg_sq.{_parameters[i].Name}", _second[i]);
            }
        }
    }

    /// <inheritdoc />
    public void Step(double rateScale, double gradientScale)
    {
        Steps++;
        _pass.AdamW(
            new AdamWStep(_options.LearningRate * rateScale, _options.Beta1, _options.Beta2, _options.Eps,
                1 - DeterministicMath.Power(_options.Beta1, Steps), 1 - DeterministicMath.Power(_options.Beta2, Steps), gradientScale),
            _first, _second, _decays);
    }
}
