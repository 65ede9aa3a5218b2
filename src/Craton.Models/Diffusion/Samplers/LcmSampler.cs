using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>A consistency model's few steps: to the clean image at once, then noise again. S. Luo et al., "Latent Consistency Models", 2023.</summary>
public sealed class LcmSampler : StepSampler
{
    private const double DataVariance = 0.25;

    private readonly double _scaling;

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public LcmSampler(ConfigReader read, SamplerOptions options) : base(read, options, clips: false, alphaOne: true)
    {
        _scaling = read.Number("timestep_scaling", 10);
        int original = read.IntOr(50, "original_inference_steps");
        if (original < 1 || original > Schedule.Steps) throw new CratonException($"{read.File}: original_inference_steps: expected 1 to {Schedule.Steps}, got {original}");
        if (options.Steps > original) throw new CratonException($"[sampler] steps: expected at most the {original} of original_inference_steps, got {options.Steps}");
        int ratio = Schedule.Steps / original;
        Timesteps = [.. Enumerable.Range(0, options.Steps).Select(i => (double)(original - (int)((long)i * original / options.Steps)) * ratio - 1)];
    }

    /// <inheritdoc/>
    public override bool DrawsNoise(int call) => call + 1 < Timesteps.Length;

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        double time = Timesteps[call] * _scaling, divisor = time * time + DataVariance;
        Tensor clean = CleanOf(output, x, AlphaBar((int)Timesteps[call]));
        Clean = (Clipped(clean) ?? clean) * (time / Math.Sqrt(divisor)) + x * (DataVariance / divisor);
        return DrawsNoise(call) ? Noised(Clean, Needed(noise), call + 1) : Clean;
    }
}
