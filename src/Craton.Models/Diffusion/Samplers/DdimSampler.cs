using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>Steps of any length without noise, or with a share of that of DDPM. J. Song, C. Meng, S. Ermon, "Denoising Diffusion Implicit Models", 2021.</summary>
public sealed class DdimSampler : StepSampler
{
    private readonly double _eta;
    private readonly bool _reuseClipped;
    private readonly int _ratio;

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public DdimSampler(ConfigReader read, SamplerOptions options) : base(read, options, clips: true, alphaOne: true)
    {
        (_eta, _reuseClipped, _ratio) = (options.Eta, options.ReuseClipped, Schedule.Steps / options.Steps);
        Timesteps = [.. Schedule.Spaced(Spacing(read, "leading"), options.Steps, read.IntOr(0, "steps_offset")).Select(t => Math.Round(t))];
    }

    /// <inheritdoc/>
    public override bool DrawsNoise(int call) => _eta > 0;

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        int step = (int)Timesteps[call];
        double bar = AlphaBar(step), before = AlphaBar(step - _ratio);
        Tensor clean = CleanOf(output, x, bar), towards = NoiseOf(output, x, bar);
        Clean = Clipped(clean) ?? clean;
        if (_reuseClipped) towards = (x - Clean * Math.Sqrt(bar)) * (1 / Math.Sqrt(1 - bar));
        double deviation = _eta * Math.Sqrt((1 - before) / (1 - bar) * (1 - bar / before));
        Tensor next = Clean * Math.Sqrt(before) + towards * Math.Sqrt(Math.Max(0, 1 - before - deviation * deviation));
        return DrawsNoise(call) ? next + Needed(noise) * deviation : next;
    }
}
