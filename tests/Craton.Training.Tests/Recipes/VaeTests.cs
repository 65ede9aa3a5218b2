using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Tensors.Threading;
using Craton.Training.Recipes;
using Craton.Training.Reports;

namespace Craton.Training.Tests.Recipes;

/// <summary>The recipe <c>vae</c> on a few pictures of bars.</summary>
[Collection("WorkerPool")]
public sealed class VaeTests : IDisposable
{
    private const int Side = BarPictures.Side, Steps = 120;
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-vae-").FullName;
    private readonly int _threads = WorkerPool.Threads;

    public void Dispose()
    {
        WorkerPool.SetThreads(_threads);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void It_learns_and_leaves_pictures_a_report_and_a_model_that_is_read_again()
    {
        RunResult run = VaeTraining.Run(Recipe("learns"), Options());
        double first = MetricsLog.Read(run.RunFolder)[0]["loss"]!.Value, bound = run.Measures.Single(m => m.Name == "elbo_nats").Value;
        Assert.True(bound < first / 2, $"from {first} to {bound} nats");
        string report = File.ReadAllText(run.Report);
        Assert.Equal(3 * Steps / 40 + 1, report.Split("data:image/png;base64,").Length - 1); // samples, interpolation, traversal; at the end a walk
        Assert.Equal(bound / (Side * Side) / Math.Log(2), run.Measures.Single(m => m.Name == "bits_per_dim").Value, 12);
        Assert.Equal((10 * Side, 10 * Side), PngReader.ReadFile(Path.Combine(run.RunFolder, "pictures", $"samples-{Steps:D8}.png")) is var samples ? (samples.Width, samples.Height) : default);
        Vae model = VaeDirectory.Load(run.ModelFolder!);
        Assert.Equal(bound, VaeTraining.Bound(model, IdxReader.ReadImages(Pictures("test", 30)), 1));
    }

    [Fact]
    public void Told_the_labels_it_draws_what_is_asked_for()
    {
        VaeRecipe recipe = Recipe("labels") with
        {
            Data = new() { Train = Pictures("train", 200), Labels = BarPictures.Labels(_folder, "train-labels", 200), Test = Pictures("test", 30), TestLabels = BarPictures.Labels(_folder, "test-labels", 30) },
            Train = new() { Steps = 4 * Steps, Batch = 32, EvalEvery = 0, SaveEvery = 0 },
        };
        RunResult run = VaeTraining.Run(recipe, Options());
        LabelledGenerator model = LabelledDrawing.Load(run.ModelFolder!);
        Assert.Equal(Side, model.Shape.Labels);
        using var scope = TensorScope.Open("test");
        float[] drawn = model.Draw([.. Enumerable.Range(0, Side)], 7).ToArray<float>();
        for (int label = 0; label < Side; label++)
            Assert.All(Enumerable.Range(0, Side), column => Assert.Equal(column == label, drawn[label * Side * Side + column] > 0.5f));
        Assert.Contains("data", Assert.Single((recipe with { Data = recipe.Data with { TestLabels = null } }).Check()), StringComparison.Ordinal);
    }

    [Fact]
    public void One_thread_and_two_and_a_resumed_run_end_with_the_same_bits()
    {
        WorkerPool.SetThreads(1);
        string one = VaeTraining.Run(Recipe("one"), Options()).Sha256!;
        WorkerPool.SetThreads(2);
        Assert.Equal(one, VaeTraining.Run(Recipe("two"), Options()).Sha256);

        // As if killed after the checkpoint of step 80.
        string folder = Path.Combine(_folder, "runs", "two"), whole = File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile));
        Directory.Delete(Path.Combine(folder, "checkpoints", $"step-{Steps:D8}"), recursive: true);
        Assert.Equal(one, VaeTraining.Run(Recipe("two"), Options() with { Resume = true }).Sha256);
        Assert.Equal(whole, File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile)));
    }

    [Fact]
    public void Pictures_of_another_size_and_models_of_another_kind_are_named()
    {
        string other = Path.Combine(_folder, "other");
        File.WriteAllBytes(other, [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9]);
        VaeRecipe recipe = Recipe("wrong");
        Assert.Contains("expected pictures of 8×8", Assert.Throws<CratonException>(() => VaeTraining.Run(recipe with { Data = recipe.Data with { Test = other } }, Options())).Message);
        Directory.CreateDirectory(Path.Combine(_folder, "model"));
        File.WriteAllText(Path.Combine(_folder, "model", "config.json"), """{"model_type":"llama"}""");
        Assert.Contains("another kind", Assert.Throws<CratonException>(() => VaeDirectory.Load(Path.Combine(_folder, "model"))).Message);
    }

    private VaeRecipe Recipe(string name) => new()
    {
        Name = name,
        Data = new() { Train = Pictures("train", 200), Test = Pictures("test", 30) },
        Model = new() { Hidden = [32, 32], Latent = 4 },
        Schedule = new() { Warmup = 5 },
        Train = new() { Steps = Steps, Batch = 32, LogEvery = 10, EvalEvery = 40, SaveEvery = 40 },
        Optimizer = new() { LearningRate = 5e-3, WeightDecay = 0 },
    };

    private RunOptions Options() => new(Path.Combine(_folder, "runs"), Resume: false, TrainingListener.Silent);

    private string Pictures(string name, int count) => BarPictures.Images(_folder, name, count);
}
