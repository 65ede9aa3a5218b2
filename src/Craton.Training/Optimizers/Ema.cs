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
    private readonly Func<long, double> _decay;

    /// <summary>Starts the average at the parameters as they are.</summary>
    /// <param name="parameters">What to average.</param>
    /// <param name="decay">Share of the old average that an update keeps.</param>
    /// <param name="warmUp">Keep only (1 + n) / (10 + n) in update n as long as that is less, so that the start is soon forgotten.</param>
    public Ema(IEnumerable<NamedParameter> parameters, double decay, bool warmUp = false)
        : this(parameters, update => warmUp ? Math.Min(decay, (1.0 + update) / (10.0 + update)) : decay)
    {
    }

    /// <summary>Starts the average at the parameters as they are.</summary>
    /// <param name="parameters">What to average.</param>
    /// <param name="decay">How the share of the old average that an update keeps grows.</param>
    public Ema(IEnumerable<NamedParameter> parameters, EmaSchedule decay) : this(parameters, decay.At)
    {
    }

    private Ema(IEnumerable<NamedParameter> parameters, Func<long, double> decay)
    {
        _parameters = [.. parameters];
        _decay = decay;
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
        double decay = _decay(Updates);
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

/// <summary>
/// How the decay of an average grows, as models of images are trained with it: 0 at first, then (1 + n) / (10 + n) or
/// 1 − (1 + n / InverseGamma)^−Power with n updates behind <see cref="After"/>, between <see cref="Least"/> and the greatest.
/// </summary>
/// <param name="Most">The greatest decay.</param>
public sealed record EmaSchedule(double Most)
{
    /// <summary>The least decay, once there is any.</summary>
    public double Least { get; init; }

    /// <summary>Updates that keep nothing of the average.</summary>
    public long After { get; init; }

    /// <summary>The form with a power.</summary>
    public bool WarmsUp { get; init; }

    /// <summary>Updates after which the form with a power has reached 1 − 2^−Power.</summary>
    public double InverseGamma { get; init; } = 1;

    /// <summary>The power: 2/3 for trainings of a million steps or more, 3/4 for shorter ones.</summary>
    public double Power { get; init; } = 2.0 / 3;

    /// <summary>The decay of an update, counted from 1.</summary>
    public double At(long update)
    {
        double n = update - After - 1;
        if (n <= 0) return 0;
        double decay = WarmsUp ? 1 - DeterministicMath.Pow(1 + n / InverseGamma, -Power) : (1 + n) / (10 + n);
        return Math.Min(Math.Max(decay, Least), Most);
    }
}
