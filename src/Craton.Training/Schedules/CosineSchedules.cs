using Craton.Tensors;

namespace Craton.Training.Schedules;

/// <summary>Warm-up, then half a cosine from 1 down to the least ratio (Loshchilov, Hutter 2017).</summary>
/// <param name="Warmup">Steps of linear warm-up.</param>
/// <param name="Total">All steps.</param>
/// <param name="MinRatio">The last factor.</param>
public sealed record CosineSchedule(long Warmup, long Total, double MinRatio = 0) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step) =>
        step < Warmup ? WarmUp(step, Warmup) : HalfCosine(Progress(step, Warmup, Total - Warmup), MinRatio);
}

/// <summary>Warm-up, then a number of equal half cosines from 1 down to 0.</summary>
/// <param name="Warmup">Steps of linear warm-up.</param>
/// <param name="Total">All steps.</param>
/// <param name="Cycles">Number of half cosines.</param>
public sealed record CosineRestartsSchedule(long Warmup, long Total, int Cycles) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step)
    {
        if (step < Warmup) return WarmUp(step, Warmup);
        double progress = Progress(step, Warmup, Total - Warmup);
        return progress == 1 ? 0 : HalfCosine(Cycles * progress % 1, 0);
    }
}

/// <summary>Half cosines without end, each longer than the one before by a factor: SGDR (Loshchilov, Hutter 2017).</summary>
/// <param name="FirstCycle">Steps of the first.</param>
/// <param name="Multiplier">Length of one relative to the one before.</param>
/// <param name="MinRatio">The least factor.</param>
public sealed record CosineWarmRestartsSchedule(long FirstCycle, int Multiplier = 1, double MinRatio = 0) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step)
    {
        long length = FirstCycle;
        if (Multiplier == 1) step %= length;
        for (; step >= length; length *= Multiplier) step -= length;
        return HalfCosine((double)step / length, MinRatio);
    }
}

/// <summary>
/// Half a cosine up, then one down far below the start: 1cycle (Smith, Topin 2018) with PyTorch's end points. The peak is reached at
/// step rise · total − 1, the end at step total − 1.
/// </summary>
/// <param name="Total">All steps.</param>
/// <param name="Rise">Share of the steps that climb.</param>
/// <param name="Divide">Peak over start.</param>
/// <param name="FinalDivide">Start over end.</param>
public sealed record OneCycleSchedule(long Total, double Rise = 0.3, double Divide = 25, double FinalDivide = 1e4) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step)
    {
        double peak = Math.Max(0, Rise * Total - 1), start = 1 / Divide;
        if (step < peak) return HalfCosine(1 - step / peak, start);
        double progress = Math.Min(1, (step - peak) / Math.Max(1, Total - 1 - peak));
        return HalfCosine(progress, start / FinalDivide);
    }
}
