using Craton.Tensors;

namespace Craton.Training.Schedules;

/// <summary>The learning rate as a function of the step alone, from 0 for the first update.</summary>
public abstract record Schedule
{
    /// <summary>The factor on the peak learning rate.</summary>
    public abstract double Factor(long step);

    /// <summary>0 at the first step, 1 after <paramref name="warmup"/> steps.</summary>
    private protected static double WarmUp(long step, long warmup) => warmup > 0 && step < warmup ? (double)step / warmup : 1;

    /// <summary>How much of a phase has passed, from 0 to 1.</summary>
    private protected static double Progress(long step, long start, long length) => Math.Clamp((double)(step - start) / Math.Max(1, length), 0, 1);

    /// <summary>Half a cosine from 1 down to <paramref name="least"/> while progress goes from 0 to 1.</summary>
    private protected static double HalfCosine(double progress, double least) =>
        least + (1 - least) * 0.5 * (1 + DeterministicMath.Cos(Math.PI * progress));
}

/// <summary>Warm-up, then constant.</summary>
/// <param name="Warmup">Steps of linear warm-up.</param>
public sealed record ConstantSchedule(long Warmup) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step) => WarmUp(step, Warmup);
}

/// <summary>Warm-up, then a straight line from 1 down to 0.</summary>
/// <param name="Warmup">Steps of linear warm-up.</param>
/// <param name="Total">All steps.</param>
public sealed record LinearSchedule(long Warmup, long Total) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step) =>
        step < Warmup ? WarmUp(step, Warmup) : step < Total ? 1 - Progress(step, Warmup, Total - Warmup) : 0;
}

/// <summary>Warm-up, then (1 − progress) to a power, from 1 down to the least ratio.</summary>
/// <param name="Warmup">Steps of linear warm-up.</param>
/// <param name="Total">All steps.</param>
/// <param name="Power">The power; 1 is a straight line.</param>
/// <param name="MinRatio">The last factor.</param>
public sealed record PolynomialSchedule(long Warmup, long Total, double Power, double MinRatio = 0) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step) => step < Warmup
        ? WarmUp(step, Warmup)
        : MinRatio + (1 - MinRatio) * DeterministicMath.Pow(1 - Progress(step, Warmup, Total - Warmup), Power);
}

/// <summary>Warm-up, then falling as one over the root of the step: 1 / √((step − warm-up + scale) / scale) (Vaswani et al. 2017).</summary>
/// <param name="Warmup">Steps of linear warm-up.</param>
/// <param name="Timescale">Steps after which the factor has fallen to 1/√2; usually the warm-up's.</param>
public sealed record InverseSqrtSchedule(long Warmup, long Timescale) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step) => step < Warmup
        ? WarmUp(step, Warmup)
        : 1 / Math.Sqrt((double)(step - Warmup + Timescale) / Timescale);
}

/// <summary>Multiplied by a constant every so many steps.</summary>
/// <param name="Every">Steps from one drop to the next.</param>
/// <param name="Gamma">Factor of a drop.</param>
public sealed record StepSchedule(long Every, double Gamma) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step) => DeterministicMath.Power(Gamma, step / Every);
}
