using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>
/// Linear multistep of four past answers, after three Runge-Kutta steps of four calls or after one step taken twice. L. Liu et al., "Pseudo
/// Numerical Methods for Diffusion Models on Manifolds", 2022.
/// </summary>
public sealed class PndmSampler : StepSampler
{
    private readonly int _ratio, _warmup;
    private readonly List<Tensor> _past = []; // the newest first
    private Tensor? _start, _sum;
    private int _taken; // calls so far, which are fewer where the way begins in the middle

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public PndmSampler(ConfigReader read, SamplerOptions options) : base(read, options, clips: false, alphaOne: false)
    {
        read.Refuse(Prediction == Prediction.Clean, "prediction_type", "PNDM combines noise");
        RefuseFlags(read, "thresholding", "clip_sample");
        _ratio = Schedule.Steps / options.Steps;
        double[] steps = [.. Schedule.Spaced(Spacing(read, "leading"), options.Steps, read.IntOr(0, "steps_offset")).Select(t => Math.Round(t))];
        if (read.Flag("skip_prk_steps"))
        {
            Timesteps = steps.Length < 2 ? steps : [steps[0], steps[1], .. steps[1..]];
            return;
        }
        if (steps.Length < 4) throw new CratonException($"[sampler] steps: expected at least 4, which the Runge-Kutta steps of PNDM take, got {steps.Length}");
        _warmup = 12;
        int half = _ratio / 2;
        double[] first = [steps[0], steps[1] + half, steps[1] + half, steps[1], steps[1], steps[2] + half, steps[2] + half, steps[2], steps[2], steps[3] + half, steps[3] + half, steps[3]];
        Timesteps = [.. first, .. steps[3..]];
    }

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        int taken = _taken++, step = (int)Timesteps[call];
        return taken < _warmup ? RungeKutta(output, x, step, taken) : Multistep(output, x, step, taken);
    }

    private Tensor RungeKutta(Tensor output, Tensor x, int step, int taken)
    {
        int before = step - (taken % 2 == 0 ? _ratio / 2 : 0);
        switch (taken % 4)
        {
            case 0:
                (_start, _sum) = (x, output * (1.0 / 6));
                _past.Insert(0, output);
                break;
            case 3:
                output = _sum! + output * (1.0 / 6);
                break;
            default:
                _sum = _sum! + output * (1.0 / 3);
                break;
        }
        return Moved(_start!, output, (int)Timesteps[taken / 4 * 4], before);
    }

    private Tensor Multistep(Tensor output, Tensor x, int step, int taken)
    {
        int before = step - _ratio;
        if (taken == 1 && _warmup == 0)
        {
            Tensor mean = (output + _past[0]) * 0.5;
            return Moved(_start!, mean, step + _ratio, step);
        }
        if (taken == 0) _start = x;
        _past.Insert(0, output);
        if (_past.Count > 4) _past.RemoveAt(4);
        Tensor combined = _past.Count switch
        {
            1 => output,
            2 => _past[0] * 1.5 - _past[1] * 0.5,
            3 => _past[0] * (23.0 / 12) - _past[1] * (16.0 / 12) + _past[2] * (5.0 / 12),
            _ => _past[0] * (55.0 / 24) - _past[1] * (59.0 / 24) + _past[2] * (37.0 / 24) - _past[3] * (9.0 / 24),
        };
        return Moved(x, combined, step, before);
    }

    // Equation 11 of the paper.
    private Tensor Moved(Tensor x, Tensor output, int step, int before)
    {
        double bar = AlphaBar(step), next = AlphaBar(before);
        double divisor = bar * Math.Sqrt(1 - next) + Math.Sqrt(bar * (1 - bar) * next);
        return x * Math.Sqrt(next / bar) - NoiseOf(output, x, bar) * ((next - bar) / divisor);
    }
}
