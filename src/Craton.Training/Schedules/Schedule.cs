using Craton.Tensors;

namespace Craton.Training.Schedules;

/// <summary>The learning rate as a function of the step alone, from 0 for the first update.</summary>
public abstract record Schedule
{
    /// <summary>The factor on the peak learning rate.</summary>
    public abstract double Factor(long step);

    /// <summary>0 at the first step, 1 after <paramref name="warmup"/> steps.</summary>
    private protected static double WarmUp(long step, long warmup) => warmup > 0 && step < warmup ? (double)step / warmup : 1;
}

/// <summary>Warm-up, then constant.</summary>
/// <param name="Warmup">Steps of linear warm-up.</param>
public sealed record ConstantSchedule(long Warmup) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step) => WarmUp(step, Warmup);
}

/// <summary>Warm-up, then half a cosine from 1 down to the least ratio (Loshchilov, Hutter 2017).</summary>
/// <param name="Warmup">Steps of linear warm-up.</param>
/// <param name="Total">All steps.</param>
/// <param name="MinRatio">The last factor.</param>
public sealed record CosineSchedule(long Warmup, long Total, double MinRatio = 0) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step)
    {
        if (step < Warmup) return WarmUp(step, Warmup);
        double progress = Math.Min(1, (double)(step - Warmup) / Math.Max(1, Total - Warmup));
        return MinRatio + (1 - MinRatio) * 0.5 * (1 + DeterministicMath.Cos(Math.PI * progress));
    }
}

/// <summary>Warm-up, stable, then a linear decay to the least ratio (Hu et al. 2024).</summary>
/// <param name="Warmup">Steps of linear warm-up.</param>
/// <param name="Stable">Steps at the peak.</param>
/// <param name="Decay">Steps of decay.</param>
/// <param name="MinRatio">The last factor.</param>
public sealed record WarmupStableDecaySchedule(long Warmup, long Stable, long Decay, double MinRatio = 0) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step)
    {
        if (step < Warmup) return WarmUp(step, Warmup);
        double progress = Math.Clamp((double)(step - Warmup - Stable) / Math.Max(1, Decay), 0, 1);
        return 1 - (1 - MinRatio) * progress;
    }
}
