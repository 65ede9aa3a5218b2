using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>
/// An exponential moving average of parameters (Polyak, Juditsky 1992): average += (1 − decay) · (parameter − average). In this form
/// constant parameters are a fixed point; decay and 1 − decay as two rounded factors would drift from it when decay is near 1.
/// </summary>
public sealed class Ema
{
    private readonly NamedParameter[] _parameters;
    private readonly Tensor[] _averages;
    private readonly double _decay;
    private readonly bool _warmUp;

    /// <summary>Starts the average at the parameters as they are.</summary>
    /// <param name="parameters">What to average.</param>
    /// <param name="decay">Share of the old average that an update keeps.</param>
    /// <param name="warmUp">Keep only (1 + n) / (10 + n) in update n as long as that is less, so that the start is soon forgotten.</param>
    public Ema(IEnumerable<NamedParameter> parameters, double decay, bool warmUp = false)
    {
        _parameters = [.. parameters];
        _decay = decay;
        _warmUp = warmUp;
        _averages = [.. _parameters.Select(p => Tensor.Persistent(DType.F32, p.Tensor.Shape))];
        for (int i = 0; i < _averages.Length; i++) _averages[i].Assign(_parameters[i].Tensor);
    }

    /// <summary>The averages by the names of their parameters.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State => _parameters.Select((p, i) => (p.Name, _averages[i]));

    /// <summary>Updates done; the warm-up depends on it, so it is set when a checkpoint is resumed.</summary>
    public long Updates { get; set; }

    /// <summary>Takes the parameters' present values in.</summary>
    public void Update()
    {
        Updates++;
        double decay = _warmUp ? Math.Min(_decay, (1.0 + Updates) / (10.0 + Updates)) : _decay;
        for (int i = 0; i < _averages.Length; i++)
            using (TensorScope.Open("ema"))
                _averages[i].Assign(_averages[i] + (_parameters[i].Tensor.Detach() - _averages[i]) * (1 - decay));
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
