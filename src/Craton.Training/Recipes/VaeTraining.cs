using Craton.Data;
using Craton.Data.Images;
using Craton.Models;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Training.Checkpoints;
using Craton.Training.Optimizers;
using Craton.Training.Reports;
using Craton.Training.Schedules;

namespace Craton.Training.Recipes;

/// <summary>Trains a variational auto-encoder on a set of pictures.</summary>
public static class VaeTraining
{
    private const int TestBatch = 500;
    private static readonly uint s_trainNoise = CounterRandom.PlaceOf("vae.train"), s_testNoise = CounterRandom.PlaceOf("vae.test");

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(VaeRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("vae", recipe.Name, recipe, options);
        ImageSet train = IdxReader.ReadImages(SourceReader.Resolve(recipe.Data.Train)), test = IdxReader.ReadImages(SourceReader.Resolve(recipe.Data.Test));
        if ((train.Width, train.Height) != (test.Width, test.Height))
            throw new CratonException($"data.test: expected pictures of {train.Width}×{train.Height} pixels as in data.train, got {test.Width}×{test.Height}");
        Vae model = new Vae(new(train.SamplesOfOne, recipe.Model.Hidden, recipe.Model.Latent)).Initialize((ulong)recipe.Seed);
        options.Listener.OnMessage($"{recipe.Name}: {model.ParameterCount:N0} parameters, {train.Count:N0} training pictures, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0}");
        (TrainingOutcome outcome, double bound) = Train(recipe, model, train, test, folder.Folder, options);
        var pictures = new VaePictures(model, test, (ulong)recipe.Seed);
        PngWriter.WriteFile(Path.Combine(folder.Folder, ImageReport.Samples), pictures.Samples());
        PngWriter.WriteFile(Path.Combine(folder.Folder, ImageReport.Interpolation), pictures.Interpolation());
        string report = ImageReport.Write(folder.Folder, recipe.Name);
        Metric[] measures = [new(ImageReport.Bound, bound), new("pictures_per_second", outcome.TokensPerSecond)];
        if (outcome.Stopped) return new RunResult(folder.Folder, null, report, null, outcome) { Measures = measures };
        string resolved = File.ReadAllText(Path.Combine(folder.Folder, "recipe.yaml"));
        VaeDirectory.Save(folder.Model, model, new ModelCard
        {
            Kind = "vae",
            Recipe = resolved,
            Hashes = new Origin(train.Fingerprint).Hashes(resolved),
            Metrics = new SortedDictionary<string, double>(StringComparer.Ordinal) { [ImageReport.Bound] = bound },
        });
        return new RunResult(folder.Folder, folder.Model, report, ModelDirectory.HashWeights(model), outcome) { Measures = measures };
    }

    /// <summary>The bound on −log p(x), in nats per picture over all of a set, with one sample for each that depends on the seed alone.</summary>
    public static double Bound(Vae model, ImageSet set, ulong seed)
    {
        var loader = new ImageLoader(set, shuffle: false);
        double nats = 0;
        for (int done = 0; done < set.Count; done += TestBatch)
            using (TensorScope.Open("test"))
            {
                (Tensor images, Tensor noise) = Batch(model, loader, Math.Min(TestBatch, set.Count - done), new CounterRandom(seed, (uint)done, s_testNoise));
                VaeLoss loss = model.Loss(images, noise);
                nats += loss.Reconstruction.Item() + loss.Divergence.Item();
            }
        return nats / set.Count;
    }

    private static (TrainingOutcome Outcome, double Bound) Train(VaeRecipe recipe, Vae model, ImageSet train, ImageSet test, string runFolder, RunOptions options)
    {
        ImageLoopSettings loop = recipe.Train;
        (ulong seed, TrainingListener listener) = ((ulong)recipe.Seed, options.Listener);
        NamedParameter[] parameters = [.. model.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor))];
        IOptimizer optimizer = LanguageModelTraining.Build(recipe.Optimizer, parameters);
        Schedule schedule = LanguageModelTraining.Build(recipe.Schedule, loop.Steps);
        var pictures = new ImageLoader(train, seed);
        var update = new GuardedUpdate([.. parameters.Select(p => p.Tensor)], optimizer, recipe.Optimizer.ClipNorm);

        // ---- resume -------------------------------------------------------------------------------------------------------------
        var store = new CheckpointStore(runFolder, loop.Keep, warn: listener.OnMessage);
        var saved = new TrainingCheckpoint(model, optimizer, null, pictures, null);
        Checkpoint? latest = store.Resume();
        (long step, RunningFigures figures) = latest is null ? (0, RunningFigures.None) : saved.Load(latest);
        if (latest is not null) listener.OnMessage($"resumed at step {step}");
        using var metrics = new MetricsLog(runFolder, latest is null ? -1 : step);
        var clock = new TrainingClock(recipe.Name, loop.Steps, loop.Batch) { SmoothLoss = figures.TrainLoss ?? double.NaN, Unit = "pictures" };
        double bound = figures.ValLoss ?? double.NaN;
        long lastSaved = latest is null ? -1 : step;
        while (step < loop.Steps && options.Stop is not { IsRequested: true })
        {
            // ---- one optimizer step ---------------------------------------------------------------------------------------------
            clock.Begin();
            double factor = schedule.Factor(step);
            StepResult result = Step(recipe, model, pictures, update, new CounterRandom(seed, (uint)step, s_trainNoise), factor);
            step++;
            clock.End(result.Loss);
            if (result.Skipped) throw new CratonException($"training diverged: step {step} gave no finite gradient; train again under another name with a lower optimizer.learning_rate");
            bool last = step == loop.Steps;

            // ---- log, test, save ------------------------------------------------------------------------------------------------
            if (step % loop.LogEvery == 0 || last)
            {
                metrics.Write(step, new("loss", result.Loss), new("gradient_norm", result.GradientNorm), new("rate", factor));
                metrics.WriteTiming(step, new("seconds", clock.Seconds), new("pictures_per_second", clock.TokensPerSecond));
            }
            clock.Report(step, listener);
            if (last || (loop.EvalEvery > 0 && step % loop.EvalEvery == 0))
            {
                bound = Bound(model, test, seed);
                metrics.Write(step, new Metric(ImageReport.Bound, bound));
                listener.OnMessage($"step {step}: bound on the test pictures {bound:F3} nats");
            }
            if (last || (loop.SaveEvery > 0 && step % loop.SaveEvery == 0)) Save();
        }
        bool stopped = step < loop.Steps;
        if (stopped && step != lastSaved) Save();
        return (new TrainingOutcome(step, clock.SmoothLoss, bound, double.NaN, clock.TokensPerSecond, stopped), bound);

        void Save()
        {
            metrics.Sync();
            store.Save(step, saved.Files(step, RunningFigures.Of(clock.SmoothLoss, bound, double.NaN, 0)), double.IsNaN(bound) ? null : bound);
            lastSaved = step;
        }
    }

    private static StepResult Step(VaeRecipe recipe, Vae model, ImageLoader pictures, GuardedUpdate update, CounterRandom random, double factor)
    {
        update.ClearGradients();
        double loss;
        using (TensorScope.Open("step"))
        using (Tape tape = Tape.Start())
        {
            (Tensor images, Tensor noise) = Batch(model, pictures, recipe.Train.Batch, random);
            VaeLoss parts = model.Loss(images, noise);
            Tensor sum = parts.Reconstruction + parts.Divergence * recipe.Model.Beta;
            tape.Backward(sum);
            loss = sum.Item();
        }
        return update.Apply(loss, recipe.Train.Batch, factor);
    }

    private static (Tensor Images, Tensor Noise) Batch(Vae model, ImageLoader pictures, int count, CounterRandom random)
    {
        Tensor images = Tensor.Empty(DType.F32, count, model.Config.Pixels), noise = Tensor.Empty(DType.F32, count, model.Config.Latent);
        pictures.Next(images.AsSpan<float>());
        random.FillNormal(noise.AsSpan<float>());
        return (images, noise);
    }
}
