using Craton.Data;
using Craton.Data.Images;
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
    private const string BoundName = "elbo_nats";
    private const int TestBatch = 500;
    private static readonly uint s_trainNoise = CounterRandom.PlaceOf("vae.train"), s_testNoise = CounterRandom.PlaceOf("vae.test");

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(VaeRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("vae", recipe.Name, recipe, options);
        (ImageSet train, ImageSet test) = ImageRun.Open(recipe.Data);
        var judge = PictureJudge.Open(recipe.Data, test);
        Vae model = new Vae(new(train.SamplesOfOne, recipe.Model.Hidden, recipe.Model.Latent)).Initialize((ulong)recipe.Seed);
        options.Listener.OnMessage($"{recipe.Name}: {model.ParameterCount:N0} parameters, {train.Count:N0} training pictures, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0}");
        (TrainingOutcome, IReadOnlyList<Metric>) end = MeasuredTraining.Run(Task(recipe, model, train, test, judge, folder.Folder), recipe.Name, recipe.Train, folder.Folder, options);
        return ImageRun.Finish(folder, "vae", recipe.Name, train.Fingerprint, end, model, (path, card) => VaeDirectory.Save(path, model, card), BoundName, PictureJudge.Distance);
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

    private static MeasuredTask Task(VaeRecipe recipe, Vae model, ImageSet train, ImageSet test, PictureJudge? judge, string runFolder)
    {
        ulong seed = (ulong)recipe.Seed;
        NamedParameter[] parameters = [.. model.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor))];
        IOptimizer optimizer = LanguageModelTraining.Build(recipe.Optimizer, parameters);
        Schedule schedule = LanguageModelTraining.Build(recipe.Schedule, recipe.Train.Steps);
        var pictures = new ImageLoader(train, seed);
        var shown = new VaePictures(model, test, seed);
        var update = new GuardedUpdate([.. parameters.Select(p => p.Tensor)], optimizer, recipe.Optimizer.ClipNorm);
        return new MeasuredTask(
            [new TrainedPart(model, optimizer)], pictures,
            step => Step(recipe, model, pictures, update, new CounterRandom(seed, (uint)step, s_trainNoise), schedule.Factor(step)),
            Measure);

        IReadOnlyList<Metric> Measure(long step)
        {
            PictureLog.Add(runFolder, "samples", step, shown.Samples());
            PictureLog.Add(runFolder, "interpolation", step, shown.Interpolation());
            var bound = new Metric(BoundName, Bound(model, test, seed));
            return judge is null ? [bound] : [bound, judge.DistanceOf(shown.Drawn(recipe.Data.Judged))];
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
