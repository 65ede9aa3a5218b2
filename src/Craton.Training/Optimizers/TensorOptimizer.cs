using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>
/// An optimizer written in tensor operations, one parameter after the other: the textbook formula, at some more memory traffic than the
/// fused <see cref="AdamW"/>. What it keeps for a parameter are tensors named after PyTorch's.
/// </summary>
public abstract class TensorOptimizer : IOptimizer
{
    private readonly NamedParameter[] _parameters;
    private readonly string[][] _names;
    private readonly Tensor[][] _state;
    private readonly double _learningRate, _weightDecay;

    /// <summary>Creates the optimizer with zeroed state.</summary>
    /// <param name="parameters">What to update.</param>
    /// <param name="learningRate">Peak step size.</param>
    /// <param name="weightDecay">Weight decay of the parameters that decay.</param>
    /// <param name="state">Names and shapes of what is kept for a parameter.</param>
    private protected TensorOptimizer(
        IEnumerable<NamedParameter> parameters, double learningRate, double weightDecay, Func<Tensor, (string Name, int[] Shape)[]> state)
    {
        (_learningRate, _weightDecay) = (learningRate, weightDecay);
        _parameters = [.. parameters];
        (string Name, int[] Shape)[][] kept = [.. _parameters.Select(p => state(p.Tensor))];
        _names = [.. kept.Select(k => k.Select(t => t.Name).ToArray())];
        _state = [.. kept.Select(k => k.Select(t => Tensor.Persistent(DType.F32, t.Shape)).ToArray())];
    }

    /// <inheritdoc />
    public long Steps { get; set; }

    /// <inheritdoc />
    public IEnumerable<(string Name, Tensor Tensor)> State
    {
        get
        {
            for (int i = 0; i < _parameters.Length; i++)
                for (int k = 0; k < _state[i].Length; k++)
                    yield return ($"{_names[i][k]}.{_parameters[i].Name}", _state[i][k]);
        }
    }

    /// <inheritdoc />
    public void Step(double rateScale, double gradientScale)
    {
        Steps++;
        for (int i = 0; i < _parameters.Length; i++)
        {
            if (_parameters[i].Tensor.Grad is not { } gradient) continue;
            using (TensorScope.Open("optimizer"))
                Update(_parameters[i].Tensor.Detach(), gradient.Detach() * gradientScale, _state[i],
                    _learningRate * rateScale, _parameters[i].Decays ? _weightDecay : 0);
        }
    }

    /// <summary>Updates one parameter and its state in place.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="gradient">Its gradient, scaled.</param>
    /// <param name="state">What is kept for it, in the order given to the constructor.</param>
    /// <param name="rate">Step size of this step.</param>
    /// <param name="decay">Its weight decay.</param>
    private protected abstract void Update(Tensor parameter, Tensor gradient, Tensor[] state, double rate, double decay);

    /// <summary>State of the parameter's own shape.</summary>
    private protected static Func<Tensor, (string Name, int[] Shape)[]> PerElement(params string[] names) =>
        parameter =>
        {
            int[] shape = parameter.Shape.ToArray();
            return [.. names.Select(name => (name, shape))];
        };
}
