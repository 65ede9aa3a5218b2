using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>Heun's method: Euler's step, then the mean of the slopes at both ends. T. Karras et al., 2022, algorithm 1. 2 n − 1 calls for n steps.</summary>
public sealed class HeunSampler : SigmaSampler
{
    private Tensor? _start, _slope;

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public HeunSampler(ConfigReader read, SamplerOptions options) : base(read, options)
    {
        Timesteps = [Timesteps[0], .. Timesteps[1..].SelectMany(t => new[] { t, t })];
        Sigmas = [Sigmas[0], .. Sigmas[1..^1].SelectMany(s => new[] { s, s }), Sigmas[^1]];
    }

    /// <inheritdoc/>
    public override int CallsPerStep => 2;

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        double sigma = Sigmas[call];
        Tensor clean = CleanOf(output, x, sigma);
        Clean = Clipped(clean) ?? clean;
        Tensor slope = (x - Clean) * (1 / sigma);
        if (call % 2 == 0)
        {
            (_start, _slope) = (x, slope);
            return x + slope * (Sigmas[call + 1] - sigma);
        }
        return _start! + (_slope! + slope) * (0.5 * (sigma - Sigmas[call - 1]));
    }
}
