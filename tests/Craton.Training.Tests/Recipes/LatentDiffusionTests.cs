using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Tensors.Threading;
using Craton.Training.Recipes;
using Craton.Training.Reports;

namespace Craton.Training.Tests.Recipes;

/// <summary>The recipe <c>spatial-vae</c>, and <c>text-to-image</c> in its space, with models too small to draw much.</summary>
[Collection("WorkerPool")]
public sealed class LatentDiffusionTests : IDisposable
{
    private const int Steps = 12, Half = 6;
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-latents-").FullName;
    private readonly int _threads = WorkerPool.Threads;

    public void Dispose()
    {
        WorkerPool.SetThreads(_threads);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void The_auto_encoder_learns_and_is_read_again()
    {
        RunResult run = SpatialVaeTraining.Run(Vae("learns") with { Train = Loop with { Steps = 150, EvalEvery = 75 } }, Options());
        double first = MetricsLog.Read(run.RunFolder)[0]["reconstruction"]!.Value, error = Of(run, "squared_error");
        Assert.True(error < first / 3, $"from {first} to {error}");
        Assert.Equal(2, File.ReadAllText(run.Report).Split("data:image/png;base64,").Length - 1);
        SpatialVae model = SpatialVaeDirectory.Load(run.ModelFolder!);
        Assert.Equal(run.Sha256, Craton.Models.ModelDirectory.HashWeights(model));
        Assert.Contains("multiples of 4", Refused(() => model.Encode(Tensor.Zeros(DType.F32, 1, 3, 6, 8))));
    }

    [Fact]
    public void One_thread_and_two_and_resumed_runs_end_with_the_same_bits()
    {
        WorkerPool.SetThreads(1);
        RunResult vae = SpatialVaeTraining.Run(Vae("vae-one"), Options());
        string one = TextToImageTraining.Run(Drawing("one", vae), Options()).Sha256!;
        WorkerPool.SetThreads(2);
        Assert.Equal(vae.Sha256, SpatialVaeTraining.Run(Vae("vae-two"), Options()).Sha256);
        Assert.Equal(one, TextToImageTraining.Run(Drawing("two", vae), Options()).Sha256);

        // As if killed after the checkpoints in the middle.
        Assert.Equal(vae.Sha256, Resumed("vae-two", options => SpatialVaeTraining.Run(Vae("vae-two"), options)));
        Assert.Equal(one, Resumed("two", options => TextToImageTraining.Run(Drawing("two", vae), options)));
    }

    [Fact]
    public void What_draws_in_the_space_of_an_auto_encoder_keeps_it_as_it_is_and_is_read_again()
    {
        RunResult vae = SpatialVaeTraining.Run(Vae("vae"), Options()), run = TextToImageTraining.Run(Drawing("draws", vae), Options());
        SceneDiffusion model = SceneDiffusionDirectory.Load(run.ModelFolder!);
        Assert.Equal(vae.Sha256, Craton.Models.ModelDirectory.HashWeights(model.Latents!.Vae));
        SceneCaption caption = SceneDiffusion.ReadCaption("a small red circle above a large blue square");
        Picture drawn = Assert.Single(model.Draw([caption], 3));
        Assert.Equal((32, 32, 3), (drawn.Width, drawn.Height, drawn.Channels));
        Assert.Equal(drawn.Samples, model.Draw([caption, caption], 3)[0].Samples);
        var judge = new SceneJudge(1, 1);
        Assert.Equal(run.Measures.SkipLast(1), SceneJudge.Measures(judge.Judge(captions => model.Draw(captions, 1))));

        // The noise of diffusion fits to numbers of variance 1.
        Tensor pictures = Tensor.Empty(DType.F32, 50, 3, Scene.Side, Scene.Side);
        var scenes = new SceneGenerator(1);
        for (int i = 0; i < 50; i++)
        {
            byte[] samples = SceneRenderer.Render(scenes[i]).Samples;
            for (int at = 0; at < samples.Length; at++) pictures.AsSpan<float>()[i * samples.Length + at % 3 * (samples.Length / 3) + at / 3] = samples[at] / 127.5f - 1;
        }
        using var scope = TensorScope.Open("test");
        float[] latents = model.Latents.Encode(pictures).ToArray<float>();
        double mean = latents.Average();
        Assert.InRange(latents.Average(value => (value - mean) * (value - mean)), 0.7, 1.4);
    }

    [Fact]
    public void What_does_not_fit_is_named()
    {
        RunResult vae = SpatialVaeTraining.Run(Vae("vae"), Options());
        Assert.Contains("recipe spatial-vae", Refused(() => TextToImageTraining.Run(Drawing("none", vae) with { Vae = Path.Combine(_folder, "none") }, Options())));
        RunResult run = TextToImageTraining.Run(Drawing("other", vae), Options());
        Assert.Contains("another kind", Refused(() => TextToImageTraining.Run(Drawing("wrong", vae) with { Vae = run.ModelFolder }, Options())));
        TextToImageRecipe deep = Drawing("deep", vae);
        Assert.Contains("draws 8 × 8", Refused(() => TextToImageTraining.Run(deep with { Model = deep.Model with { Widths = [8, 8, 8, 8], Patch = 2 } }, Options())));
        string config = Path.Combine(run.ModelFolder!, "config.json"), written = File.ReadAllText(config);
        AssertRefused("\"vae\"", "\"other\"", "latents.vae: expected an object");
        AssertRefused("\"scale\": ", "\"scale\": -", "latents.scale: expected a number above 0");
        AssertRefused("\"latent\": 4", "\"latent\": 400", "latent: expected 1 to 64");

        void AssertRefused(string from, string to, string names)
        {
            Assert.Contains(from, written, StringComparison.Ordinal);
            File.WriteAllText(config, written.Replace(from, to, StringComparison.Ordinal));
            Assert.Contains(names, Refused(() => SceneDiffusionDirectory.Load(run.ModelFolder!)));
        }
    }

    private static ImageLoopSettings Loop => new() { Steps = Steps, Batch = 8, LogEvery = 1, EvalEvery = Half, SaveEvery = Half };

    private static SpatialVaeRecipe Vae(string name) => new()
    {
        Name = name,
        Model = new() { Width = 16, TestScenes = 20 },
        Optimizer = new() { LearningRate = 5e-3, WeightDecay = 0 },
        Schedule = new() { Warmup = 5 },
        Train = Loop,
    };

    private static TextToImageRecipe Drawing(string name, RunResult vae) => new()
    {
        Name = name,
        Vae = vae.ModelFolder,
        Model = new() { Widths = [8, 16], HeadWidth = 8, TextWidth = 8, TextLayers = 1, Patch = 1 },
        Optimizer = new() { LearningRate = 5e-3 },
        Schedule = new() { Warmup = 2 },
        Train = Loop,
        Drawing = new() { Steps = 4 },
        JudgedCaptions = 1,
    };

    private static double Of(RunResult run, string name) => run.Measures.Single(m => m.Name == name).Value;

    private static string Refused(Action run) => Assert.Throws<CratonException>(run).Message;

    private string? Resumed(string name, Func<RunOptions, RunResult> run)
    {
        string folder = Path.Combine(_folder, "runs", name), metrics = Path.Combine(folder, MetricsLog.MetricsFile), whole = File.ReadAllText(metrics);
        Directory.Delete(Path.Combine(folder, "checkpoints", $"step-{Steps:D8}"), recursive: true);
        string? hash = run(Options() with { Resume = true }).Sha256;
        Assert.Equal(whole, File.ReadAllText(metrics));
        return hash;
    }

    private RunOptions Options() => new(Path.Combine(_folder, "runs"), Resume: false, TrainingListener.Silent);
}
