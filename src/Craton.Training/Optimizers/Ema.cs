using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>An exponential moving average of parameters (Polyak, Juditsky 1992): average = decay · average + (1 − decay) · parameter.</summary>
public sealed class Ema
{
    private readonly NamedParameter[] _parameters;
    private readonly Tensor[] _averages;
    private readonly double _decay;

    /// <summary>Starts the average at the parameters as they are.</summary>
    public Ema(IEnumerable<NamedParameter> parameters, double decay)
    {
        _parameters = [.. parameters];
        _decay = decay;
        _averages = [.. _parameters.Select(p => Tensor.Persistent(DType.F32, p.Tensor.Shape))];
        for (int i = 0; i < _averages.Length; i++) _averages[i].Assign(_parameters[i].Tensor);
    }

    /// <summary>The averages by the names of their parameters.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State => _parameters.Select((p, i) => (p.Name, _averages[i]));

    /// <summary>Takes the parameters' present values in.</summary>
    public void Update()
    {
        for (int i = 0; i < _averages.Length; i++)
            using (TensorScope.Open("ema"))
                _averages[i].Assign(_averages[i] * _decay + _parameters[i].Tensor.Detach() * (1 - _decay));
    }

    /// <summary>Exchanges averages and parameters: before an evaluation, and again after it.</summary>
    public void Swap()
    {
        for (int i = 0; i < _averages.Length; i++)
            using (TensorScope.Open("ema"))
            {
                Tensor kept = Ops.Copy(_averages[i]);
                _averages[i].Assign(_parameters[i].Tensor);
                _parameters[i].Tensor.Assign(kept);
            }
    }
}
