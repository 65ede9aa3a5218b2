using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>The posterior of the forward process, step by step. J. Ho, A. Jain, P. Abbeel, "Denoising Diffusion Probabilistic Models", 2020.</summary>
public sealed class DdpmSampler : StepSampler
{
    private const double LeastVariance = 1e-20;

    private readonly string _variance;

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public DdpmSampler(ConfigReader read, SamplerOptions options) : base(read, options, clips: true, alphaOne: true)
    {
        _variance = read.TextOr("fixed_small", "variance_type");
        if (_variance is not ("fixed_small" or "fixed_small_log" or "fixed_large" or "learned" or "learned_range"))
            throw new CratonException($"{read.File}: variance_type is '{_variance}', expected fixed_small, fixed_small_log, fixed_large, learned or learned_range");
        Timesteps = options.Timesteps is { } given
            ? [.. given.Select(t => (double)t)]
            : [.. Schedule.Spaced(Spacing(read, "leading"), options.Steps, read.IntOr(0, "steps_offset")).Select(t => Math.Round(t))];
        for (int i = 0; i < Timesteps.Length; i++)
            if (Timesteps[i] < 0 || Timesteps[i] > Schedule.Steps || (i > 0 && Timesteps[i] >= Timesteps[i - 1]))
                throw new CratonException($"[sampler] timesteps: expected descending numbers from 0 to {Schedule.Steps - 1}, got {Timesteps[i]}");
    }

    /// <inheritdoc/>
    public override bool DrawsNoise(int call) => Timesteps[call] > 0;

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        double bar = AlphaBar((int)Timesteps[call]), before = call + 1 < Timesteps.Length ? AlphaBar((int)Timesteps[call + 1]) : 1;
        double alpha = bar / before, beta = 1 - alpha;
        Tensor? learned = null;
        if (_variance is "learned" or "learned_range")
        {
            int channels = x.Size(1);
            learned = Ops.Slice(output, 1, channels);
            output = Ops.Slice(output, 1, 0, channels);
        }
        Tensor clean = CleanOf(output, x, bar);
        Clean = Clipped(clean) ?? clean;
        Tensor mean = Clean * (Math.Sqrt(before) * beta / (1 - bar)) + x * (Math.Sqrt(alpha) * (1 - before) / (1 - bar));
        if (!DrawsNoise(call)) return mean;
        double variance = Math.Max((1 - before) / (1 - bar) * beta, LeastVariance);
        return mean + Needed(noise) * Deviation(variance, beta, learned);
    }

    private Tensor Deviation(double variance, double beta, Tensor? learned)
    {
        if (learned is null) return Tensor.Scalar((float)Math.Sqrt(_variance == "fixed_large" ? beta : variance));
        if (_variance == "learned") return Ops.Sqrt(learned);
        double least = DeterministicMath.Log(variance), most = DeterministicMath.Log(beta);
        return Ops.Exp((learned * ((most - least) / 2) + (most + least) / 2) * 0.5);
    }
}
