using System.Diagnostics;

namespace Craton.Training;

/// <summary>Measures training time alone, without validation and saving.</summary>
internal sealed class TrainingClock(string phase, long steps, long tokensPerStep)
{
    private const double Smoothing = 0.95;
    private const int WarmUpSteps = 3; // compilation and first touches do not count

    private readonly Stopwatch _watch = new();
    private long _measured, _begun, _lastReport;
    private double _warmSeconds;

    public long TokensPerStep => tokensPerStep;

    public double Seconds => _watch.Elapsed.TotalSeconds;

    public double SmoothLoss { get; set; } = double.NaN;

    /// <summary>What is counted.</summary>
    public string Unit { get; init; } = "tokens";

    /// <summary>The rate that an earlier process of the same run measured: counts until this one has warmed up.</summary>
    public double? RateBefore { get; init; }

    public double TokensPerSecond
    {
        get
        {
            long counted = _measured - WarmUpSteps;
            return counted > 0 ? counted * tokensPerStep / (Seconds - _warmSeconds) : RateBefore ?? _measured * tokensPerStep / Math.Max(1e-9, Seconds);
        }
    }

    public void Begin()
    {
        _begun++;
        _watch.Start();
    }

    public void End(double loss)
    {
        _watch.Stop();
        if (++_measured == WarmUpSteps) _warmSeconds = Seconds;
        SmoothLoss = double.IsNaN(SmoothLoss) ? loss : Smoothing * SmoothLoss + (1 - Smoothing) * loss;
    }

    public void Report(long step, TrainingListener listener)
    {
        long now = Environment.TickCount64;
        if (now - _lastReport < 200 && step < steps) return;
        _lastReport = now;
        double rate = TokensPerSecond;
        listener.OnProgress(new TrainingProgress(phase, step, steps, SmoothLoss, rate, TimeSpan.FromSeconds((steps - step) * tokensPerStep / Math.Max(1, rate))) { Unit = Unit });
    }
}
