using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>A sampler that walks over noise σ with x = x₀ + σ · noise, and shows the network x / √(σ² + 1).</summary>
public abstract class SigmaSampler : DiffusionSampler
{
    private protected SigmaSampler(ConfigReader read, SamplerOptions options) : base(read, options)
    {
        read.Refuse(Prediction == Prediction.Flow, "prediction_type", "this sampler does not know flows");
        RefuseFlags(read, "thresholding", "use_flow_sigmas", "use_lu_lambdas");
        var table = new SigmaTable(Schedule);
        TimestepSpacing spacing = Spacing(read, "linspace");
        double[] steps = Schedule.Spaced(spacing, options.Steps, read.IntOr(0, "steps_offset"));
        double[] sigmas = read.TextOr("linear", "interpolation_type") switch
        {
            "linear" => [.. steps.Select(table.At)],
            "log_linear" => SigmaTable.Exponential(table.Most, table.Least, options.Steps + 1),
            var other => throw new CratonException($"{read.File}: interpolation_type is '{other}', expected linear or log_linear"),
        };
        if (SigmaTable.Spaced(read, read.Number("sigma_max", sigmas[0]), read.Number("sigma_min", sigmas[^1]), options.Steps) is { } spaced)
            (sigmas, steps) = (spaced, [.. spaced.Select(table.StepOf)]);
        double last = read.TextOr("zero", "final_sigmas_type") switch
        {
            "zero" => 0,
            "sigma_min" => table.Least,
            var other => throw new CratonException($"{read.File}: final_sigmas_type is '{other}', expected zero or sigma_min"),
        };
        if (read.TextOr("discrete", "timestep_type") == "continuous" && Prediction == Prediction.Velocity)
            steps = [.. sigmas.Select(s => 0.25 * DeterministicMath.Log(s))];
        Timesteps = steps;
        Sigmas = [.. sigmas, last];
        InitialScale = spacing == TimestepSpacing.Leading ? Math.Sqrt(sigmas[0] * sigmas[0] + 1) : sigmas[0];
    }

    /// <inheritdoc/>
    public override Tensor Input(Tensor x, int call) => x * (1 / Math.Sqrt(Sigmas[call] * Sigmas[call] + 1));

    /// <inheritdoc/>
    public override Tensor Noised(Tensor clean, Tensor noise, int call) => clean + noise * Sigmas[call];

    /// <summary>The clean image that an answer at a noise means.</summary>
    private protected Tensor CleanOf(Tensor output, Tensor x, double sigma) => Prediction switch
    {
        Prediction.Noise => x - output * sigma,
        Prediction.Velocity => output * (-sigma / Math.Sqrt(sigma * sigma + 1)) + x * (1 / (sigma * sigma + 1)),
        _ => output,
    };
}
