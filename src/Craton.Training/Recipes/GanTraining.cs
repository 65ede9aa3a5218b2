using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Generative;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Trains a generative adversarial network that draws what a label asks for.</summary>
public static class GanTraining
{
    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(GanRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("gan", recipe.Name, recipe, options);
        (ImageSet train, ImageSet test) = ImageRun.Open(recipe.Data);
        var judge = PictureJudge.Open(recipe.Data, test);
        GanSettings settings = recipe.Model;
        var config = new GanConfig(new(train.Channels, train.Height, train.Width, train.Labels.Max() + 1), settings.Latent, settings.Widths, settings.Groups).Checked("model");
        GanGenerator generator = new GanGenerator(config).Initialize((ulong)recipe.Seed);
        GanDiscriminator discriminator = new GanDiscriminator(config, spectralNorm: recipe.Adversary.Loss == GanLoss.Hinge).Initialize((ulong)recipe.Seed);
        options.Listener.OnMessage(
            $"{recipe.Name}: {generator.ParameterCount:N0} parameters against {discriminator.ParameterCount:N0}, {train.Count:N0} training pictures of {config.Shape.Labels} labels, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0}");
        MeasuredTask task = Task(recipe, generator, discriminator, train, judge, folder.Folder, options.Listener);
        (TrainingOutcome, IReadOnlyList<Metric>) end = MeasuredTraining.Run(task, recipe.Name, recipe.Train, folder.Folder, options);
        return ImageRun.Finish(
            folder, "gan", recipe.Name, train.Fingerprint, end, generator, (path, card) => GanDirectory.Save(path, generator, card), [.. LabelledMeasures.Names, "discriminator_loss", "balance"]);
    }

    private static MeasuredTask Task(
        GanRecipe recipe, GanGenerator generator, GanDiscriminator discriminator, ImageSet train, PictureJudge? judge, string runFolder, TrainingListener listener)
    {
        ulong seed = (ulong)recipe.Seed;
        var pictures = new ImageLoader(train, seed);
        var measures = new LabelledMeasures(generator, judge, recipe.Data.Judged, seed, runFolder);
        var step = new GanStep(recipe, generator, discriminator, pictures, new GanBalance(listener.OnMessage));
        return new MeasuredTask(step.Parts, pictures, step.Run, number => measures.Of(number, number == recipe.Train.Steps))
        {
            Details = () => step.Details,
        };
    }
}
