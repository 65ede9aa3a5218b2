using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>
/// Trains a variational auto-encoder on a set of pictures. A grey value is the probability of a white pixel: pixels are drawn anew whenever
/// the model sees a picture, so the bound is that of black and white pictures (R. Salakhutdinov, I. Murray, 2008).
/// </summary>
public static class VaeTraining
{
    private const string BoundName = "elbo_nats", BitsName = "bits_per_dim";
    private const int TestBatch = 500;
    private static readonly uint s_train = CounterRandom.PlaceOf("vae.train"), s_test = CounterRandom.PlaceOf("vae.test");

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(VaeRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("vae", recipe.Name, recipe, options);
        (ImageSet train, ImageSet test) = ImageRun.Open(recipe.Data);
        var judge = PictureJudge.Open(recipe.Data, test);
        var shape = new LabelledShape(train.Channels, train.Height, train.Width, recipe.Data.Labels is null ? 0 : train.Labels.Max() + 1);
        if (shape.Labels > 0 && test.Labels.Max() >= shape.Labels) throw new CratonException($"data.test_labels: expected labels below {shape.Labels}, as in data.labels, got {test.Labels.Max()}; give the labels of the same classes");
        Vae model = new Vae(new(shape, recipe.Model.Hidden, recipe.Model.Latent)).Initialize((ulong)recipe.Seed);
        options.Listener.OnMessage($"{recipe.Name}: {model.ParameterCount:N0} parameters, {train.Count:N0} training pictures, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0}");
        (TrainingOutcome, IReadOnlyList<Metric>) end = MeasuredTraining.Run(Task(recipe, model, train, test, judge, folder.Folder), recipe.Name, recipe.Train, folder.Folder, options);
        return ImageRun.Finish(folder, "vae", recipe.Name, train.Fingerprint, end, model, (path, card) => VaeDirectory.Save(path, model, card), [BoundName, .. LabelledMeasures.Names]);
    }

    /// <summary>The bound on −log p(x), in nats per picture over all of a set, with pixels and one place for each picture that depend on the seed alone.</summary>
    public static double Bound(Vae model, ImageSet set, ulong seed)
    {
        var loader = new ImageLoader(set, shuffle: false);
        double nats = 0;
        for (int done = 0; done < set.Count; done += TestBatch)
            using (TensorScope.Open("test"))
            {
                VaeLoss loss = Loss(model, loader, Math.Min(TestBatch, set.Count - done), new CounterRandom(seed, (uint)done, s_test));
                nats += loss.Reconstruction.Item() + loss.Divergence.Item();
            }
        return nats / set.Count;
    }

    private static MeasuredTask Task(VaeRecipe recipe, Vae model, ImageSet train, ImageSet test, PictureJudge? judge, string runFolder)
    {
        ulong seed = (ulong)recipe.Seed;
        var pictures = new ImageLoader(train, seed);
        var shown = new VaePictures(model, test, seed);
        var measures = new LabelledMeasures(model, judge, recipe.Data.Judged, seed, runFolder);
        var update = new ModelUpdate(model, recipe.Optimizer, recipe.Schedule, recipe.Train.Steps);
        return new MeasuredTask(
            [update.Part], pictures,
            step => Step(recipe, model, pictures, update, step),
            Measure);

        IReadOnlyList<Metric> Measure(long step)
        {
            PictureLog.Add(runFolder, "interpolation", step, shown.Interpolation());
            PictureLog.Add(runFolder, "traversal", step, shown.Traversal());
            double nats = Bound(model, test, seed);
            return [new(BoundName, nats), new(BitsName, nats / model.Pixels / DeterministicMath.Log(2)), .. measures.Of(step, isLast: step == recipe.Train.Steps)];
        }
    }

    private static StepResult Step(VaeRecipe recipe, Vae model, ImageLoader pictures, ModelUpdate update, long step)
    {
        update.ClearGradients();
        double loss;
        using (TensorScope.Open("step"))
        using (Tape tape = Tape.Start())
        {
            VaeLoss parts = Loss(model, pictures, recipe.Train.Batch, new CounterRandom((ulong)recipe.Seed, (uint)step, s_train));
            Tensor sum = parts.Reconstruction + parts.Divergence * recipe.Model.Beta;
            tape.Backward(sum);
            loss = sum.Item();
        }
        return update.Apply(loss, recipe.Train.Batch, step);
    }

    // Of the next pictures, with their pixels drawn.
    private static VaeLoss Loss(Vae model, ImageLoader pictures, int count, CounterRandom random)
    {
        Tensor images = Tensor.Empty(DType.F32, count, model.Pixels), levels = Tensor.Empty(DType.F32, images.Shape), noise = Tensor.Empty(DType.F32, count, model.Config.Latent);
        int[] labels = new int[count];
        pictures.Next(images.AsSpan<float>(), model.Shape.Labels > 0 ? labels : []);
        random.FillUniform(levels.AsSpan<float>());
        random.FillNormal(noise.AsSpan<float>());
        return model.Loss(Ops.Cast(Ops.Less(levels, images), DType.F32), labels, noise);
    }
}
