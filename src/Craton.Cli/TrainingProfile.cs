using System.Diagnostics;
using System.Text.Json.Nodes;
using Craton.Cli.Bench;
using Craton.Tensors.Diagnostics;
using Craton.Tensors.Threading;
using Craton.Training;

namespace Craton.Cli;

/// <summary><c>craton train --profile</c>: where the time of a training goes, operation by operation, from its first steps, which still compile, on.</summary>
internal sealed class TrainingProfile
{
    private const int WarmUps = 10;

    private readonly OpProfile _profile = new();
    private string? _phase;
    private long _start, _first, _steps;
    private double _seconds;
    private int _heard;

    /// <summary>Measures what this thread trains until the result is disposed.</summary>
    public OpProfile.Watching Watch() => _profile.Watch();

    /// <summary>Hears how far training is. Of several trainings, one after the other, the last one counts.</summary>
    public void OnProgress(TrainingProgress progress)
    {
        if (_phase != progress.Phase) (_phase, _heard) = (progress.Phase, 0);
        if (++_heard is 1 or WarmUps)
        {
            _profile.Restart();
            (_start, _first) = (Stopwatch.GetTimestamp(), progress.Step);
        }
        (_steps, _seconds) = (progress.Step - _first, Stopwatch.GetElapsedTime(_start).TotalSeconds - Aside.Sum(time => time.Seconds));
    }

    private IEnumerable<OpTime> Aside => _profile.Times.Where(time => time.Pass == TrainingParts.Aside);

    /// <summary>Writes the table.</summary>
    /// <returns>The same for scripts; null after too few steps.</returns>
    public JsonArray? Show(Output output)
    {
        if (_steps <= 0)
        {
            output.Info("no profile: the training ended within its first steps, which still compile; let it run for more");
            return null;
        }
        int threads = WorkerPool.Threads;
        output.Info("measuring the machine's limits");
        var limits = Limits.Measure(threads);
        var table = new ProfileTable([.. _profile.Times.Except(Aside)], _steps, _seconds, limits);
        table.Show(output, Machine.Describe(), threads, _phase!);
        foreach (OpTime time in Aside) output.Line($"beside the steps: {time.Name} {time.Seconds:F1} s");
        return table.ToJson();
    }
}
