using Craton.Data;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Trains a <see cref="SceneDiffusion"/>: every picture is a new scene with its caption.</summary>
public static class TextToImageTraining
{
    private const int ShownOfAKind = 32, Columns = 16, AttentionShown = 8, ScaleScenes = 500;
    private static readonly uint s_noise = CounterRandom.PlaceOf("scenes.train"), s_dropped = CounterRandom.PlaceOf("scenes.dropped");

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(TextToImageRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("text-to-image", recipe.Name, recipe, options);
        LatentSpace? latents = recipe.Vae is { } vae ? Latents(vae, (ulong)recipe.Seed) : null;
        SceneDiffusionConfig shape = recipe.Model.Shape.Checked("model", latents?.Vae.Config);
        SceneDiffusion model = new SceneDiffusion(shape, new(recipe.Drawing.Steps, recipe.Drawing.Guidance, recipe.Drawing.Restarts), latents).Initialize((ulong)recipe.Seed);
        options.Listener.OnMessage($"{recipe.Name}: {model.ParameterCount:N0} parameters, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0} scenes");
        (TrainingOutcome, IReadOnlyList<Metric>) end = MeasuredTraining.Run(Task(recipe, model, folder.Folder), recipe.Name, recipe.Train, folder.Folder, options);
        string data = new SceneLoader((ulong)recipe.Seed).State.Fingerprint;
        return ImageRun.Finish(folder, "text-to-image", recipe.Name, data, end, model, (path, card) => SceneDiffusionDirectory.Save(path, model, card with { BaseModel = recipe.Vae }), SceneJudge.Names);
    }

    // The space of a trained auto-encoder, scaled by scenes of the training.
    private static LatentSpace Latents(string directory, ulong seed)
    {
        SpatialVae vae = SpatialVaeDirectory.Load(directory);
        if (vae.Config.Channels != 3) throw new CratonException($"vae: expected an auto-encoder of 3 channels, got {vae.Config.Channels}; train one with the recipe spatial-vae");
        using var scope = TensorScope.Open("scale");
        return LatentSpace.Of(vae, SceneBatch.Next(new SceneLoader(seed), ScaleScenes).Images);
    }

    private static MeasuredTask Task(TextToImageRecipe recipe, SceneDiffusion model, string runFolder)
    {
        ulong seed = (ulong)recipe.Seed;
        var scenes = new SceneLoader(seed);
        var judge = new SceneJudge(recipe.JudgedCaptions, seed);
        var update = new ModelUpdate(model, recipe.Optimizer, recipe.Schedule, recipe.Train.Steps, recipe.Model.EmaDecay);
        return new MeasuredTask(
            [update.Part], scenes,
            step => Step(recipe, model, scenes, update, step), Measure);

        IReadOnlyList<Metric> Measure(long step)
        {
            IReadOnlyList<JudgedScene> judged = judge.Judge(captions => model.Draw(captions, seed));
            JudgedLog.Write(runFolder, step, judged);
            foreach (IGrouping<string, JudgedScene> kind in judged.GroupBy(SceneJudge.KindOf))
                PictureLog.Add(runFolder, kind.Key, step, PictureGrid.Of([.. kind.Take(ShownOfAKind).Select(scene => scene.Picture)], Columns));
            PictureLog.Add(runFolder, "attention", step, model.Attention([.. judged.Select(scene => scene.Caption).Where(caption => caption.Other is not null).Take(AttentionShown)], seed));
            return SceneJudge.Measures(judged);
        }
    }

    private static StepResult Step(TextToImageRecipe recipe, SceneDiffusion model, SceneLoader scenes, ModelUpdate update, long step)
    {
        update.ClearGradients();
        int count = recipe.Train.Batch;
        double loss;
        using (TensorScope.Open("step"))
        using (Tape tape = Tape.Start())
        {
            (Tensor images, SceneCaption[] captions) = SceneBatch.Next(scenes, count);
            var dropped = new CounterRandom((ulong)recipe.Seed, (uint)step, s_dropped);
            SceneCaption?[] told = [.. captions.Select((caption, i) => dropped.Bernoulli(i, recipe.Model.CaptionDropout) ? null : caption)];
            Tensor error = model.Loss(images * 2 - 1, told, new CounterRandom((ulong)recipe.Seed, (uint)step, s_noise));
            tape.Backward(error);
            loss = error.Item();
        }
        return update.Apply(loss, 1, step);
    }
}
