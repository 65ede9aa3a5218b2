using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>What a network answers when it is shown an image with noise.</summary>
public enum Prediction
{
    /// <summary>The noise: <c>epsilon</c>.</summary>
    Noise,
    /// <summary>The clean image: <c>sample</c>.</summary>
    Clean,
    /// <summary>The mixture v: <c>v_prediction</c>.</summary>
    Velocity,
    /// <summary>Noise less clean image: <c>flow_prediction</c>.</summary>
    Flow,
}

/// <summary>What is chosen for one picture rather than for a model.</summary>
/// <param name="Steps">How many steps lead from noise to a picture.</param>
public sealed record SamplerOptions(int Steps)
{
    /// <summary>Most steps that may be asked for.</summary>
    public const int MostSteps = 100_000;

    /// <summary>The timesteps themselves, for DDPM.</summary>
    public int[]? Timesteps { get; init; }

    /// <summary>Of DDIM: share of the noise of DDPM that a step adds.</summary>
    public double Eta { get; init; }

    /// <summary>Of DDIM: derive the noise from the clipped image again.</summary>
    public bool ReuseClipped { get; init; }

    /// <summary>Of Euler: noise that is added before steps whose noise lies between <see cref="ChurnFrom"/> and <see cref="ChurnTo"/> (Karras et al. 2022).</summary>
    public double Churn { get; init; }

    /// <summary>Least noise of a step that churns.</summary>
    public double ChurnFrom { get; init; }

    /// <summary>Greatest noise of a step that churns.</summary>
    public double ChurnTo { get; init; } = double.PositiveInfinity;

    /// <summary>Factor on the noise that churns.</summary>
    public double NoiseScale { get; init; } = 1;

    /// <summary>Of LMS: how many past steps count.</summary>
    public int Order { get; init; } = 4;

    /// <summary>Of flow matching with dynamic shift: the shift.</summary>
    public double? Mu { get; init; }

    /// <summary>Of flow matching: the noise of each step before the shift.</summary>
    public double[]? Sigmas { get; init; }
}

/// <summary>
/// The way from noise to a picture for one number of steps. A caller starts from noise times <see cref="InitialScale"/> and for each call
/// shows the network <see cref="Input"/> and gives its answer to <see cref="Step"/>; a way from a picture that is there begins at a later call, with
/// what <see cref="Noised"/> gives. A sampler keeps past answers, so it serves one picture (or batch), within one <see cref="TensorScope"/>.
/// </summary>
public abstract class DiffusionSampler
{
    private readonly double? _clip;
    private readonly (double Ratio, double Most)? _threshold;

    /// <summary>Reads what all samplers know.</summary>
    private protected DiffusionSampler(ConfigReader read, SamplerOptions options, bool clips = false)
    {
        if (options.Steps is < 1 or > SamplerOptions.MostSteps) throw new CratonException($"[sampler] steps: expected 1 to {SamplerOptions.MostSteps}, got {options.Steps}");
        Schedule = new NoiseSchedule(read);
        Prediction = read.TextOr("epsilon", "prediction_type") switch
        {
            "epsilon" => Prediction.Noise,
            "sample" => Prediction.Clean,
            "v_prediction" => Prediction.Velocity,
            "flow_prediction" => Prediction.Flow,
            var other => throw new CratonException($"{read.File}: prediction_type is '{other}', expected epsilon, sample, v_prediction or flow_prediction"),
        };
        if (read.Flag("thresholding")) _threshold = (read.Number("dynamic_thresholding_ratio", 0.995), read.Number("sample_max_value", 1));
        else if (read.Flag("clip_sample", clips)) _clip = read.Number("clip_sample_range", 1);
    }

    /// <summary>The forward process.</summary>
    public NoiseSchedule Schedule { get; }

    /// <summary>What the network answers.</summary>
    public Prediction Prediction { get; }

    /// <summary>The time the network is told in each call.</summary>
    public double[] Timesteps { get; private protected init; } = [];

    /// <summary>The noise before each call and after the last, where the sampler counts in noise.</summary>
    public double[] Sigmas { get; private protected init; } = [];

    /// <summary>Factor on the noise to start from.</summary>
    public double InitialScale { get; private protected init; } = 1;

    /// <summary>The clean image that the last step expected, where the sampler computes it.</summary>
    public Tensor? Clean { get; private protected set; }

    /// <summary>Calls of the network that a step takes, so that a way may begin at any whole step.</summary>
    public virtual int CallsPerStep => 1;

    /// <summary>What the network is shown.</summary>
    public virtual Tensor Input(Tensor x, int call) => x;

    /// <summary>Whether a call needs noise.</summary>
    public virtual bool DrawsNoise(int call) => false;

    /// <summary>One step.</summary>
    /// <param name="output">The network's answer, of the shape of x, or with twice its channels where the variance is learned.</param>
    /// <param name="x">The image so far, [N, C, H, W].</param>
    /// <param name="call">Number of the call, from 0.</param>
    /// <param name="noise">Normal noise of the shape of x where <see cref="DrawsNoise"/>.</param>
    /// <returns>The image with less noise.</returns>
    public abstract Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null);

    /// <summary>A clean image with the noise of a call, to start from there.</summary>
    public abstract Tensor Noised(Tensor clean, Tensor noise, int call);

    /// <summary>The noise a call needs.</summary>
    private protected static Tensor Needed(Tensor? noise) =>
        noise ?? throw new CratonException("[sampler] noise: expected a tensor of the image's shape, since this step draws noise, got none");

    /// <summary>Refuses a setting that changes the result and is not built for this sampler.</summary>
    private protected static void RefuseFlags(ConfigReader read, params ReadOnlySpan<string> names)
    {
        foreach (string name in names) read.Refuse(read.Has(name) && read.Flag(name), name, "this sampler does not know it");
    }

    /// <summary>Clips an expected image as the settings say; null where they do not.</summary>
    private protected Tensor? Clipped(Tensor clean) =>
        _clip is { } range ? Ops.Clamp(clean, -range, range) : _threshold is { } t ? Thresholded(clean, t.Ratio, t.Most) : null;

    // The quantile of |x₀| of an image becomes 1 (Saharia et al. 2022).
    private static Tensor Thresholded(Tensor clean, double ratio, double most)
    {
        float[] values = clean.ToArray<float>();
        int size = values.Length / clean.Size(0);
        for (int from = 0; from < values.Length; from += size)
        {
            Span<float> image = values.AsSpan(from, size);
            float[] sorted = [.. values.Skip(from).Take(size).Select(Math.Abs).Order()];
            double place = ratio * (size - 1);
            int below = Math.Clamp((int)place, 0, size - 1), above = Math.Min(below + 1, size - 1);
            double quantile = Math.Clamp(sorted[below] + (place - below) * (sorted[above] - sorted[below]), 1, Math.Max(1, most));
            foreach (ref float v in image) v = (float)(Math.Clamp(v, -quantile, quantile) / quantile);
        }
        return Tensor.From(values, clean.Shape);
    }

    /// <summary>Reads <c>timestep_spacing</c>.</summary>
    private protected static TimestepSpacing Spacing(ConfigReader read, string otherwise) => read.TextOr(otherwise, "timestep_spacing") switch
    {
        "linspace" => TimestepSpacing.Linspace,
        "leading" => TimestepSpacing.Leading,
        "trailing" => TimestepSpacing.Trailing,
        var other => throw new CratonException($"{read.File}: timestep_spacing is '{other}', expected linspace, leading or trailing"),
    };

    /// <summary>Creates the sampler a <c>scheduler_config.json</c> describes.</summary>
    /// <param name="read">The configuration; its <c>_class_name</c> says which.</param>
    /// <param name="options">What is chosen for the picture.</param>
    /// <exception cref="CratonException">The sampler is not known or a setting is not supported.</exception>
    public static DiffusionSampler Create(ConfigReader read, SamplerOptions options) => read.TextOr("", "_class_name") switch
    {
        "DDPMScheduler" => new DdpmSampler(read, options),
        "DDIMScheduler" => new DdimSampler(read, options),
        "PNDMScheduler" => new PndmSampler(read, options),
        "EulerDiscreteScheduler" => new EulerSampler(read, options),
        "EulerAncestralDiscreteScheduler" => new EulerAncestralSampler(read, options),
        "HeunDiscreteScheduler" => new HeunSampler(read, options),
        "LMSDiscreteScheduler" => new LmsSampler(read, options),
        "DPMSolverMultistepScheduler" => new DpmMultistepSampler(read, options),
        "DPMSolverSinglestepScheduler" => new DpmSinglestepSampler(read, options),
        "UniPCMultistepScheduler" => new UniPcSampler(read, options),
        "DEISMultistepScheduler" => new DeisSampler(read, options),
        "LCMScheduler" => new LcmSampler(read, options),
        "FlowMatchEulerDiscreteScheduler" => new FlowEulerSampler(read, options),
        var other => throw new CratonException($"{read.File}: _class_name is '{other}', which is no sampler that is known"),
    };
}
