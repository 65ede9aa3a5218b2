using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>Euler's method along straight paths x = (1 − σ) · x₀ + σ · noise. Y. Lipman et al., "Flow Matching", 2023; P. Esser et al., 2024, for the shift.</summary>
public sealed class FlowEulerSampler : DiffusionSampler
{
    private readonly bool _stochastic;

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public FlowEulerSampler(ConfigReader read, SamplerOptions options) : base(read, options)
    {
        RefuseFlags(read, "invert_sigmas");
        _stochastic = read.Flag("stochastic_sampling");
        bool dynamic = read.Flag("use_dynamic_shifting");
        double shift = read.Number("shift", 1), least = 1.0 / Schedule.Steps;
        // Where the shift is fixed, it holds for both ends before the spacing and for what lies between them once more.
        double[] sigmas = options.Sigmas is { Length: > 0 } given ? given : NoiseSchedule.Line(1, dynamic ? least : SigmaTable.Shifted(least, shift), options.Steps);
        sigmas = [.. sigmas.Select(s => dynamic ? Moved(read, s, options.Mu) : SigmaTable.Shifted(s, shift))];
        if (read.Has("shift_terminal")) sigmas = Stretched(sigmas, read.Number("shift_terminal", 1));
        sigmas = SigmaTable.Spaced(read, sigmas[0], sigmas[^1], sigmas.Length) ?? sigmas;
        Timesteps = [.. sigmas.Select(s => s * Schedule.Steps)];
        Sigmas = [.. sigmas, 0];
    }

    /// <inheritdoc/>
    public override bool DrawsNoise(int call) => _stochastic;

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        if (!_stochastic) return x + output * (Sigmas[call + 1] - Sigmas[call]);
        Clean = x - output * Sigmas[call];
        return Clean * (1 - Sigmas[call + 1]) + Needed(noise) * Sigmas[call + 1];
    }

    /// <inheritdoc/>
    public override Tensor Noised(Tensor clean, Tensor noise, int call) => clean * (1 - Sigmas[call]) + noise * Sigmas[call];

    private static double Moved(ConfigReader read, double sigma, double? mu)
    {
        double by = mu ?? throw new CratonException($"{read.File}: use_dynamic_shifting is set; expected a shift 'Mu' among the options, got none");
        string type = read.TextOr("exponential", "time_shift_type");
        if (type is not ("exponential" or "linear")) throw new CratonException($"{read.File}: time_shift_type is '{type}', expected exponential or linear");
        double weight = type == "exponential" ? DeterministicMath.Exp(by) : by;
        return weight / (weight + (1 / sigma - 1));
    }

    private static double[] Stretched(double[] sigmas, double terminal)
    {
        double scale = (1 - sigmas[^1]) / (1 - terminal);
        return [.. sigmas.Select(s => 1 - (1 - s) / scale)];
    }
}
