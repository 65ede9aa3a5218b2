using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>How Muon's step size depends on the shape of a matrix.</summary>
public enum MuonAdjustment
{
    /// <summary>√max(1, rows / columns), as published (Jordan 2024).</summary>
    Original,
    /// <summary>0.2 · √max(rows, columns), so that AdamW's rates can be kept (Liu et al. 2025).</summary>
    MatchRmsAdamW,
}

/// <summary>Settings of <see cref="Muon"/>.</summary>
/// <param name="LearningRate">Peak step size.</param>
/// <param name="Momentum">Decay of the momentum.</param>
/// <param name="Nesterov">Look one step ahead along the momentum.</param>
/// <param name="WeightDecay">Decoupled weight decay.</param>
/// <param name="Adjustment">How the step size depends on the shape.</param>
/// <param name="Iterations">Newton-Schulz iterations.</param>
public sealed record MuonOptions(
    double LearningRate = 0.02, double Momentum = 0.95, bool Nesterov = true, double WeightDecay = 0,
    MuonAdjustment Adjustment = MuonAdjustment.Original, int Iterations = 5)
{
    /// <summary>Coefficients a, b, c of the quintic iteration.</summary>
    public (double A, double B, double C) Coefficients { get; init; } = (3.4445, -4.7750, 2.0315);

    /// <summary>Added to the norm before the iteration.</summary>
    public double Eps { get; init; } = 1e-7;
}

/// <summary>
/// Muon (Jordan 2024): momentum for matrices, made orthogonal by a Newton-Schulz iteration before it is applied. The matrices of the
/// blocks are its; embeddings, norms and the output projection go to <see cref="AdamW"/>.
/// </summary>
public sealed class Muon : IOptimizer
{
    private readonly MuonOptions _options;
    private readonly NamedParameter[] _parameters;
    private readonly Tensor[] _momentum;
    private readonly AdamW? _rest;
    private long _steps;

    /// <summary>Creates the optimizer.</summary>
    /// <param name="matrices">Matrices to update by Muon.</param>
    /// <param name="options">Its settings.</param>
    /// <param name="rest">What updates everything else, or null.</param>
    public Muon(IEnumerable<NamedParameter> matrices, MuonOptions options, AdamW? rest = null)
    {
        _options = options;
        _parameters = [.. matrices];
        foreach (NamedParameter p in _parameters)
            if (p.Tensor.Rank != 2)
                throw new CratonException($"[muon] parameter '{p.Name}': expected a matrix, got {p.Tensor.Layout}; give it to the inner AdamW");
        _momentum = [.. _parameters.Select(p => Tensor.Persistent(DType.F32, p.Tensor.Shape))];
        _rest = rest;
    }

    /// <summary>The usual division: matrices of the blocks here, the rest to AdamW.</summary>
    public static Muon ForModel(IReadOnlyList<NamedParameter> parameters, MuonOptions muon, AdamWOptions adamW) =>
        new(parameters.Where(IsBlockMatrix), muon, new AdamW(parameters.Where(p => !IsBlockMatrix(p)), adamW));

    /// <inheritdoc />
    public long Steps
    {
        get => _steps;
        set
        {
            _steps = value;
            if (_rest is not null) _rest.Steps = value;
        }
    }

    /// <inheritdoc />
    public IEnumerable<(string Name, Tensor Tensor)> State =>
        _parameters.Select((p, i) => ($"momentum_buffer.{p.Name}", _momentum[i])).Concat(_rest?.State ?? []);

    /// <inheritdoc />
    public void Step(double rateScale, double gradientScale)
    {
        _steps++;
        double rate = _options.LearningRate * rateScale, mu = _options.Momentum;
        for (int i = 0; i < _parameters.Length; i++)
        {
            Tensor parameter = _parameters[i].Tensor;
            if (parameter.Grad is not { } raw) continue;
            using (TensorScope.Open("muon"))
            {
                Tensor gradient = raw.Detach() * gradientScale;
                _momentum[i].Assign(_momentum[i] * mu + gradient * (1 - mu));
                Tensor direction = _options.Nesterov ? gradient * (1 - mu) + _momentum[i] * mu : _momentum[i];
                Tensor update = NewtonSchulz(direction, _options);
                int rows = parameter.Size(0), columns = parameter.Size(1);
                double adjusted = _options.Adjustment == MuonAdjustment.Original
                    ? Math.Sqrt(Math.Max(1, (double)rows / columns))
                    : 0.2 * Math.Sqrt(Math.Max(rows, columns));
                parameter.Assign(parameter.Detach() * (1 - rate * _options.WeightDecay) - update * (rate * adjusted));
            }
        }
        _rest?.Step(rateScale, gradientScale);
    }

    /// <summary>
    /// An approximately orthogonal matrix with the singular vectors of x: X ← aX + (bA + cA²)X with A = XXᵀ, from x / (‖x‖ + eps),
    /// turned so that it is not taller than wide.
    /// </summary>
    public static Tensor NewtonSchulz(Tensor x, MuonOptions options)
    {
        bool tall = x.Size(0) > x.Size(1);
        Tensor wide = tall ? x.Transpose() : x;
        double norm = Ops.Norm(wide).Item();
        Tensor y = wide * (1 / (norm + options.Eps));
        (double a, double b, double c) = options.Coefficients;
        for (int i = 0; i < options.Iterations; i++)
        {
            Tensor square = Ops.MatMul(y, y.Transpose());
            Tensor polynomial = square * b + Ops.MatMul(square, square) * c;
            y = y * a + Ops.MatMul(polynomial, y);
        }
        return tall ? y.Transpose() : y;
    }

    private static bool IsBlockMatrix(NamedParameter p) => p.Tensor.Rank == 2 && p.Name.Contains(".layers.", StringComparison.Ordinal);
}
