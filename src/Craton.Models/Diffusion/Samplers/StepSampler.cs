using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>A sampler that walks over training steps, with x = √ᾱ · x₀ + √(1 − ᾱ) · noise throughout.</summary>
public abstract class StepSampler : DiffusionSampler
{
    private readonly double _finalAlphaBar;

    private protected StepSampler(ConfigReader read, SamplerOptions options, bool clips, bool alphaOne) : base(read, options, clips)
    {
        _finalAlphaBar = read.Flag("set_alpha_to_one", alphaOne) ? 1 : Schedule.AlphaBars[0];
        if (options.Steps > Schedule.Steps) throw new CratonException($"[sampler] steps: expected at most the {Schedule.Steps} steps of training, got {options.Steps}");
        read.Refuse(Prediction == Prediction.Flow, "prediction_type", "this sampler does not know flows");
        RefuseFlags(read, "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_flow_sigmas");
    }

    /// <summary>ᾱ of a step; beyond the first one what the settings say.</summary>
    private protected double AlphaBar(int step) => step >= 0 ? Schedule.AlphaBars[Math.Min(step, Schedule.Steps - 1)] : _finalAlphaBar;

    /// <summary>The clean image that an answer means.</summary>
    private protected Tensor CleanOf(Tensor output, Tensor x, double alphaBar) => Prediction switch
    {
        Prediction.Noise => (x - output * Math.Sqrt(1 - alphaBar)) * (1 / Math.Sqrt(alphaBar)),
        Prediction.Velocity => x * Math.Sqrt(alphaBar) - output * Math.Sqrt(1 - alphaBar),
        _ => output,
    };

    /// <summary>The noise that an answer means.</summary>
    private protected Tensor NoiseOf(Tensor output, Tensor x, double alphaBar) => Prediction switch
    {
        Prediction.Clean => (x - output * Math.Sqrt(alphaBar)) * (1 / Math.Sqrt(1 - alphaBar)),
        Prediction.Velocity => output * Math.Sqrt(alphaBar) + x * Math.Sqrt(1 - alphaBar),
        _ => output,
    };

    /// <inheritdoc/>
    public override Tensor Noised(Tensor clean, Tensor noise, int call)
    {
        double alphaBar = AlphaBar((int)Timesteps[call]);
        return clean * Math.Sqrt(alphaBar) + noise * Math.Sqrt(1 - alphaBar);
    }
}
