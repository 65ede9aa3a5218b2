using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>
/// A solver that integrates exactly in λ = log(α / σ), half the logarithm of the ratio of signal to noise, with x = α · x₀ + σ · noise. C. Lu
/// et al., "DPM-Solver", 2022, and "DPM-Solver++", 2022.
/// </summary>
public abstract class LogSnrSampler : DiffusionSampler
{
    private const double LeastAlpha = 1e-6; // of a flow, so that its logarithm exists

    private readonly bool _flow;

    private protected LogSnrSampler(ConfigReader read, SamplerOptions options, TimestepSpacing? only = null, bool endsAtLeast = false, bool flowFromOne = false) : base(read, options)
    {
        _flow = read.Flag("use_flow_sigmas");
        read.Refuse(_flow != (Prediction == Prediction.Flow), "use_flow_sigmas", "it belongs to prediction_type flow_prediction");
        var table = new SigmaTable(Schedule);
        (double[] sigmas, double[] steps) = Spaced(read, table, only ?? Spacing(read, "linspace"), options.Steps, flowFromOne);
        string final = endsAtLeast ? "sigma_min" : read.TextOr("zero", "final_sigmas_type");
        if (final is not ("zero" or "sigma_min")) throw new CratonException($"{read.File}: final_sigmas_type is '{final}', expected zero or sigma_min");
        EndsInZero = final == "zero";
        Sigmas = [.. sigmas, EndsInZero ? 0 : _flow ? sigmas[^1] : table.Least];
        Timesteps = [.. steps.Select(Math.Truncate)];
    }

    /// <summary>Whether the last noise is 0.</summary>
    private protected bool EndsInZero { get; }

    private (double[] Sigmas, double[] Steps) Spaced(ConfigReader read, SigmaTable table, TimestepSpacing spacing, int count, bool flowFromOne)
    {
        if (_flow)
        {
            double shift = read.Number("flow_shift", 1);
            double least = 1.0 / Schedule.Steps;
            double[] line = flowFromOne ? NoiseSchedule.Line(1, least, count + 1) : NoiseSchedule.Line(1 - least, 0, count + 1);
            double[] flow = [.. line.SkipLast(1).Select(s => Math.Min(SigmaTable.Shifted(s, shift), 1 - LeastAlpha))];
            return (flow, [.. flow.Select(s => s * Schedule.Steps)]);
        }
        double[]? sigmas = read.Flag("use_lu_lambdas") ? SigmaTable.Exponential(table.Most, table.Least, count) : SigmaTable.Spaced(read, table.Most, table.Least, count);
        if (sigmas is not null)
        {
            bool rounds = read.Flag("use_karras_sigmas") || read.Flag("use_lu_lambdas");
            return (sigmas, [.. sigmas.Select(s => rounds ? Math.Round(table.StepOf(s)) : table.StepOf(s))]);
        }
        double[] steps = Chosen(spacing, count, Last(read, table), read.IntOr(0, "steps_offset"));
        return ([.. steps.Select(table.At)], steps);
    }

    private double[] Chosen(TimestepSpacing spacing, int count, int last, int offset) => spacing switch
    {
        TimestepSpacing.Linspace => [.. NoiseSchedule.Line(last - 1, 0, count + 1).SkipLast(1).Select(t => Math.Round(t))],
        TimestepSpacing.Leading => [.. Enumerable.Range(0, count).Select(i => (double)(count - i) * (last / (count + 1)) + offset)],
        _ => [.. Enumerable.Range(0, count).Select(i => Math.Round(last - i * ((double)Schedule.Steps / count)) - 1)],
    };

    // The number of steps whose λ is not below the limit.
    private int Last(ConfigReader read, SigmaTable table)
    {
        if (!read.Has("lambda_min_clipped")) return Schedule.Steps;
        double least = read.Real("lambda_min_clipped", 0);
        return Enumerable.Range(0, Schedule.Steps).Count(i => -DeterministicMath.Log(table.At(i)) >= least) is > 0 and var last ? last
            : throw new CratonException($"{read.File}: lambda_min_clipped: expected a number that leaves some of the steps, got {least}");
    }

    /// <summary>Share of the image at a place of <see cref="DiffusionSampler.Sigmas"/>.</summary>
    private protected double Alpha(int place) => _flow ? 1 - Sigmas[place] : 1 / Math.Sqrt(Sigmas[place] * Sigmas[place] + 1);

    /// <summary>Share of the noise.</summary>
    private protected double Sigma(int place) => _flow ? Sigmas[place] : Sigmas[place] * Alpha(place);

    /// <summary>log(α / σ).</summary>
    private protected double Lambda(int place) => DeterministicMath.Log(Alpha(place)) - DeterministicMath.Log(Sigma(place));

    /// <summary>The clean image that an answer means.</summary>
    private protected Tensor CleanOf(Tensor output, Tensor x, int call)
    {
        Tensor clean = Prediction switch
        {
            Prediction.Noise => (x - output * Sigma(call)) * (1 / Alpha(call)),
            Prediction.Velocity => x * Alpha(call) - output * Sigma(call),
            Prediction.Flow => x - output * Sigma(call),
            _ => output,
        };
        return Clipped(clean) ?? clean;
    }

    /// <summary>The noise that an answer means.</summary>
    private protected Tensor NoiseOf(Tensor output, Tensor x, int call)
    {
        Tensor noise = Prediction switch
        {
            Prediction.Clean => (x - output * Alpha(call)) * (1 / Sigma(call)),
            Prediction.Velocity => output * Alpha(call) + x * Sigma(call),
            Prediction.Flow => x + output * (1 - Sigma(call)),
            _ => output,
        };
        return Clipped((x - noise * Sigma(call)) * (1 / Alpha(call))) is { } clean ? (x - clean * Alpha(call)) * (1 / Sigma(call)) : noise;
    }

    /// <inheritdoc/>
    public override Tensor Noised(Tensor clean, Tensor noise, int call) => clean * Alpha(call) + noise * Sigma(call);
}
