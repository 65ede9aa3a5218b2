using Craton.Models;
using Craton.Models.Diffusion.Discrete;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Tensors.Threading;
using Craton.Training.Configuration;
using Craton.Training.Recipes;
using Craton.Training.Reports;

namespace Craton.Training.Tests.Recipes;

/// <summary>The recipe <c>text-diffusion</c> on lines of a few words.</summary>
[Collection("WorkerPool")]
public sealed class TextDiffusionRecipeTests : IDisposable
{
    private const int Steps = 12;
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-text-diffusion-").FullName;
    private readonly int _threads = WorkerPool.Threads;

    public void Dispose()
    {
        WorkerPool.SetThreads(_threads);
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(LoaderKind.Windows)]
    [InlineData(LoaderKind.Packed)]
    public void It_learns_and_leaves_samples_a_report_and_a_model_that_is_read_again(LoaderKind loader)
    {
        TextDiffusionRecipe recipe = Recipe("learns");
        recipe = recipe with { Data = recipe.Data with { Loader = loader }, Train = recipe.Train with { Steps = 150, EvalEvery = 75, SaveEvery = 0 } };
        RunResult run = TextDiffusionTraining.Run(recipe, Options());
        double[] bounds = [.. MetricsLog.Read(run.RunFolder).Select(line => line["bound_nats"]).OfType<double>()];
        Assert.Equal(2, bounds.Length);
        Assert.True(bounds[1] < 2.55 && bounds[1] < bounds[0] - 0.05, $"from {bounds[0]} to {bounds[1]} nats"); // letters drawn by how often they occur have 2.55
        Assert.Equal(bounds[1], run.Measures[0].Value);
        Assert.Equal(["bound_nats", "bound_bits_per_byte", "rows_per_second"], run.Measures.Select(measure => measure.Name));
        string report = File.ReadAllText(run.Report);
        Assert.Contains("between parts of a held-out text", report);
        Assert.Contains("statistics.html", report);

        TextDiffusion model = TextDiffusionDirectory.Load(run.ModelFolder!);
        Assert.Equal(bounds[1], ModelDirectory.LoadCard(run.ModelFolder!)!.Metrics["bound_nats"]);
        int[] before = model.Tokenizer.Encode("a ca"), after = model.Tokenizer.Encode(" saw the moon");
        Assert.Single(model.Write(before, 1, after, new UnmaskingOptions(1), 0));
    }

    [Fact]
    public void One_thread_and_two_and_a_resumed_run_end_with_the_same_bits()
    {
        WorkerPool.SetThreads(1);
        string one = TextDiffusionTraining.Run(Recipe("one"), Options()).Sha256!;
        WorkerPool.SetThreads(2);
        Assert.Equal(one, TextDiffusionTraining.Run(Recipe("two"), Options()).Sha256);

        // As if killed after the checkpoint of step 8.
        string folder = Path.Combine(_folder, "runs", "two"), metrics = File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile)), samples = File.ReadAllText(Path.Combine(folder, "samples.txt"));
        Directory.Delete(Path.Combine(folder, "checkpoints", $"step-{Steps:D8}"), recursive: true);
        Assert.Equal(one, TextDiffusionTraining.Run(Recipe("two"), Options() with { Resume = true }).Sha256);
        Assert.Equal(metrics, File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile)));
        Assert.Equal(samples, File.ReadAllText(Path.Combine(folder, "samples.txt")));
    }

    [Fact]
    public void Wrong_settings_are_named()
    {
        Assert.Contains("data.valid_fraction: expected more than 0", Assert.Throws<RecipeException>(() => RecipeReader.Read<TextDiffusionRecipe>("recipe: text-diffusion\ndata:\n  valid_fraction: 0", "r.yaml", [])).Message);
        TextDiffusionRecipe recipe = Recipe("wrong");
        Assert.Contains("model.width is 33", Assert.Throws<CratonException>(() => TextDiffusionTraining.Run(recipe with { Model = recipe.Model with { Width = 33 } }, Options())).Message);
        Assert.Contains("raise data.valid_fraction", Assert.Throws<CratonException>(() => TextDiffusionTraining.Run(recipe with { Data = recipe.Data with { Loader = LoaderKind.Packed, LinesAreDocuments = false } }, Options())).Message);
    }

    private TextDiffusionRecipe Recipe(string name)
    {
        string text = Path.Combine(_folder, "text.txt");
        File.WriteAllLines(text, Enumerable.Range(0, 400).Select(i => $"a {Pick(i, "cat", "dog", "owl")} saw the {Pick(i / 3, "moon", "sea", "fire")} and the {Pick(i / 9, "tree", "star")}."));
        return new()
        {
            Name = name,
            Data = new DataSettings { Source = text, LinesAreDocuments = true, Cleaning = CleaningPreset.None, Loader = LoaderKind.Windows, ValidFraction = 0.1, TestFraction = 0 },
            Tokenizer = new TokenizerSettings { Kind = TokenizerKind.Char },
            Model = new ModelSettings { Depth = 2, Width = 32, Heads = 2, Context = 32 },
            Optimizer = new OptimizerSettings { LearningRate = 1e-2 },
            Schedule = new ScheduleSettings { Warmup = 5 },
            Train = new ImageLoopSettings { Steps = Steps, Batch = 8, LogEvery = 1, EvalEvery = 4, SaveEvery = 4 },
            EmaDecay = 0.9,
            MeasuredRows = 60,
        };
    }

    private static string Pick(int i, params string[] words) => words[i % words.Length];

    private RunOptions Options() => new(Path.Combine(_folder, "runs"), Resume: false, TrainingListener.Silent);
}
