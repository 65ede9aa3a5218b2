namespace Craton.Training.Schedules;

/// <summary>How a decay phase falls while its progress p goes from 0 to 1.</summary>
public enum DecayForm
{
    /// <summary>1 − p.</summary>
    Linear,
    /// <summary>Half a cosine.</summary>
    Cosine,
    /// <summary>1 − √p (Hägele et al. 2024).</summary>
    OneMinusSqrt,
}

/// <summary>
/// Warm-up, stable, then a decay to the least ratio (Hu et al. 2024). As in transformers the warm-up climbs from the least ratio, not from 0.
/// </summary>
/// <param name="Warmup">Steps of linear warm-up.</param>
/// <param name="Stable">Steps at the peak.</param>
/// <param name="Decay">Steps of decay.</param>
/// <param name="MinRatio">The first and the last factor.</param>
/// <param name="Form">How the decay falls.</param>
public sealed record WarmupStableDecaySchedule(
    long Warmup, long Stable, long Decay, double MinRatio = 0, DecayForm Form = DecayForm.Linear) : Schedule
{
    /// <inheritdoc />
    public override double Factor(long step)
    {
        if (step < Warmup) return MinRatio + (1 - MinRatio) * WarmUp(step, Warmup);
        if (step >= Warmup + Stable + Decay) return MinRatio;
        double progress = Progress(step, Warmup + Stable, Decay);
        return Form switch
        {
            DecayForm.Cosine => HalfCosine(progress, MinRatio),
            DecayForm.OneMinusSqrt => 1 - (1 - MinRatio) * Math.Sqrt(progress),
            _ => 1 - (1 - MinRatio) * progress,
        };
    }
}
