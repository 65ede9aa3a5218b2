using Craton.Data;
using Craton.Tensors;
using Craton.Tensors.Diagnostics;
using Craton.Training.Checkpoints;
using Craton.Training.Recipes;
using Craton.Training.Reports;

namespace Craton.Training;

/// <summary>What <see cref="MeasuredTraining"/> is given.</summary>
/// <param name="Parts">What is trained; averages are updated by the loop after every step.</param>
/// <param name="Rows">The data, for their place in checkpoints.</param>
/// <param name="Step">Runs the optimizer step of that number, counted from 0: all that is random in it depends on the number and the seed.</param>
/// <param name="Measure">Measures the model as it leaves the run: with averages in the place of weights. Also writes pictures.</param>
internal sealed record MeasuredTask(IReadOnlyList<TrainedPart> Parts, IResumable Rows, Func<long, StepResult> Step, Func<long, IReadOnlyList<Metric>> Measure)
{
    /// <summary>What else the last step has to say, for the metrics file; asked for when a line is written.</summary>
    public Func<IEnumerable<Metric>> Details { get; init; } = () => [];

    /// <summary>What the rate counts.</summary>
    public string Unit { get; init; } = "pictures";
}

/// <summary>The training loop of models that are not language models, from top to bottom: what differs between them is one step and its measures.</summary>
internal static class MeasuredTraining
{
    /// <summary>Trains until the last step or a stop signal; resumes from the run folder's newest intact checkpoint. The weights it leaves are the averages.</summary>
    public static (TrainingOutcome Outcome, IReadOnlyList<Metric> Measures) Run(MeasuredTask task, string name, ImageLoopSettings loop, string runFolder, RunOptions options)
    {
        TrainingListener listener = options.Listener;
        var store = new CheckpointStore(runFolder, loop.Keep, warn: listener.OnMessage);
        var saved = new TrainingCheckpoint(task.Parts, task.Rows);
        Checkpoint? latest = store.Resume();
        (long step, RunningFigures figures) = latest is null ? (0, RunningFigures.None) : saved.Load(latest);
        if (latest is not null) listener.OnMessage($"resumed at step {step}");
        using var metrics = new MetricsLog(runFolder, latest is null ? -1 : step);
        var clock = new TrainingClock(name, loop.Steps, loop.Batch) { SmoothLoss = figures.TrainLoss ?? double.NaN, Unit = task.Unit };
        IReadOnlyList<Metric> measures = [.. (figures.Measures ?? new Dictionary<string, double>()).Select(m => new Metric(m.Key, m.Value))];
        long lastSaved = latest is null ? -1 : step;
        while (step < loop.Steps && options.Stop is not { IsRequested: true })
        {
            // ---- one optimizer step ---------------------------------------------------------------------------------------------
            clock.Begin();
            StepResult result = task.Step(step);
            step++;
            if (result.Skipped) throw new CratonException($"training diverged: step {step} gave no finite gradient; train again under another name with a lower optimizer.learning_rate");
            using (OpProfile.Part(TrainingParts.Update, "average"))
                foreach (TrainedPart part in task.Parts) part.Average?.Update();
            clock.End(result.Loss);
            bool last = step == loop.Steps;

            // ---- log, measure, save ---------------------------------------------------------------------------------------------
            if (step % loop.LogEvery == 0 || last)
            {
                metrics.Write(step, [new("loss", result.Loss), new("gradient_norm", result.GradientNorm), .. task.Details()]);
                metrics.WriteTiming(step, new("seconds", clock.Seconds), new($"{task.Unit}_per_second", clock.TokensPerSecond));
            }
            clock.Report(step, listener);
            if (last || (loop.EvalEvery > 0 && step % loop.EvalEvery == 0))
            {
                Swap();
                using (OpProfile.Part(TrainingParts.Aside, "measures")) measures = task.Measure(step);
                Swap();
                metrics.Write(step, [.. measures]);
                listener.OnMessage($"step {step}: {string.Join(", ", measures.Select(m => FormattableString.Invariant($"{m.Name} {m.Value:G5}")))}");
            }
            if (last || (loop.SaveEvery > 0 && step % loop.SaveEvery == 0)) Save();
        }
        bool stopped = step < loop.Steps;
        if (stopped && step != lastSaved) Save();
        Swap();
        return (new TrainingOutcome(step, clock.SmoothLoss, double.NaN, double.NaN, clock.TokensPerSecond, stopped), measures);

        void Swap()
        {
            foreach (TrainedPart part in task.Parts) part.Average?.Swap();
        }

        void Save()
        {
            using var saving = OpProfile.Part(TrainingParts.Aside, "checkpoint");
            metrics.Sync();
            var measured = measures.Where(m => double.IsFinite(m.Value)).ToDictionary(m => m.Name, m => m.Value);
            store.Save(step, saved.Files(step, RunningFigures.Of(clock.SmoothLoss, double.NaN, double.NaN, 0) with { Measures = measured }));
            lastSaved = step;
        }
    }
}
