using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>Linear multistep: the integral of the polynomial through the last slopes (Adams, Bashforth 1883) over unequal steps of noise.</summary>
public sealed class LmsSampler : SigmaSampler
{
    private readonly int _order;
    private readonly List<Tensor> _slopes = []; // the newest first

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public LmsSampler(ConfigReader read, SamplerOptions options) : base(read, options)
    {
        if (options.Order is < 1 or > 4) throw new CratonException($"[sampler] order: expected 1 to 4, got {options.Order}");
        _order = options.Order;
    }

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        Clean = CleanOf(output, x, Sigmas[call]);
        _slopes.Insert(0, (x - Clean) * (1 / Sigmas[call]));
        if (_slopes.Count > _order) _slopes.RemoveAt(_order);
        // The order goes by the place: after a beginning in the middle, slopes that nobody computed count as 0, as in the reference.
        for (int i = 0; i < _slopes.Count; i++) x += _slopes[i] * Coefficient(call, i, Math.Min(call + 1, _order));
        return x;
    }

    // Simpson's rule is exact for polynomials up to the third degree.
    private double Coefficient(int call, int which, int order)
    {
        (double from, double to) = (Sigmas[call], Sigmas[call + 1]);
        return (to - from) / 6 * (Lagrange(from) + 4 * Lagrange((from + to) / 2) + Lagrange(to));

        double Lagrange(double at)
        {
            double product = 1;
            for (int k = 0; k < order; k++)
                if (k != which) product *= (at - Sigmas[call - k]) / (Sigmas[call - which] - Sigmas[call - k]);
            return product;
        }
    }
}
