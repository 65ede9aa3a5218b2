using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Trains a diffusion model that draws what a label asks for.</summary>
public static class DiffusionTraining
{
    private const string TestLoss = "test_loss";
    private const int TestPictures = 500, StripEvery = 5;
    private static readonly uint s_noise = CounterRandom.PlaceOf("diffusion.noise"), s_time = CounterRandom.PlaceOf("diffusion.time"),
        s_label = CounterRandom.PlaceOf("diffusion.label"), s_test = CounterRandom.PlaceOf("diffusion.test");

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(DiffusionRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("diffusion", recipe.Name, recipe, options);
        (ImageSet train, ImageSet test) = ImageRun.Open(recipe.Data);
        var judge = PictureJudge.Open(recipe.Data, test);
        LabelDiffusion model = Create(recipe, train).Initialize((ulong)recipe.Seed);
        options.Listener.OnMessage($"{recipe.Name}: {model.ParameterCount:N0} parameters, {train.Count:N0} training pictures of {model.Shape.Labels} labels, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0}");
        (TrainingOutcome, IReadOnlyList<Metric>) end = MeasuredTraining.Run(Task(recipe, model, train, test, judge, folder.Folder), recipe.Name, recipe.Train, folder.Folder, options);
        return ImageRun.Finish(folder, "diffusion", recipe.Name, train.Fingerprint, end, model, (path, card) => LabelDiffusionDirectory.Save(path, model, card), [TestLoss, .. LabelledMeasures.Names]);
    }

    private static LabelDiffusion Create(DiffusionRecipe recipe, ImageSet train)
    {
        DiffusionSettings settings = recipe.Model;
        var network = new DrawingUNetConfig
        {
            Channels = train.Channels,
            Patch = settings.Patch,
            Widths = settings.Widths,
            Blocks = settings.Blocks,
            AttentionLevels = settings.AttentionLevels,
            HeadWidth = settings.HeadWidth,
            Groups = settings.Groups,
            Condition = settings.Widths.Count > 0 ? settings.Widths[0] : 1,
        };
        string schedule = settings.Noise == NoiseKind.Cosine ? "squaredcos_cap_v2" : "linear";
        return new LabelDiffusion(
            new(train.Channels, train.Height, train.Width, train.Labels.Max() + 1), network.Checked("model"), DiffusionProcess.Create(schedule, settings.Prediction, renews: recipe.Drawing.Renews),
            new(recipe.Drawing.Steps, recipe.Drawing.Guidance, recipe.Drawing.Restarts, recipe.Drawing.RestartFrom));
    }

    private static MeasuredTask Task(DiffusionRecipe recipe, LabelDiffusion model, ImageSet train, ImageSet test, PictureJudge? judge, string runFolder)
    {
        ulong seed = (ulong)recipe.Seed;
        var pictures = new ImageLoader(train, seed);
        var measures = new LabelledMeasures(model, judge, recipe.Data.Judged, seed, runFolder);
        var update = new ModelUpdate(model, recipe.Optimizer, recipe.Schedule, recipe.Train.Steps, recipe.Model.EmaDecay);
        return new MeasuredTask(
            [update.Part], pictures,
            step => Step(recipe, model, pictures, update, step),
            Measure);

        IReadOnlyList<Metric> Measure(long step)
        {
            bool isLast = step == recipe.Train.Steps;
            if (isLast) PictureLog.Add(runFolder, "denoising", step, Denoising(model, measures, seed));
            return [new(TestLoss, LossOnTest(model, test, seed)), .. measures.Of(step, isLast)];
        }
    }

    private static StepResult Step(DiffusionRecipe recipe, LabelDiffusion model, ImageLoader loader, ModelUpdate update, long step)
    {
        (ulong seed, int count) = ((ulong)recipe.Seed, recipe.Train.Batch);
        update.ClearGradients();
        double loss;
        using (TensorScope.Open("step"))
        using (Tape tape = Tape.Start())
        {
            Tensor pictures = Tensor.Empty(DType.F32, [count, .. model.NoiseShape]), noise = Tensor.Empty(DType.F32, pictures.Shape);
            int[] labels = new int[count];
            loader.Next(pictures.AsSpan<float>(), labels);
            new CounterRandom(seed, (uint)step, s_noise).FillNormal(noise.AsSpan<float>());
            var drop = new CounterRandom(seed, (uint)step, s_label);
            for (int i = 0; i < count; i++)
                if (drop.Bernoulli(i, recipe.Model.LabelDrop)) labels[i] = model.NoLabel;
            int[] timesteps = model.Process.Timesteps(count, new CounterRandom(seed, (uint)step, s_time), recipe.Model.TimeSpread);
            Tensor error = model.Loss(pictures, labels, noise, timesteps, recipe.Model.MostWeight);
            tape.Backward(error);
            loss = error.Item();
        }
        return update.Apply(loss, 1, step);
    }

    // Without labels, with noise and times that depend on the seed alone.
    private static double LossOnTest(LabelDiffusion model, ImageSet test, ulong seed)
    {
        using var scope = TensorScope.Open("test");
        int count = Math.Min(TestPictures, test.Count);
        Tensor pictures = Tensor.Empty(DType.F32, [count, .. model.NoiseShape]), noise = Tensor.Empty(DType.F32, pictures.Shape);
        new ImageLoader(test, shuffle: false).Next(pictures.AsSpan<float>());
        var random = new CounterRandom(seed, place: s_test);
        random.FillNormal(noise.AsSpan<float>());
        int[] labels = new int[count];
        Array.Fill(labels, model.NoLabel);
        return model.Loss(pictures, labels, noise, model.Process.Timesteps(count, random)).Item();
    }

    // A row for each label, from noise to the picture.
    private static Picture Denoising(LabelDiffusion model, LabelledMeasures measures, ulong seed)
    {
        using var scope = TensorScope.Open("denoising");
        int[] labels = [.. Enumerable.Range(0, Math.Min(10, model.Shape.Labels))];
        Tensor noise = model.Noise(labels.Length, seed);
        var strip = new List<Tensor> { noise };
        Tensor drawn = model.Draw(labels, noise, model.Drawing, (step, x) =>
        {
            if ((step + 1) % StripEvery == 0 && step + 1 < model.Drawing.Steps) strip.Add(x);
        });
        Tensor rows = Ops.Stack(1, [.. strip.Select(x => Ops.Clamp(x * 0.5 + 0.5, 0, 1)), drawn]);
        return measures.Grid(rows.AsSpan<float>(), rows.Size(1));
    }
}
