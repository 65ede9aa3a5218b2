using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Tensors.Threading;
using Craton.Training.Configuration;
using Craton.Training.Recipes;
using Craton.Training.Reports;

namespace Craton.Training.Tests.Recipes;

/// <summary>The recipe <c>text-to-image</c> with a model too small to draw much.</summary>
[Collection("WorkerPool")]
public sealed class TextToImageTests : IDisposable
{
    private const int Steps = 12, Captions = 3;
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-text-to-image-").FullName;
    private readonly int _threads = WorkerPool.Threads;

    public void Dispose()
    {
        WorkerPool.SetThreads(_threads);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void It_learns_and_leaves_judged_pictures_a_report_and_a_model_that_is_read_again()
    {
        RunResult run = TextToImageTraining.Run(Recipe("learns"), Options());
        IReadOnlyList<MetricsRecord> metrics = MetricsLog.Read(run.RunFolder);
        double first = metrics[0]["loss"]!.Value, last = metrics.Last(line => line["loss"] is not null)["loss"]!.Value;
        Assert.True(last < 0.95 * first, $"from {first} to {last}");
        Assert.Equal(3, metrics.Count(line => line["scene_accuracy_two"] is not null));
        string report = File.ReadAllText(run.Report);
        Assert.Equal(3 * 4 + 3 * Captions, report.Split("data:image/png;base64,").Length - 1);
        Assert.Contains("✗", report);
        Assert.Contains("background<", report);
        SceneDiffusion model = SceneDiffusionDirectory.Load(run.ModelFolder!);
        SceneCaption caption = SceneDiffusion.ReadCaption("a small red circle above a large blue square");
        Picture drawn = Assert.Single(model.Draw([caption], 3));
        Assert.Equal((32, 32, 3), (drawn.Width, drawn.Height, drawn.Channels));
        Assert.Equal(drawn.Samples, model.Draw([caption, caption], 3)[0].Samples);
        var judge = new SceneJudge(Captions, 1);
        Assert.Equal(run.Measures.SkipLast(1), SceneJudge.Measures(judge.Judge(captions => model.Draw(captions, 1))));
    }

    [Fact]
    public void One_thread_and_two_and_a_resumed_run_end_with_the_same_bits()
    {
        WorkerPool.SetThreads(1);
        string one = TextToImageTraining.Run(Recipe("one"), Options()).Sha256!;
        WorkerPool.SetThreads(2);
        Assert.Equal(one, TextToImageTraining.Run(Recipe("two"), Options()).Sha256);

        // As if killed after the checkpoint of step 8.
        string folder = Path.Combine(_folder, "runs", "two"), whole = File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile));
        Directory.Delete(Path.Combine(folder, "checkpoints", $"step-{Steps:D8}"), recursive: true);
        Assert.Equal(one, TextToImageTraining.Run(Recipe("two"), Options() with { Resume = true }).Sha256);
        Assert.Equal(whole, File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile)));
    }

    [Fact]
    public void Wrong_settings_words_and_models_are_named()
    {
        TextToImageRecipe recipe = Recipe("wrong");
        Assert.Contains("model: widths: expected multiples of the 8 groups", Assert.Throws<CratonException>(() => TextToImageTraining.Run(recipe with { Model = recipe.Model with { Widths = [12, 16] } }, Options())).Message);
        Assert.Contains("model.caption_dropout", Assert.Throws<RecipeException>(() => RecipeReader.Read<TextToImageRecipe>("recipe: text-to-image\nmodel:\n  caption_dropout: 2", "r.yaml", [])).Message);
        Assert.Contains("got 'tiny'", Assert.Throws<SceneCaptionException>(() => SceneDiffusion.ReadCaption("a tiny red circle")).Message);
        Directory.CreateDirectory(Path.Combine(_folder, "model"));
        File.WriteAllText(Path.Combine(_folder, "model", "config.json"), """{"model_type":"llama"}""");
        Assert.Contains("another kind", Assert.Throws<CratonException>(() => SceneDiffusionDirectory.Load(Path.Combine(_folder, "model"))).Message);
    }

    private static TextToImageRecipe Recipe(string name) => new()
    {
        Name = name,
        Model = new() { Widths = [8, 16], HeadWidth = 8, TextWidth = 8, TextLayers = 1 },
        Optimizer = new() { LearningRate = 5e-3 },
        Schedule = new() { Warmup = 2 },
        Train = new() { Steps = Steps, Batch = 8, LogEvery = 1, EvalEvery = 4, SaveEvery = 4 },
        Drawing = new() { Steps = 4 },
        JudgedCaptions = Captions,
    };

    private RunOptions Options() => new(Path.Combine(_folder, "runs"), Resume: false, TrainingListener.Silent);
}
