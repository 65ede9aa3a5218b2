using Craton.Data.Images;
using Craton.Models.Generative;
using Craton.Models.Vision;
using Craton.Tensors;
using Craton.Tensors.Threading;
using Craton.Training.Configuration;
using Craton.Training.Recipes;
using Craton.Training.Reports;

namespace Craton.Training.Tests.Recipes;

/// <summary>The recipes <c>vq-vae</c> and <c>dalle</c> on a few scenes.</summary>
[Collection("WorkerPool")]
public sealed class DalleTests : IDisposable
{
    private const int Steps = 12;
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-dalle-").FullName;
    private readonly int _threads = WorkerPool.Threads;

    public void Dispose()
    {
        WorkerPool.SetThreads(_threads);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void The_auto_encoder_learns_uses_its_codes_and_is_read_again()
    {
        VqVaeRecipe recipe = Codes with { Name = "learns", Model = Codes.Model with { Decay = 0.9, LeastUse = 0.3 }, Train = Codes.Train with { Steps = 150, EvalEvery = 75 } };
        RunResult run = VqVaeTraining.Run(recipe, Options());
        double first = MetricsLog.Read(run.RunFolder)[0]["loss"]!.Value, error = Of(run, "squared_error");
        Assert.True(error < first / 3, $"from {first} to {error}");
        Assert.InRange(Of(run, "codebook_used"), 0.3, 1);
        Assert.InRange(Of(run, "codebook_perplexity"), 2, recipe.Model.Codes);
        Assert.Equal(2, File.ReadAllText(run.Report).Split("data:image/png;base64,").Length - 1);
        VqVae model = VqVaeDirectory.Load(run.ModelFolder!);
        Assert.Equal(run.Measures.Take(4), VqVaeTraining.Measure(model, recipe.Model.TestScenes, 1));
    }

    [Fact]
    public void One_thread_and_two_and_runs_resumed_in_either_stage_end_with_the_same_bits()
    {
        WorkerPool.SetThreads(1);
        string one = DalleTraining.Run(Recipe("one"), Options()).Sha256!;
        WorkerPool.SetThreads(2);
        Assert.Equal(one, DalleTraining.Run(Recipe("two"), Options()).Sha256);

        // As if killed after the transformer's checkpoint of step 6, and before that in the auto-encoder's training.
        string folder = Path.Combine(_folder, "runs", "two"), whole = File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile));
        Directory.Delete(Path.Combine(folder, "checkpoints", $"step-{Steps:D8}"), recursive: true);
        Assert.Equal(one, DalleTraining.Run(Recipe("two"), Options() with { Resume = true }).Sha256);
        Assert.Equal(whole, File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile)));

        Directory.Delete(Path.Combine(folder, "checkpoints"), recursive: true);
        File.Delete(Path.Combine(folder, MetricsLog.MetricsFile));
        Directory.Delete(Path.Combine(folder, "vq-vae", "checkpoints", $"step-{Steps:D8}"), recursive: true);
        Assert.Equal(one, DalleTraining.Run(Recipe("two"), Options() with { Resume = true }).Sha256);
        Assert.Equal(whole, File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile)));
    }

    [Fact]
    public void The_model_is_read_again_and_draws_the_same_picture_alone_and_among_others()
    {
        RunResult run = DalleTraining.Run(Recipe("draws"), Options());
        Assert.InRange(Of(run, "scene_accuracy_two"), 0, 1);
        Dalle model = DalleDirectory.Load(run.ModelFolder!);
        const string Caption = "a small red circle above a large blue square on a black background";
        IReadOnlyList<Drawing> many = model.Draw(Caption, 5, new(Samples: 3));
        Assert.Equal(many.Select(d => d.Score).OrderDescending(), many.Select(d => d.Score));
        Drawing alone = model.Draw(Caption, 5, new(Samples: 1)).Single(), first = many.Single(d => d.Sample == 0);
        Assert.Equal((32, 32, 3), (alone.Picture.Width, alone.Picture.Height, alone.Picture.Channels));
        Assert.Equal(alone.Picture.Samples, first.Picture.Samples);
        Assert.Equal(alone.Score, first.Score);
        Assert.Contains("mauve", Assert.Throws<CratonException>(() => model.Draw("a small mauve circle on a black background", 5)).Message);
        Assert.Contains("at most 14 tokens", Assert.Throws<CratonException>(() => model.Draw(string.Join(' ', Enumerable.Repeat("red", 20)), 5)).Message);
    }

    [Fact]
    public void A_model_of_pictures_and_texts_ranks_what_is_drawn()
    {
        var learnt = new ClipRecipe
        {
            Data = new() { Captions = "scenes:20" },
            Image = new() { Widths = [8, 12] },
            Text = new() { Width = 16 },
            Width = 12,
            Train = new() { Steps = 2, Batch = 8, EvalEvery = 2 },
        };
        string clip = ClipTraining.Run(learnt, Options()).ModelFolder!;
        RunResult run = DalleTraining.Run(Recipe("ranked") with { Judge = new() { Captions = 1, Samples = 2, Clip = clip } }, Options());
        const string Caption = "a small red circle above a large blue square on a black background";
        ImageTextReader reader = ImageTextReader.Open(clip);
        IReadOnlyList<Drawing> drawings = DalleDirectory.Load(run.ModelFolder!).Draw(Caption, 5, new(Samples: 3), reader);
        using var scope = TensorScope.Open("check");
        double[] cosines = [.. drawings.Select(d => Ops.CosineSimilarity(reader.Image(d.Picture), reader.Texts([Caption])).Item())];
        Assert.Equal(cosines.OrderDescending(), cosines);
        Assert.Equal(cosines, drawings.Select(d => d.Score), (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Fact]
    public void Codes_that_are_drawn_through_the_cache_have_the_likelihood_of_the_whole_row()
    {
        RunResult run = DalleTraining.Run(Recipe("cache"), Options());
        DalleDecoder decoder = DalleDirectory.Load(run.ModelFolder!).Decoder;
        int[] caption = DalleDirectory.Load(run.ModelFolder!).Encode("two small red circles on a black background");
        int[][] best = decoder.Draw([caption], [1], new() { Temperature = 0 });
        Assert.Equal(64 * 2, best[0].Length);
        // The likeliest codes at every place: any other in place of the last one makes the beginning of the picture less likely.
        using var scope = TensorScope.Open("check");
        Tensor rows = decoder.Rows([caption], best, DalleOrder.CaptionFirst);
        float[] losses = decoder.Loss(rows, DalleOrder.CaptionFirst, Reduction.None).Loss.ToArray<float>();
        for (int place = 0; place < 64; place += 9)
        {
            int[] other = [.. best[0]];
            int last = (place + 1) * decoder.Config.Levels - 1;
            other[last] = (other[last] + 1) % decoder.Config.Codes;
            Assert.True(losses[place] <= decoder.Loss(decoder.Rows([caption], [other], DalleOrder.CaptionFirst), DalleOrder.CaptionFirst, Reduction.None).Loss.ToArray<float>()[place]);
        }
    }

    [Fact]
    public void An_auto_encoder_that_exists_is_taken_and_wrong_settings_are_named()
    {
        string codes = VqVaeTraining.Run(Codes, Options()).ModelFolder!;
        RunResult run = DalleTraining.Run(Recipe("based") with { Base = codes }, Options());
        Assert.False(Directory.Exists(Path.Combine(run.RunFolder, "vq-vae")));
        Assert.Contains("another kind", Assert.Throws<CratonException>(() => DalleTraining.Run(Recipe("wrong") with { Base = run.ModelFolder }, Options())).Message);
        Assert.Contains("at most 9 tokens", Assert.Throws<CratonException>(() => DalleTraining.Run(Recipe("short") with { Base = codes, Model = Recipe("").Model with { CaptionTokens = 11 } }, Options())).Message);
        Assert.Contains("multiple of twice", Assert.Throws<RecipeException>(() => RecipeReader.Read<DalleRecipe>("recipe: dalle\nmodel:\n  width: 100\n  heads: 8\n", "r.yaml")).Message);
    }

    private static VqVaeRecipe Codes => new()
    {
        Name = "codes",
        Model = new() { Width = 16, Blocks = 1, Codes = 32, Levels = 2, TestScenes = 20 },
        Schedule = new() { Warmup = 5 },
        Train = new() { Steps = Steps, Batch = 8, LogEvery = 3, EvalEvery = 6, SaveEvery = 6 },
        Optimizer = new() { LearningRate = 5e-3, WeightDecay = 0 },
    };

    private static DalleRecipe Recipe(string name) => new()
    {
        Name = name,
        VqVae = new() { Model = Codes.Model, Schedule = Codes.Schedule, Train = Codes.Train, Optimizer = Codes.Optimizer },
        Model = new() { Depth = 2, Width = 32, Heads = 2 },
        Schedule = new() { Warmup = 3 },
        Train = new() { Steps = Steps, Batch = 8, LogEvery = 3, EvalEvery = 6, SaveEvery = 6 },
        Judge = new() { Captions = 2, Samples = 2 },
    };

    private static double Of(RunResult run, string name) => run.Measures.Single(m => m.Name == name).Value;

    private RunOptions Options() => new(Path.Combine(_folder, "runs"), Resume: false, TrainingListener.Silent);
}
