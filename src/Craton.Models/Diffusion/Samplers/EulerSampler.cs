using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>Euler's method, with noise added before steps where that is asked for. T. Karras et al., 2022, algorithm 2 without its second order.</summary>
public sealed class EulerSampler : SigmaSampler
{
    private readonly SamplerOptions _options;

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public EulerSampler(ConfigReader read, SamplerOptions options) : base(read, options) => _options = options;

    /// <inheritdoc/>
    public override bool DrawsNoise(int call) => _options.Churn > 0 && Sigmas[call] >= _options.ChurnFrom && Sigmas[call] <= _options.ChurnTo;

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        double sigma = Sigmas[call];
        if (DrawsNoise(call))
        {
            double more = sigma * (1 + Math.Min(_options.Churn / Timesteps.Length, Math.Sqrt(2) - 1));
            x += Needed(noise) * (_options.NoiseScale * Math.Sqrt(more * more - sigma * sigma));
            sigma = more;
        }
        Clean = CleanOf(output, x, sigma);
        return x + (x - Clean) * ((Sigmas[call + 1] - sigma) / sigma);
    }
}
