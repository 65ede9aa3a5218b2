using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>
/// Noise as its ratio to the image, σ = √((1 − ᾱ) / ᾱ), of every training step, and ways of spacing it. T. Karras et al., "Elucidating the Design
/// Space of Diffusion-Based Generative Models", 2022.
/// </summary>
internal sealed class SigmaTable
{
    private const double Rho = 7, LeastAlphaBar = 1.0 / (1 << 24);

    private readonly double[] _sigmas, _logs;

    /// <summary>Of a schedule. Where nothing of the image is left at the end, 2⁻²⁴ is.</summary>
    public SigmaTable(NoiseSchedule schedule)
    {
        _sigmas = [.. schedule.AlphaBars.Select(bar => bar == 0 ? LeastAlphaBar : bar).Select(bar => Math.Sqrt((1 - bar) / bar))];
        _logs = [.. _sigmas.Select(DeterministicMath.Log)];
    }

    /// <summary>Of the first step.</summary>
    public double Least => _sigmas[0];

    /// <summary>Of the last step.</summary>
    public double Most => _sigmas[^1];

    /// <summary>Between steps in a straight line.</summary>
    public double At(double step)
    {
        int below = (int)Math.Clamp(Math.Floor(step), 0, _sigmas.Length - 1), above = Math.Min(below + 1, _sigmas.Length - 1);
        return _sigmas[below] + Math.Clamp(step - below, 0, 1) * (_sigmas[above] - _sigmas[below]);
    }

    /// <summary>The step of a σ, in a straight line between logarithms.</summary>
    public double StepOf(double sigma)
    {
        double log = DeterministicMath.Log(Math.Max(sigma, 1e-10));
        int low = 0, high = _logs.Length - 1;
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (_logs[middle] <= log) low = middle;
            else high = middle;
        }
        return low + Math.Clamp((_logs[low] - log) / (_logs[low] - _logs[high]), 0, 1);
    }

    /// <summary>Equal parts of σ^(1/7).</summary>
    public static double[] Karras(double most, double least, int count) =>
        [.. NoiseSchedule.Line(DeterministicMath.Pow(most, 1 / Rho), DeterministicMath.Pow(least, 1 / Rho), count).Select(r => DeterministicMath.Power(r, (long)Rho))];

    /// <summary>Equal parts of log σ.</summary>
    public static double[] Exponential(double most, double least, int count) =>
        [.. NoiseSchedule.Line(DeterministicMath.Log(most), DeterministicMath.Log(least), count).Select(DeterministicMath.Exp)];

    /// <summary>Quantiles of the Beta(0.6, 0.6) distribution (Lee et al. 2024).</summary>
    public static double[] Beta(double most, double least, int count) =>
        [.. NoiseSchedule.Line(1, 0, count).Select(p => least + BetaQuantile(p) * (most - least))];

    /// <summary>The spacing of σ that the settings ask for; null where timesteps decide.</summary>
    public static double[]? Spaced(ConfigReader read, double most, double least, int count)
    {
        bool karras = read.Flag("use_karras_sigmas"), exponential = read.Flag("use_exponential_sigmas"), beta = read.Flag("use_beta_sigmas");
        if ((karras ? 1 : 0) + (exponential ? 1 : 0) + (beta ? 1 : 0) > 1)
            throw new CratonException($"{read.File}: expected one of use_karras_sigmas, use_exponential_sigmas and use_beta_sigmas, got several");
        return karras ? Karras(most, least, count) : exponential ? Exponential(most, least, count) : beta ? Beta(most, least, count) : null;
    }

    /// <summary>Moves noise of a flow towards more: shift · s / (1 + (shift − 1) · s).</summary>
    public static double Shifted(double sigma, double shift) => shift * sigma / (1 + (shift - 1) * sigma);

    // The density is symmetric. With x = u^(1/0.6) the integrand is smooth at 0; the distribution is inverted by halving.
    private static double BetaQuantile(double p)
    {
        if (p <= 0 || p >= 1) return p <= 0 ? 0 : 1;
        if (p > 0.5) return 1 - BetaQuantile(1 - p);
        double whole = 2 * BetaPart(0.5), low = 0, high = 0.5;
        for (int i = 0; i < 50; i++)
        {
            double middle = (low + high) / 2;
            if (BetaPart(middle) < p * whole) low = middle;
            else high = middle;
        }
        return (low + high) / 2;
    }

    private static double BetaPart(double x)
    {
        const int Parts = 64;
        double end = DeterministicMath.Pow(x, 0.6), sum = 0;
        for (int i = 0; i <= Parts; i++) // Simpson's rule
        {
            double density = DeterministicMath.Pow(1 - DeterministicMath.Pow(end * i / Parts, 1 / 0.6), -0.4);
            sum += density * (i == 0 || i == Parts ? 1 : i % 2 == 1 ? 4 : 2);
        }
        return sum * end / (3 * Parts);
    }
}
