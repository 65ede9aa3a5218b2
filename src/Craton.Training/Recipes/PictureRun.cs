using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Models;
using Craton.Models.Pictures;
using Craton.Models.Vision;
using Craton.Tensors;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>What differs between the recipes of models that read pictures.</summary>
/// <param name="Model">The model, made by <see cref="PictureModels.Create{T}"/>.</param>
/// <param name="Side">Rows and columns of its pictures.</param>
/// <param name="Rows">Gives out what a step learns from.</param>
/// <param name="Origin">What it was made from.</param>
/// <param name="Loss">The mean loss of rows; all that is random in it is drawn from the given numbers.</param>
/// <param name="Measure">Measures the model.</param>
internal sealed record PictureTask(
    VisionModel Model, int Side, RowLoader Rows, Origin Origin, Func<int[], LearningPass, Tensor> Loss, Func<IReadOnlyList<Metric>> Measure)
{
    /// <summary>The words that the model knows, or null.</summary>
    public WordVocabulary? Words { get; init; }

    /// <summary>What the rows are, and the rate counts.</summary>
    public string Unit { get; init; } = "pictures";
}

/// <summary>The run of a model that reads pictures: one loss and some measures, the rest is the same for all.</summary>
internal static class PictureRun
{
    private static readonly uint s_place = CounterRandom.PlaceOf("pictures.train");

    /// <summary>Runs a recipe.</summary>
    /// <param name="kind">The recipe's kind.</param>
    /// <param name="recipe">Its settings.</param>
    /// <param name="options">How it is run.</param>
    /// <param name="prepare">Reads the data and makes the model.</param>
    public static RunResult Run(string kind, PictureRecipe recipe, RunOptions options, Func<PictureTask> prepare)
    {
        var folder = new RunFolder(kind, recipe.Name, recipe, options);
        PictureTask task = prepare();
        options.Listener.OnMessage($"{recipe.Name}: {task.Model.ParameterCount:N0} parameters, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0} {task.Unit}");
        (TrainingOutcome outcome, IReadOnlyList<Metric> measures) = MeasuredTraining.Run(Measured(recipe, task), recipe.Name, recipe.Train, folder.Folder, options);
        string report = ImageReport.Write(folder.Folder, recipe.Name, [.. measures.Select(m => m.Name)]);
        IReadOnlyList<Metric> shown = [.. measures, new($"{task.Unit}_per_second", outcome.TokensPerSecond)];
        if (outcome.Stopped) return new RunResult(folder.Folder, null, report, null, outcome) { Measures = shown };
        string resolved = File.ReadAllText(Path.Combine(folder.Folder, "recipe.yaml"));
        PictureModels.Save(folder.Model, task.Model, task.Side, task.Words, new ModelCard
        {
            Kind = kind,
            BaseModel = task.Origin.Model,
            Recipe = resolved,
            Hashes = task.Origin.Hashes(resolved),
            Metrics = new SortedDictionary<string, double>(measures.ToDictionary(m => m.Name, m => m.Value), StringComparer.Ordinal),
        });
        return new RunResult(folder.Folder, folder.Model, report, ModelDirectory.HashWeights(task.Model), outcome) { Measures = shown };
    }

    /// <summary>The labels of a model, as configurations have them.</summary>
    public static JsonObject Labels(IEnumerable<string> labels) =>
        new(labels.Select((label, i) => KeyValuePair.Create(i.ToString(CultureInfo.InvariantCulture), (JsonNode?)label)));

    /// <summary>Ranges of at most so many of a number of things.</summary>
    public static IEnumerable<int[]> Batches(int count, int most)
    {
        for (int at = 0; at < count; at += most) yield return [.. Enumerable.Range(at, Math.Min(most, count - at))];
    }

    private static MeasuredTask Measured(PictureRecipe recipe, PictureTask task)
    {
        var update = new ModelUpdate(task.Model, recipe.Optimizer, recipe.Schedule, recipe.Train.Steps);
        return new MeasuredTask([update.Part], task.Rows, Step, _ => task.Measure()) { Unit = task.Unit };

        StepResult Step(long step)
        {
            update.ClearGradients();
            double loss;
            using (TensorScope.Open("step"))
            using (Tape tape = Tape.Start())
            {
                Tensor mean = task.Loss(task.Rows.Next(recipe.Train.Batch), new LearningPass(recipe.Dropout, new CounterRandom((ulong)recipe.Seed, (uint)step, s_place)));
                tape.Backward(mean);
                loss = mean.Item();
            }
            return update.Apply(loss, 1, step);
        }
    }
}
