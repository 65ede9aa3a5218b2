using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>
/// The integral of the polynomial in log σ through the last answers, over σ. Q. Zhang, Y. Chen, "Fast Sampling of Diffusion Models with
/// Exponential Integrator", 2023 (the variant tAB-DEIS in log ρ).
/// </summary>
public sealed class DeisSampler : LogSnrSampler
{
    private const int FewSteps = 15;

    private readonly bool _lowerAtEnd;
    private readonly int _order;
    private readonly List<Tensor> _past = []; // the newest first

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public DeisSampler(ConfigReader read, SamplerOptions options) : base(read, options, endsAtLeast: true)
    {
        (_lowerAtEnd, _order) = (read.Flag("lower_order_final", true), read.IntOr(2, "solver_order"));
        if (_order is < 1 or > 3) throw new CratonException($"{read.File}: solver_order: expected 1 to 3, got {_order}");
        read.Refuse(Prediction == Prediction.Flow, "prediction_type", "DEIS counts in the noise of images that keep their variance");
    }

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        _past.Insert(0, NoiseOf(output, x, call));
        if (_past.Count > _order) _past.RemoveAt(_order);
        int left = Timesteps.Length - call, order = _lowerAtEnd && Timesteps.Length < FewSteps ? Math.Min(_past.Count, left) : _past.Count;
        double[] nodes = [.. Enumerable.Range(0, order).Select(k => DeterministicMath.Log(Sigmas[call - k]))];
        Tensor next = x * (1 / Alpha(call));
        for (int k = 0; k < order; k++) next += _past[k] * (Integral(Sigmas[call + 1], nodes, k) - Integral(Sigmas[call], nodes, k));
        return next * Alpha(call + 1);
    }

    // ∫ ∏ (log σ − nodeⱼ) / (node − nodeⱼ) dσ over j ≠ which, from ∫ log σ dσ = σ (log σ − 1) and ∫ log² σ dσ = σ (log² σ − 2 log σ + 2).
    private static double Integral(double sigma, double[] nodes, int which)
    {
        double log = DeterministicMath.Log(sigma);
        double[] others = [.. nodes.Where((_, k) => k != which)];
        double divisor = others.Aggregate(1.0, (product, other) => product * (nodes[which] - other));
        return sigma / divisor * others.Length switch
        {
            0 => 1,
            1 => log - 1 - others[0],
            _ => log * log - 2 * log + 2 - (others[0] + others[1]) * (log - 1) + others[0] * others[1],
        };
    }
}
