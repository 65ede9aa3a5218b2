using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>Euler's method below the next noise, and fresh noise up to it, as the posterior of the forward process has it.</summary>
public sealed class EulerAncestralSampler : SigmaSampler
{
    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public EulerAncestralSampler(ConfigReader read, SamplerOptions options) : base(read, options)
    {
    }

    /// <inheritdoc/>
    public override bool DrawsNoise(int call) => true;

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        double from = Sigmas[call], to = Sigmas[call + 1];
        double up = Math.Sqrt(to * to * (from * from - to * to) / (from * from)), down = Math.Sqrt(to * to - up * up);
        Clean = CleanOf(output, x, from);
        return x + (x - Clean) * ((down - from) / from) + Needed(noise) * up;
    }
}
