using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>Settings of <see cref="Adafactor"/>.</summary>
/// <param name="LearningRate">Greatest step size relative to the size of the parameter.</param>
/// <param name="Beta2Decay">Power of the step number that the second moment forgets by, below 0.</param>
/// <param name="Eps1">Least second moment.</param>
/// <param name="Eps2">Least size that is assumed of a parameter.</param>
/// <param name="Clip">Greatest root mean square of an update before the step size (d in the paper).</param>
/// <param name="WeightDecay">Decoupled weight decay.</param>
public sealed record AdafactorOptions(
    double LearningRate = 1e-2, double Beta2Decay = -0.8, double Eps1 = 1.1920929e-7, double Eps2 = 1e-3, double Clip = 1, double WeightDecay = 0);

/// <summary>
/// Adafactor (Shazeer, Stern 2018): like Adam without momentum, but a matrix keeps only the row and column means of its squared
/// gradient, and the step is relative to the size of the parameter.
/// </summary>
public sealed class Adafactor(IEnumerable<NamedParameter> parameters, AdafactorOptions options)
    : TensorOptimizer(parameters, options.LearningRate, options.WeightDecay, StateOf)
{
    private readonly AdafactorOptions _options = options;

    private static (string Name, int[] Shape)[] StateOf(Tensor parameter)
    {
        int[] shape = parameter.Shape.ToArray();
        if (shape.Length < 2) return [("variance", shape)];
        return [("row_var", [.. shape[..^1], 1]), ("col_var", [.. shape[..^2], 1, shape[^1]])];
    }

    private protected override void Update(Tensor parameter, Tensor gradient, Tensor[] state, double rate, double decay)
    {
        double fresh = DeterministicMath.Pow(Steps, _options.Beta2Decay);
        double step = Math.Max(_options.Eps2, RootMeanSquare(parameter)) * Math.Min(rate, 1 / Math.Sqrt(Steps));
        Tensor update = gradient * Ops.Rsqrt(Ops.Clamp(SecondMoment(gradient, state, fresh), least: _options.Eps1 * _options.Eps1));
        double divisor = Math.Max(1, RootMeanSquare(update) / _options.Clip);
        parameter.Assign(parameter * (1 - rate * decay) - update * (step / divisor));
    }

    private Tensor SecondMoment(Tensor gradient, Tensor[] state, double fresh)
    {
        Tensor square = Ops.Square(gradient);
        if (gradient.Rank < 2)
        {
            Blend(state[0], square, fresh);
            return state[0];
        }
        (Tensor rows, Tensor columns) = (state[0], state[1]);
        Blend(rows, Ops.Mean(square, [-1], keepDim: true), fresh);
        Blend(columns, Ops.Mean(square, [-2], keepDim: true), fresh);
        return rows * columns / Ops.Clamp(Ops.Mean(rows, [-2], keepDim: true), least: _options.Eps1);
    }

    private static void Blend(Tensor average, Tensor value, double fresh) => average.Assign(average + (value - average) * fresh);

    private static double RootMeanSquare(Tensor x) => Ops.Norm(x).Item() / Math.Sqrt(x.Count);
}
