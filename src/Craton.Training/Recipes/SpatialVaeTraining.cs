using Craton.Data;
using Craton.Data.Images.Scenes;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Training.Configuration;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Trains an auto-encoder of scenes with a grid of latent numbers, for diffusion to draw in (Rombach et al. 2022). The scenes are made while it trains.</summary>
public sealed record SpatialVaeRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "spatial-vae";

    /// <summary>Seed of weights, scenes and noise.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>The model.</summary>
    public SpatialVaeSettings Model { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new() { LearningRate = 2e-3, Beta2 = 0.99, WeightDecay = 0 };

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new() { Warmup = 100, MinRatio = 0 };

    /// <summary>The loop.</summary>
    public ImageLoopSettings Train { get; init; } = new() { Batch = 16 };
}

/// <summary>The shape of an auto-encoder with a grid of latent numbers, and what belongs to its training alone.</summary>
public sealed record SpatialVaeSettings : RecipePart
{
    /// <summary>Channels of the residual blocks.</summary>
    [Range(2, 4096)]
    public int Width { get; init; } = 64;

    /// <summary>Residual blocks of the encoder, and of the decoder.</summary>
    [Range(0, 64)]
    public int Blocks { get; init; } = 1;

    /// <summary>Latent numbers of 4 × 4 pixels.</summary>
    [Range(1, 64)]
    public int Latent { get; init; } = 4;

    /// <summary>Weight of the divergence of a latent number, in nats, beside the mean squared error of pictures of 0 to 1.</summary>
    [NonNegative]
    public double Beta { get; init; } = 1e-4;

    /// <summary>Held-out scenes that it is measured on.</summary>
    [Range(1, 10000)]
    public int TestScenes { get; init; } = 300;

    internal SpatialVaeConfig Shape => new(3, Width, Blocks, Latent);
}

/// <summary>Trains a <see cref="SpatialVae"/>: every picture is a new scene.</summary>
public static class SpatialVaeTraining
{
    private static readonly uint s_noise = CounterRandom.PlaceOf("spatial_vae.train");

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(SpatialVaeRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("spatial-vae", recipe.Name, recipe, options);
        SpatialVae model = new SpatialVae(recipe.Model.Shape).Initialize((ulong)recipe.Seed);
        options.Listener.OnMessage($"{recipe.Name}: {model.ParameterCount:N0} parameters, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0} scenes");
        (TrainingOutcome, IReadOnlyList<Metric>) end = MeasuredTraining.Run(Task(recipe, model, folder.Folder), recipe.Name, recipe.Train, folder.Folder, options);
        string data = new SceneLoader((ulong)recipe.Seed).State.Fingerprint;
        return ImageRun.Finish(folder, "spatial-vae", recipe.Name, data, end, model, (path, card) => SpatialVaeDirectory.Save(path, model, card), SceneReturn.Names);
    }

    private static MeasuredTask Task(SpatialVaeRecipe recipe, SpatialVae model, string runFolder)
    {
        ulong seed = (ulong)recipe.Seed;
        var scenes = new SceneLoader(seed);
        var update = new ModelUpdate(model, recipe.Optimizer, recipe.Schedule, recipe.Train.Steps);
        double squaredError = 0, divergence = 0;
        return new MeasuredTask([update.Part], scenes, Step, Measure) { Details = () => [new("reconstruction", squaredError), new("divergence_nats", divergence)] };

        StepResult Step(long step)
        {
            update.ClearGradients();
            using var scope = TensorScope.Open("step");
            using Tape tape = Tape.Start();
            const int Grid = Scene.Side / SpatialVae.Patch;
            Tensor noise = Tensor.Empty(DType.F32, recipe.Train.Batch, recipe.Model.Latent, Grid, Grid);
            new CounterRandom(seed, (uint)step, s_noise).FillNormal(noise.AsSpan<float>());
            SpatialVaeLoss parts = model.Loss(SceneBatch.Next(scenes, recipe.Train.Batch).Images, noise);
            Tensor sum = parts.Reconstruction + parts.Divergence * recipe.Model.Beta;
            (squaredError, divergence) = (parts.Reconstruction.Item(), parts.Divergence.Item());
            double loss = sum.Item();
            tape.Backward(sum);
            return update.Apply(loss, 1, step);
        }

        IReadOnlyList<Metric> Measure(long step)
        {
            PictureLog.Add(runFolder, SceneReturn.Pictures, step, SceneReturn.Pairs(seed, Back));
            return [.. SceneReturn.Names.Zip(SceneReturn.Measure(recipe.Model.TestScenes, seed, Back), (name, value) => new Metric(name, value))];
        }

        Tensor Back(Tensor images) => model.Decode(model.Encode(images).Mean);
    }
}
