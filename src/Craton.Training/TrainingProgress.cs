namespace Craton.Training;

/// <summary>How far a training run is.</summary>
/// <param name="Phase">What is being trained.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">All steps.</param>
/// <param name="Loss">Smoothed training loss, in nats.</param>
/// <param name="TokensPerSecond">Rate of this process.</param>
/// <param name="TimeLeft">Until the last step.</param>
public readonly record struct TrainingProgress(string Phase, long Step, long Steps, double Loss, double TokensPerSecond, TimeSpan TimeLeft)
{
    /// <summary>What the rate counts: tokens, or pictures.</summary>
    public string Unit { get; init; } = "tokens";
}

/// <summary>Hears what a run is doing. The base class is silent.</summary>
public class TrainingListener
{
    /// <summary>Hears nothing.</summary>
    public static TrainingListener Silent { get; } = new();

    /// <summary>A step is done; called a few times a second at most.</summary>
    public virtual void OnProgress(TrainingProgress progress) { }

    /// <summary>Something worth a line: a validation, a checkpoint, a skipped step.</summary>
    public virtual void OnMessage(string message) { }

    /// <summary>A text that the model has just written.</summary>
    public virtual void OnSample(long step, string text) { }
}
