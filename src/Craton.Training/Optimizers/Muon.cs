using Craton.Tensors;
using Craton.Tensors.Kernels;

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
/// Muon (Jordan 2024): momentum for matrices, made orthogonal by a Newton-Schulz iteration before it is applied; the filters of a convolution
/// are the rows of a matrix. The matrices of the blocks are its; embeddings, norms, the first and the last layer go to <see cref="AdamW"/>.
/// </summary>
public sealed class Muon : IOptimizer
{
    // Matrices of one shape are made orthogonal together, which keeps all threads busy; up to so many elements, which keeps them in cache.
    private const long MostElements = 1 << 21;

    // Of transformers and of networks that draw.
    private static readonly string[] s_blocks = [".layers.", ".down.", ".middle.", ".up.", ".halved.", ".narrowed."];

    private readonly MuonOptions _options;
    private readonly NamedParameter[] _parameters;
    private readonly Tensor[] _momentum;
    private readonly int[][] _groups; // numbers of parameters
    private readonly AdamW? _rest;
    private long _steps;

    /// <summary>Creates the optimizer.</summary>
    /// <param name="matrices">Matrices and filters to update by Muon.</param>
    /// <param name="options">Its settings.</param>
    /// <param name="rest">What updates everything else, or null.</param>
    public Muon(IEnumerable<NamedParameter> matrices, MuonOptions options, AdamW? rest = null)
    {
        _options = options;
        _parameters = [.. matrices];
        foreach (NamedParameter p in _parameters)
            if (p.Tensor.Rank < 2)
                throw new CratonException($"[muon] parameter '{p.Name}': expected a matrix or filters, got {p.Tensor.Layout}; give it to the inner AdamW");
        _momentum = [.. _parameters.Select(p => Tensor.Persistent(DType.F32, p.Tensor.Shape))];
        _groups = [.. _parameters.Select((p, i) => (Shape: MatrixOf(p.Tensor), Number: i)).GroupBy(p => p.Shape, p => p.Number)
            .SelectMany(g => g.Chunk((int)Math.Clamp(MostElements / Math.Max(1, (long)g.Key.Item1 * g.Key.Item2), 1, int.MaxValue)))];
        _rest = rest;
    }

    /// <summary>The usual division: matrices of the blocks here, the rest to AdamW.</summary>
    /// <exception cref="CratonException">No parameter belongs to a block.</exception>
    public static Muon ForModel(IReadOnlyList<NamedParameter> parameters, MuonOptions muon, AdamWOptions adamW)
    {
        if (!parameters.Any(IsBlockMatrix)) throw new CratonException("optimizer: muon updates the matrices of blocks, and this model has none; use kind: adam_w");
        return new(parameters.Where(IsBlockMatrix), muon, new AdamW(parameters.Where(p => !IsBlockMatrix(p)), adamW));
    }

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
        foreach (int[] group in _groups) Step(group, _options.LearningRate * rateScale, gradientScale);
        _rest?.Step(rateScale, gradientScale);
    }

    private void Step(int[] group, double rate, double gradientScale)
    {
        double mu = _options.Momentum;
        (int rows, int columns) = MatrixOf(_parameters[group[0]].Tensor);
        using TensorScope scope = TensorScope.Open("muon");
        Tensor directions = Tensor.Empty(DType.F32, group.Length, rows, columns);
        for (int i = 0; i < group.Length; i++)
        {
            Tensor momentum = _momentum[group[i]], direction = Ops.Select(directions, 0, i).View(momentum.Shape);
            if (_parameters[group[i]].Tensor.Grad?.Detach() is not { } gradient)
            {
                direction.Clear();
                continue;
            }
            MuonKernels.Momentum(momentum, gradient, mu, gradientScale);
            if (_options.Nesterov) MuonKernels.Direction(direction, momentum, gradient, mu, gradientScale);
            else direction.Assign(momentum);
        }
        Tensor updates = MuonKernels.NewtonSchulz(directions, _options.Iterations, _options.Coefficients, _options.Eps);
        double adjusted = _options.Adjustment == MuonAdjustment.Original
            ? Math.Sqrt(Math.Max(1, (double)rows / columns))
            : 0.2 * Math.Sqrt(Math.Max(rows, columns));
        for (int i = 0; i < group.Length; i++)
        {
            Tensor parameter = _parameters[group[i]].Tensor;
            if (parameter.Grad is null) continue;
            MuonKernels.Update(parameter.Detach(), Ops.Select(updates, 0, i).View(parameter.Shape), 1 - rate * _options.WeightDecay, rate * adjusted);
        }
    }

    // The filters of a convolution are the rows of a matrix.
    private static (int Rows, int Columns) MatrixOf(Tensor parameter) => (parameter.Size(0), (int)(parameter.Count / parameter.Size(0)));

    private static bool IsBlockMatrix(NamedParameter p) =>
        p.Tensor.Rank >= 2 && s_blocks.Any(block => p.Name.Contains(block, StringComparison.Ordinal));
}
