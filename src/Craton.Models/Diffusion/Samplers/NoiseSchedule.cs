using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>How timesteps are chosen among those of training.</summary>
internal enum TimestepSpacing
{
    /// <summary>From the first to the last in equal parts.</summary>
    Linspace,
    /// <summary>Multiples of a whole ratio, from the first on.</summary>
    Leading,
    /// <summary>Multiples of a ratio, from the last down.</summary>
    Trailing,
}

/// <summary>
/// The forward process: how much noise a training step t of T holds, xₜ = √ᾱₜ · x₀ + √(1 − ᾱₜ) · noise. J. Ho, A. Jain, P. Abbeel, "Denoising
/// Diffusion Probabilistic Models", 2020; T. Salimans, J. Ho, 2022, for v; T. Hang et al., 2023, for the weights of losses.
/// </summary>
public sealed class NoiseSchedule
{
    private const int MostSteps = 1 << 20;

    /// <summary>Reads the settings <c>beta_schedule</c>, <c>beta_start</c>, <c>beta_end</c>, <c>num_train_timesteps</c> and <c>rescale_betas_zero_snr</c>.</summary>
    /// <exception cref="CratonException">A setting is not supported or out of range.</exception>
    public NoiseSchedule(ConfigReader read)
    {
        read.Refuse(read.Has("trained_betas"), "trained_betas", "give the beta_schedule that made them");
        int steps = read.IntOr(1000, "num_train_timesteps");
        if (steps is < 2 or > MostSteps) throw new CratonException($"{read.File}: num_train_timesteps: expected 2 to {MostSteps}, got {steps}");
        (double start, double end) = (read.Number("beta_start", 0.0001), read.Number("beta_end", 0.02));
        if (start >= 1 || end >= 1) throw new CratonException($"{read.File}: beta_start and beta_end: expected numbers below 1, got {start} and {end}");
        Betas = read.TextOr("linear", "beta_schedule") switch
        {
            "linear" => Line(start, end, steps),
            "scaled_linear" => [.. Line(Math.Sqrt(start), Math.Sqrt(end), steps).Select(b => b * b)],
            "squaredcos_cap_v2" => [.. Enumerable.Range(0, steps).Select(i => Math.Min(1 - Squared((i + 1.0) / steps) / Squared((double)i / steps), 0.999))],
            "sigmoid" => [.. Line(-6, 6, steps).Select(b => (end - start) / (1 + DeterministicMath.Exp(-b)) + start)],
            var other => throw new CratonException($"{read.File}: beta_schedule is '{other}', expected linear, scaled_linear, squaredcos_cap_v2 or sigmoid"),
        };
        if (read.Flag("rescale_betas_zero_snr")) EndInNoise(Betas);
        AlphaBars = Products(Betas);
    }

    /// <summary>Share of noise that each step adds, [T].</summary>
    public double[] Betas { get; }

    /// <summary>ᾱ: share of the image's variance that is left after each step, [T].</summary>
    public double[] AlphaBars { get; }

    /// <summary>Number of training steps T.</summary>
    public int Steps => Betas.Length;

    /// <summary>Images with the noise of their timesteps: x [N, ..], noise of its shape.</summary>
    public Tensor Noised(Tensor clean, Tensor noise, ReadOnlySpan<int> timesteps) =>
        clean * Factors(clean, timesteps, a => Math.Sqrt(a)) + noise * Factors(clean, timesteps, a => Math.Sqrt(1 - a));

    /// <summary>What a network with v-prediction is trained to answer: √ᾱ · noise − √(1 − ᾱ) · x₀.</summary>
    public Tensor Velocity(Tensor clean, Tensor noise, ReadOnlySpan<int> timesteps) =>
        noise * Factors(clean, timesteps, a => Math.Sqrt(a)) - clean * Factors(clean, timesteps, a => Math.Sqrt(1 - a));

    /// <summary>The ratio of signal to noise, ᾱ / (1 − ᾱ).</summary>
    public double SignalToNoise(int timestep) => At(timestep) / (1 - At(timestep));

    /// <summary>Weight of a timestep's loss that limits the ratio to gamma.</summary>
    /// <param name="timestep">The timestep.</param>
    /// <param name="prediction">What the network answers.</param>
    /// <param name="gamma">The limit.</param>
    public double MinSnrWeight(int timestep, Prediction prediction, double gamma = 5)
    {
        double ratio = SignalToNoise(timestep);
        return OfAnswer(prediction, Math.Min(ratio, gamma), ratio);
    }

    /// <summary>
    /// Weight of a timestep's loss by which errors of the clean picture count as v-prediction has them count, 1 + signal / noise, but not more than
    /// a limit: what is almost clean needs no last digits, and takes none of the attention that shapes need.
    /// </summary>
    /// <param name="timestep">The timestep.</param>
    /// <param name="prediction">What the network answers.</param>
    /// <param name="most">The limit.</param>
    public double LimitedWeight(int timestep, Prediction prediction, double most)
    {
        double ratio = SignalToNoise(timestep);
        return OfAnswer(prediction, Math.Min(1 + ratio, most), ratio);
    }

    // The weight of the answer's error by which the clean picture's has the given one.
    private static double OfAnswer(Prediction prediction, double ofClean, double ratio) => prediction switch
    {
        Prediction.Noise => ofClean / ratio,
        Prediction.Velocity => ofClean / (ratio + 1),
        _ => ofClean,
    };

    private double At(int timestep) => timestep >= 0 && timestep < Steps
        ? AlphaBars[timestep]
        : throw new CratonException($"[noise_schedule] timestep: expected 0 to {Steps - 1}, got {timestep}");

    private Tensor Factors(Tensor x, ReadOnlySpan<int> timesteps, Func<double, double> of)
    {
        if (x.Rank == 0 || x.Size(0) != timesteps.Length) throw new CratonException($"[noise_schedule] timesteps: expected one for each image of {x.Layout}, got {timesteps.Length}");
        float[] values = new float[timesteps.Length];
        for (int i = 0; i < values.Length; i++) values[i] = (float)of(At(timesteps[i]));
        int[] shape = [.. Enumerable.Repeat(1, x.Rank)];
        shape[0] = values.Length;
        return Tensor.From(values, shape);
    }

    /// <summary>count numbers from first to last in equal distances.</summary>
    internal static double[] Line(double first, double last, int count) =>
        [.. Enumerable.Range(0, count).Select(i => count == 1 ? first : i == count - 1 ? last : first + (last - first) * i / (count - 1))];

    /// <summary>Timesteps from the noisiest down.</summary>
    /// <param name="spacing">How they are chosen.</param>
    /// <param name="count">How many.</param>
    /// <param name="offset">Added to leading ones.</param>
    internal double[] Spaced(TimestepSpacing spacing, int count, int offset)
    {
        double ratio = (double)Steps / count;
        double[] steps = spacing switch
        {
            TimestepSpacing.Linspace => Line(Steps - 1, 0, count) is var line && count > 1 ? line : [0],
            TimestepSpacing.Leading => [.. Enumerable.Range(0, count).Select(i => (double)(count - 1 - i) * (Steps / count) + offset)],
            _ => [.. Enumerable.Range(0, count).Select(i => Math.Round(Steps - i * ratio) - 1)],
        };
        return steps;
    }

    private static double[] Products(double[] betas)
    {
        double[] bars = new double[betas.Length];
        double product = 1;
        for (int i = 0; i < bars.Length; i++) bars[i] = product *= 1 - betas[i];
        return bars;
    }

    // Moves and stretches √ᾱ so that nothing of the image is left at the end (Lin et al. 2023).
    private static void EndInNoise(double[] betas)
    {
        double[] roots = [.. Products(betas).Select(Math.Sqrt)];
        (double first, double last) = (roots[0], roots[^1]);
        for (int i = 0; i < roots.Length; i++) roots[i] = (roots[i] - last) * first / (first - last);
        for (int i = betas.Length - 1; i > 0; i--) betas[i] = 1 - roots[i] * roots[i] / (roots[i - 1] * roots[i - 1]);
        betas[0] = 1 - roots[0] * roots[0];
    }

    private static double Squared(double part) => DeterministicMath.Cos((part + 0.008) / 1.008 * Math.PI / 2) is var c ? c * c : 0;
}
