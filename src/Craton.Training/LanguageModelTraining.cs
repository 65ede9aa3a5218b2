using Craton.Data;
using Craton.Models;
using Craton.Models.Adapters;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.Diagnostics;
using Craton.Tokenizers;
using Craton.Training.Checkpoints;
using Craton.Training.Optimizers;
using Craton.Training.Recipes;
using Craton.Training.Reports;
using Craton.Training.Schedules;

namespace Craton.Training;

/// <summary>What a run needs beside its settings.</summary>
/// <param name="Phase">Named in progress and reports.</param>
/// <param name="Model">The model, with its first weights.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
/// <param name="Train">Gives the batches.</param>
/// <param name="Valid">Opens the validation rows at their beginning, or null.</param>
/// <param name="Context">Tokens of a row.</param>
/// <param name="Sample">Writes a text with the model as it is, or null.</param>
public sealed record TrainingTask(
    string Phase, CausalLanguageModel Model, Tokenizer Tokenizer, BatchLoader Train, Func<BatchLoader>? Valid, int Context, Func<CausalLanguageModel, string>? Sample)
{
    /// <summary>The adapter that is trained instead of the model, attached to it; null to train the model.</summary>
    public LayerAdapters? Adapter { get; init; }

    /// <summary>SHA-256 of the frozen weights beside an adapter, which checkpoints do not hold; null to train the model.</summary>
    public string? Frozen { get; init; }

    /// <summary>Seed of what an adapter leaves out in training.</summary>
    public ulong Seed { get; init; }

    /// <summary>What holds the trained parameters.</summary>
    public Module Trained => (Module?)Adapter ?? Model;
}

/// <summary>How a run ended.</summary>
/// <param name="Steps">Optimizer steps done.</param>
/// <param name="TrainLoss">Mean training loss of the last steps, in nats.</param>
/// <param name="ValLoss">Validation loss, in nats per target; NaN without validation.</param>
/// <param name="BitsPerByte">Validation loss in bits per byte of text; NaN without validation.</param>
/// <param name="TokensPerSecond">Rate of this process over its training steps, or of the one before when it did hardly any.</param>
/// <param name="Stopped">True when a signal ended it early; it can be resumed.</param>
public sealed record TrainingOutcome(long Steps, double TrainLoss, double ValLoss, double BitsPerByte, double TokensPerSecond, bool Stopped);

/// <summary>
/// The training loop of language models, from top to bottom: pre-training, continued pre-training and instruction tuning differ in the
/// weights they start from and in the rows they are given.
/// </summary>
public static class LanguageModelTraining
{
    private const int MostSkipsInARow = 10;

    /// <summary>Trains until the last step or a stop signal; resumes from the run folder's newest intact checkpoint.</summary>
    /// <param name="task">Model and data.</param>
    /// <param name="loop">The loop's settings.</param>
    /// <param name="optimizerSettings">The optimizer's settings.</param>
    /// <param name="scheduleSettings">The learning rate's settings.</param>
    /// <param name="runFolder">Where metrics and checkpoints go.</param>
    /// <param name="stop">Asks for an early end.</param>
    /// <param name="listener">Hears the progress.</param>
    public static TrainingOutcome Run(
        TrainingTask task, LoopSettings loop, OptimizerSettings optimizerSettings, ScheduleSettings scheduleSettings,
        string runFolder, StopSignal? stop, TrainingListener listener)
    {
        NamedParameter[] parameters = [.. task.Trained.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor))];
        IOptimizer optimizer = Build(optimizerSettings, parameters);
        Schedule schedule = Build(scheduleSettings, loop.Steps);
        task.Model.CheckpointActivations = loop.CheckpointActivations;
        Ema? ema = loop.EmaDecay > 0 ? new Ema(parameters, loop.EmaDecay) : null;

        // ---- resume -------------------------------------------------------------------------------------------------------------
        var store = new CheckpointStore(runFolder, loop.Keep, warn: listener.OnMessage);
        var saved = new TrainingCheckpoint([new TrainedPart(task.Trained, optimizer, ema)], task.Train, task.Frozen);
        Checkpoint? latest = store.Resume();
        (long step, RunningFigures figures) = latest is null ? (0, RunningFigures.None) : saved.Load(latest);
        if (latest is not null) listener.OnMessage($"resumed at step {step}");
        using var metrics = new MetricsLog(runFolder, latest is null ? -1 : step);
        var samples = new SampleLog(runFolder, latest is null ? 0 : figures.SampleBytes);
        long lastSaved = latest is null ? -1 : step;

        var update = new TrainingStep(task.Model, optimizer, optimizerSettings.ClipNorm, task.Trained);
        var batch = new TokenBatch(loop.Batch, task.Context);
        uint pass = (uint)(step * loop.Accumulate);
        Func<TokenBatch> next = () =>
        {
            task.Adapter?.DrawDropout(new CounterRandom(task.Seed, pass++));
            return batch.Fill(task.Train);
        };
        var clock = new TrainingClock(task.Phase, loop.Steps, (long)loop.Batch * loop.Accumulate * task.Context)
        {
            SmoothLoss = figures.TrainLoss ?? double.NaN,
            RateBefore = RateBefore(runFolder),
        };
        int skips = 0;
        (double Loss, double BitsPerByte) valid = (figures.ValLoss ?? double.NaN, figures.BitsPerByte ?? double.NaN);
        while (step < loop.Steps && stop is not { IsRequested: true })
        {
            // ---- one optimizer step ---------------------------------------------------------------------------------------------
            clock.Begin();
            double factor = schedule.Factor(step);
            StepResult result = update.Run(next, loop.Accumulate, factor);
            task.Adapter?.DrawDropout(null);
            using (OpProfile.Part(TrainingParts.Update, "average"))
                if (!result.Skipped) ema?.Update();
            step++;
            clock.End(result.Loss);
            skips = result.Skipped ? skips + 1 : 0;
            if (result.Skipped) listener.OnMessage($"step {step}: loss {result.Loss}, gradient norm {result.GradientNorm}: not finite, the update was skipped ({RowsOfStep()})");
            if (skips >= MostSkipsInARow) throw new CratonException($"training diverged: {skips} steps in a row up to step {step} gave no finite gradient; train again under another name with a lower optimizer.learning_rate");
            bool last = step == loop.Steps;

            // ---- log ------------------------------------------------------------------------------------------------------------
            if (step % loop.LogEvery == 0 || last)
            {
                metrics.Write(step, new("loss", result.Loss), new("gradient_norm", result.GradientNorm), new("rate", factor), new("tokens", step * clock.TokensPerStep));
                metrics.WriteTiming(step, new("seconds", clock.Seconds), new("tokens_per_second", clock.TokensPerSecond));
            }
            clock.Report(step, listener);

            // ---- validate -------------------------------------------------------------------------------------------------------
            if (task.Valid is not null && (last || (loop.EvalEvery > 0 && step % loop.EvalEvery == 0)))
            {
                ema?.Swap();
                using (OpProfile.Part(TrainingParts.Aside, "validation")) valid = Validate(task, loop);
                ema?.Swap();
                metrics.Write(step, new("val_loss", valid.Loss), new("bits_per_byte", valid.BitsPerByte));
                listener.OnMessage($"step {step}: validation loss {valid.Loss:F4} nats, {valid.BitsPerByte:F4} bits per byte");
            }

            // ---- sample ---------------------------------------------------------------------------------------------------------
            if (task.Sample is not null && loop.SampleEvery > 0 && (step % loop.SampleEvery == 0 || last))
            {
                string text;
                using (OpProfile.Part(TrainingParts.Aside, "sample")) text = task.Sample(task.Model);
                samples.Add(step, text);
                listener.OnSample(step, text);
            }

            // ---- save -----------------------------------------------------------------------------------------------------------
            if (last || (loop.SaveEvery > 0 && step % loop.SaveEvery == 0)) Save();
        }
        bool stopped = step < loop.Steps;
        if (stopped && step != lastSaved)
        {
            Save();
            listener.OnMessage($"stopped at step {step} of {loop.Steps}; the same command with --resume goes on");
        }
        ema?.Swap(); // the model that leaves the run is the average
        return new TrainingOutcome(step, clock.SmoothLoss, valid.Loss, valid.BitsPerByte, clock.TokensPerSecond, stopped);

        string RowsOfStep()
        {
            long end = task.Train.State.Rows; // a state is an object: asked for only when there is something to report
            return $"rows {end - (long)loop.Batch * loop.Accumulate} to {end - 1}";
        }

        void Save()
        {
            using var saving = OpProfile.Part(TrainingParts.Aside, "checkpoint");
            metrics.Sync();
            store.Save(step, saved.Files(step, RunningFigures.Of(clock.SmoothLoss, valid.Loss, valid.BitsPerByte, samples.Length)), double.IsNaN(valid.Loss) ? null : valid.Loss);
            lastSaved = step;
        }
    }

    /// <summary>Mean loss over the first validation batches, in nats per target and in bits per byte of the targets' text.</summary>
    public static (double Loss, double BitsPerByte) Validate(TrainingTask task, LoopSettings loop)
    {
        BatchLoader rows = task.Valid!();
        var batch = new TokenBatch(loop.Batch, task.Context);
        double nats = 0;
        long targets = 0, bytes = 0;
        for (int i = 0; i < loop.EvalBatches; i++)
        {
            batch.Fill(rows);
            using (TensorScope.Open("validate"))
                nats += task.Model.Loss(batch.Ids, batch.Targets, TrainingStep.Input(batch), TrainingStep.LossOptions).Item();
            foreach (int target in batch.Targets.AsSpan<int>())
                if (target != BatchLoader.Ignore)
                {
                    targets++;
                    if (!task.Tokenizer.IsSpecial(target)) bytes += task.Tokenizer.TokenBytes(target).Length;
                }
        }
        return (nats / Math.Max(1, targets), nats / DeterministicMath.Ln2 / Math.Max(1, bytes));
    }

    // What the last process of a resumed run measured; null when there was none.
    private static double? RateBefore(string runFolder) =>
        MetricsLog.Read(runFolder, MetricsLog.TimingFile) is [.., var last] ? last["tokens_per_second"] : null;

    internal static IOptimizer Build(OptimizerSettings settings, NamedParameter[] parameters)
    {
        var adamW = new AdamWOptions(settings.LearningRate, settings.Beta1, settings.Beta2, settings.Eps, settings.WeightDecay);
        return settings.Kind == OptimizerKind.AdamW
            ? new AdamW(parameters, adamW)
            : Muon.ForModel(parameters, new MuonOptions(settings.MuonLearningRate, WeightDecay: settings.WeightDecay), adamW);
    }

    internal static Schedule Build(ScheduleSettings settings, long steps) => settings.Kind switch
    {
        ScheduleKind.Constant => new ConstantSchedule(settings.Warmup),
        ScheduleKind.Cosine => new CosineSchedule(settings.Warmup, steps, settings.MinRatio),
        _ => new WarmupStableDecaySchedule(
            settings.Warmup, Math.Max(0, steps - settings.Warmup - (long)(steps * settings.DecayFraction)), (long)(steps * settings.DecayFraction), settings.MinRatio),
    };
}
