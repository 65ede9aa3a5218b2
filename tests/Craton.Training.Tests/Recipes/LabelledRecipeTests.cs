using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Diffusion.Samplers;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Tensors.Threading;
using Craton.Training.Configuration;
using Craton.Training.Recipes;
using Craton.Training.Reports;

namespace Craton.Training.Tests.Recipes;

/// <summary>The recipes <c>diffusion</c> and <c>gan</c> on a few pictures of bars, each label a column.</summary>
[Collection("WorkerPool")]
public sealed class LabelledRecipeTests : IDisposable
{
    private const int Side = BarPictures.Side;
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-labelled-").FullName;
    private readonly int _threads = WorkerPool.Threads;

    public static TheoryData<string> Kinds => ["diffusion", "noise", "clean", "gan", "hinge", "wasserstein"];

    public void Dispose()
    {
        WorkerPool.SetThreads(_threads);
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("diffusion", 300)]
    [InlineData("gan", 300)]
    public void It_learns_to_draw_what_is_asked_for(string kind, int steps)
    {
        RunResult run = Run(kind, "learns", steps);
        LabelledGenerator model = LabelledDrawing.Load(run.ModelFolder!);
        int right = 0;
        for (int label = 0; label < Side; label++)
        {
            byte[] drawn = Drawn(model, label, seed: 3);
            int[] columns = [.. Enumerable.Range(0, Side).Select(x => Enumerable.Range(0, Side).Sum(y => drawn[y * Side + x]))];
            if (Array.IndexOf(columns, columns.Max()) == label) right++;
        }
        Assert.True(right >= Side - 1, $"{right} of {Side} labels are drawn");
        PngImage samples = PngReader.ReadFile(Path.Combine(run.RunFolder, "pictures", $"samples-{steps:D8}.png"));
        Assert.Equal((Side * Side, 10 * Side), (samples.Width, samples.Height));
        Assert.Equal(Drawn(model, label: 0, seed: 1)[..Side], samples.Samples[..Side]);
        Assert.True(File.Exists(Path.Combine(run.RunFolder, "pictures", $"noise_walk-{steps:D8}.png")));
        Assert.Equal(kind == "diffusion", File.Exists(Path.Combine(run.RunFolder, "pictures", $"denoising-{steps:D8}.png")));
        Assert.Contains("data:image/png;base64,", File.ReadAllText(run.Report));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void One_thread_and_two_and_a_resumed_run_end_with_the_same_bits(string kind)
    {
        const int steps = 12;
        WorkerPool.SetThreads(1);
        string one = Run(kind, "one", steps).Sha256!;
        WorkerPool.SetThreads(2);
        Assert.Equal(one, Run(kind, "two", steps).Sha256);

        // As if killed after the checkpoint of step 8.
        string folder = Path.Combine(_folder, "runs", "two"), whole = File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile));
        Directory.Delete(Path.Combine(folder, "checkpoints", $"step-{steps:D8}"), recursive: true);
        Assert.Equal(one, Run(kind, "two", steps, resume: true).Sha256);
        Assert.Equal(whole, File.ReadAllText(Path.Combine(folder, MetricsLog.MetricsFile)));
    }

    [Theory]
    [InlineData("diffusion")]
    [InlineData("gan")]
    public void Labels_of_other_pictures_and_a_judge_of_other_pictures_are_named(string kind)
    {
        string labels = BarPictures.Labels(_folder, "few", 3);
        Assert.Contains("expected a label for each", Assert.Throws<DataFileException>(() => Run(kind, "few", 4, data: Data() with { Labels = labels })).Message);
        Assert.Contains("28×28", Assert.Throws<CratonException>(() => Run(kind, "judge", 4, data: Data() with { Judge = "any" })).Message);
    }

    [Fact]
    public void Networks_that_do_not_fit_the_pictures_are_named()
    {
        Assert.Contains("multiples of 16", Assert.Throws<CratonException>(() => DiffusionTraining.Run(Diffusion("deep", 4) with { Model = new() { Widths = [8, 8, 8, 8], HeadWidth = 8 } }, Options())).Message);
        Assert.Contains("multiples of 16", Assert.Throws<CratonException>(() => GanTraining.Run(Gan("deep", 4) with { Model = new() { Widths = [8, 8, 8, 8, 8] } }, Options())).Message);
        Assert.Contains("widths", Assert.Throws<CratonException>(() => DiffusionTraining.Run(Diffusion("none", 4) with { Model = new() { Widths = [] } }, Options())).Message);
        Assert.Contains("model.prediction", Assert.Throws<RecipeException>(() => RecipeReader.Read<DiffusionRecipe>("recipe: diffusion\nmodel:\n  prediction: flow", "r", [])).Message);
    }

    [Fact]
    public void A_side_that_has_won_is_named_once()
    {
        var said = new List<string>();
        var balance = new GanBalance(said.Add);
        for (int i = 0; i < 600; i++) balance.Add(i, 1);
        Assert.Contains("the discriminator has won", Assert.Single(said));
        for (int i = 0; i < 40; i++) balance.Add(i, 0.6);
        Assert.Contains("in balance again", said[1]);
        for (int i = 0; i < 400; i++) balance.Add(i, 0.2);
        Assert.Contains("the generator has won", said[2]);
        Assert.Equal(3, said.Count);
        Assert.Equal((0.75, 0.5), (GanBalance.Of([1, 2], [0, 1.5f]), GanBalance.Of([1], [1])));
    }

    private static byte[] Drawn(LabelledGenerator model, int label, ulong seed)
    {
        using var scope = TensorScope.Open("drawn");
        return PictureGrid.Of(model.Draw([label], seed).AsSpan<float>(), Side, Side, 1, columns: 1).Samples;
    }

    private RunResult Run(string kind, string name, int steps, bool resume = false, LabelledImageSettings? data = null)
    {
        RunOptions options = Options() with { Resume = resume };
        data ??= Data();
        DiffusionSettings Answering(Prediction prediction, NoiseKind noise) => Diffusion(name, steps).Model with { Prediction = prediction, Noise = noise };
        AdversarySettings Against(GanLoss loss) => new() { Loss = loss, PenaltyEvery = 2, Steps = loss == GanLoss.Wasserstein ? 2 : 1 };
        return kind switch
        {
            "diffusion" => DiffusionTraining.Run(Diffusion(name, steps) with { Data = data }, options),
            "noise" => DiffusionTraining.Run(Diffusion(name, steps) with { Model = Answering(Prediction.Noise, NoiseKind.Linear), Data = data }, options),
            "clean" => DiffusionTraining.Run(Diffusion(name, steps) with { Model = Answering(Prediction.Clean, NoiseKind.Cosine), Data = data }, options),
            "gan" => GanTraining.Run(Gan(name, steps) with { Data = data }, options),
            "hinge" => GanTraining.Run(Gan(name, steps) with { Adversary = Against(GanLoss.Hinge), Data = data }, options),
            _ => GanTraining.Run(Gan(name, steps) with { Adversary = Against(GanLoss.Wasserstein), Data = data }, options),
        };
    }

    private DiffusionRecipe Diffusion(string name, int steps) => new()
    {
        Name = name,
        Data = Data(),
        Model = new() { Widths = [16, 16], HeadWidth = 8, Groups = 4, EmaDecay = 0.9 },
        Drawing = new() { Steps = 10 },
        Schedule = new() { Warmup = 5 },
        Train = Loop(steps),
        Optimizer = new() { LearningRate = 5e-3, WeightDecay = 0 },
    };

    private GanRecipe Gan(string name, int steps) => new()
    {
        Name = name,
        Data = Data(),
        Model = new() { Latent = 8, Widths = [8, 16], Groups = 4, EmaDecay = 0.9 },
        Schedule = new() { Warmup = 5 },
        Train = Loop(steps),
        Optimizer = new() { LearningRate = 2e-3, Beta1 = 0, Beta2 = 0.99, WeightDecay = 0, ClipNorm = 0 },
    };

    private LabelledImageSettings Data() => new()
    {
        Train = BarPictures.Images(_folder, "train", 200),
        Labels = BarPictures.Labels(_folder, "labels", 200),
        Test = BarPictures.Images(_folder, "test", 30),
    };

    private static ImageLoopSettings Loop(int steps) => new() { Steps = steps, Batch = 16, LogEvery = 2, EvalEvery = steps / 2, SaveEvery = 4 * steps / 12 };

    private RunOptions Options() => new(Path.Combine(_folder, "runs"), Resume: false, TrainingListener.Silent);
}
