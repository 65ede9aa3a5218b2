using Craton.Data;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models;
using Craton.Models.Generative;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Trains a <see cref="VqVae"/>: every picture is a new scene.</summary>
public static class VqVaeTraining
{
    private static readonly string[] s_measures = [.. SceneReturn.Names, "codebook_perplexity", "codebook_used"];
    private static readonly uint s_newCodes = CounterRandom.PlaceOf("vq_vae.codes");

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(VqVaeRecipe recipe, RunOptions options) => Run(recipe, options, out _);

    internal static RunResult Run(VqVaeRecipe recipe, RunOptions options, out VqVae model)
    {
        var folder = new RunFolder("vq-vae", recipe.Name, recipe, options);
        model = new VqVae(recipe.Model.Shape).Initialize((ulong)recipe.Seed);
        options.Listener.OnMessage($"{recipe.Name}: {model.ParameterCount:N0} parameters, {recipe.Model.Codes:N0} codes, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0} scenes");
        (TrainingOutcome, IReadOnlyList<Metric>) end = MeasuredTraining.Run(Task(recipe, model, folder.Folder), recipe.Name, recipe.Train, folder.Folder, options);
        VqVae trained = model;
        string data = new SceneLoader((ulong)recipe.Seed).State.Fingerprint;
        return ImageRun.Finish(folder, "vq-vae", recipe.Name, data, end, model, (path, card) => VqVaeDirectory.Save(path, trained, card), s_measures);
    }

    /// <summary>
    /// How well held-out scenes come back: <c>squared_error</c> of the numbers of pictures, <c>scene_accuracy</c>, the share that still fits its caption;
    /// <c>codebook_perplexity</c>, how many codes of a level are in use in effect; <c>codebook_used</c>, the share that is used at all.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="count">Number of scenes.</param>
    /// <param name="seed">Seed of their choice.</param>
    public static IReadOnlyList<Metric> Measure(VqVae model, int count, ulong seed)
    {
        int levels = model.Config.Levels;
        long[] uses = new long[levels * model.Config.Codes];
        double[] returned = SceneReturn.Measure(count, seed, images =>
        {
            Tensor codes = model.Encode(images);
            ReadOnlySpan<long> all = codes.AsSpan<long>();
            for (int i = 0; i < all.Length; i++) uses[i % levels * model.Config.Codes + all[i]]++;
            return model.Decode(codes, Scene.Side / VqVae.Patch);
        });
        double places = uses.Sum() / levels, entropy = uses.Where(n => n > 0).Sum(n => -n / places * DeterministicMath.Log(n / places)) / levels;
        double[] measured = [.. returned, DeterministicMath.Exp(entropy), uses.Count(n => n > 0) / (double)uses.Length];
        return [.. s_measures.Zip(measured, (name, value) => new Metric(name, value))];
    }

    private static MeasuredTask Task(VqVaeRecipe recipe, VqVae model, string runFolder)
    {
        ulong seed = (ulong)recipe.Seed;
        var scenes = new SceneLoader(seed);
        var update = new ModelUpdate(model, recipe.Optimizer, recipe.Schedule, recipe.Train.Steps);
        double perplexity = 0, replaced = 0;
        return new MeasuredTask([update.Part], scenes, Step, Measured) { Details = () => [new("perplexity", perplexity), new("codes_replaced", replaced)] };

        StepResult Step(long step)
        {
            update.ClearGradients();
            using var scope = TensorScope.Open("step");
            double loss;
            Tensor vectors;
            using (Tape tape = Tape.Start())
            {
                VqVaeLoss parts = model.Loss(SceneBatch.Next(scenes, recipe.Train.Batch).Images);
                Tensor sum = parts.Reconstruction + parts.Commitment * recipe.Model.Commitment;
                (vectors, perplexity) = (Ops.Copy(parts.Vectors), parts.Perplexity.Item());
                tape.Backward(sum);
                loss = sum.Item();
            }
            replaced = model.MoveCodebooks(vectors, recipe.Model.Decay, recipe.Model.LeastUse, new CounterRandom(seed, (uint)step, s_newCodes));
            return update.Apply(loss, 1, step);
        }

        IReadOnlyList<Metric> Measured(long step)
        {
            PictureLog.Add(runFolder, SceneReturn.Pictures, step, SceneReturn.Pairs(seed, images => model.Decode(model.Encode(images), Scene.Side / VqVae.Patch)));
            return Measure(model, recipe.Model.TestScenes, seed);
        }
    }
}
