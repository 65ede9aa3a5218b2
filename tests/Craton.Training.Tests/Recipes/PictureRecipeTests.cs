using System.Text.Json;
using Craton.Data;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models.Pictures;
using Craton.Models.Vision;
using Craton.Tensors;
using Craton.Tensors.Threading;
using Craton.Training.Configuration;
using Craton.Training.Recipes;
using Craton.Training.Reports;

namespace Craton.Training.Tests.Recipes;

/// <summary>The recipes <c>vqa</c>, <c>clip</c>, <c>classifier</c> and <c>caption</c> on a few scenes.</summary>
[Collection("WorkerPool")]
public sealed class PictureRecipeTests : IDisposable
{
    private const int Side = 16, Scenes = 60, Steps = 12, Half = 8;
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-pictures-").FullName;
    private readonly int _threads = WorkerPool.Threads;

    public void Dispose()
    {
        WorkerPool.SetThreads(_threads);
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("vqa")]
    [InlineData("clip")]
    [InlineData("clip-transformer")]
    [InlineData("classifier")]
    [InlineData("caption")]
    [InlineData("caption-clips")]
    public void One_thread_and_two_and_a_resumed_run_end_with_the_same_bits_and_a_model_that_is_read_again(string kind)
    {
        WorkerPool.SetThreads(1);
        RunResult one = Train(kind, "one");
        WorkerPool.SetThreads(2);
        RunResult two = Train(kind, "two");
        Assert.Equal(one.Sha256, two.Sha256);
        Assert.Equal(Files(one), Files(two));

        // As if killed after the checkpoint in the middle: averages of norms must come back too.
        string metrics = Path.Combine(two.RunFolder, MetricsLog.MetricsFile), whole = File.ReadAllText(metrics);
        Directory.Delete(Path.Combine(two.RunFolder, "checkpoints", $"step-{Steps:D8}"), recursive: true);
        RunResult resumed = Train(kind, "two", resume: true);
        Assert.Equal(whole, File.ReadAllText(metrics));
        Assert.Equal(Files(one), Files(resumed));
        Assert.Contains(one.Measures, measure => measure.Value is >= 0 and <= 1);

        VisionModel read = VisionDirectory.Load(one.ModelFolder!);
        Assert.Equal(one.Sha256, Craton.Models.ModelDirectory.HashWeights(read));
        Assert.All(read.NamedBuffers(), buffer => Assert.Contains(buffer.Tensor.ToArray<float>(), value => value is not 0 and not 1));
    }

    [Fact]
    public void A_model_of_questions_learns()
    {
        RunResult run = VqaTraining.Run(Vqa("learns") with { Train = new() { Steps = 150, Batch = 32, EvalEvery = 0 } }, Options());
        IReadOnlyList<MetricsRecord> lines = MetricsLog.Read(run.RunFolder);
        Assert.True(lines.Last(line => line["loss"] is not null)["loss"] < lines[0]["loss"] / 2);
        Assert.True(run.Measures.Single(m => m.Name == "accuracy").Value > 0.4);
    }

    [Fact]
    public void A_linear_probe_takes_the_encoder_of_another_model_as_it_is()
    {
        RunResult clip = Train("clip", "clip"), probe = ClassifierTraining.Run(Classifier("probe") with { Base = clip.ModelFolder }, Options());
        PictureEncoder from = ((PictureTextModel)VisionDirectory.Load(clip.ModelFolder!)).Encoder, to = ((PictureClassifier)VisionDirectory.Load(probe.ModelFolder!)).Encoder;
        Assert.Equal(Values(from), Values(to));
        RunResult caption = CaptionTraining.Run(Caption("begins") with { Base = clip.ModelFolder, Image = Vit }, Options());
        Assert.IsType<ConvEncoder>(((PictureCaptioner)VisionDirectory.Load(caption.ModelFolder!)).Encoder);
        Assert.Contains("another kind", Refused(() => ClassifierTraining.Run(Classifier("no") with { Base = Train("vqa", "vqa").ModelFolder }, Options())));

        static float[] Values(PictureEncoder encoder) => [.. encoder.NamedParameters().Concat(encoder.NamedBuffers()).SelectMany(t => t.Tensor.ToArray<float>())];
    }

    [Fact]
    public void A_model_of_pictures_and_texts_compares_files_with_words()
    {
        string model = Train("clip", "clip").ModelFolder!;
        ImageTextReader reader = ImageTextReader.Load(model, (ImageTextModel)VisionDirectory.Load(model));
        using var scope = TensorScope.Open("test");
        Tensor logits = reader.Model.Logits(reader.Image(Path.Combine(Path.GetDirectoryName(Lines())!, "0.png")), reader.Texts(["a red circle", "never seen words"]));
        Assert.Equal(1, reader.Model.Probabilities(logits).ToArray<float>().Sum(), 1e-5);
    }

    [Fact]
    public void Models_speak_about_files()
    {
        string caption = Train("caption", "caption").ModelFolder!, vqa = Train("vqa", "vqa").ModelFolder!, picture = Path.Combine(Path.GetDirectoryName(Lines())!, "0.png");
        var answerer = (PictureAnswerer)VisionDirectory.Load(vqa);
        Assert.Contains(PictureSpeaker.Answerer(vqa, answerer, "what colour is the background?")(picture), answerer.Answers);
        var captioner = (PictureCaptioner)VisionDirectory.Load(caption);
        Assert.InRange(PictureSpeaker.Captioner(caption, captioner)(picture).Split(' ').Length, 1, captioner.Longest);
        File.Delete(Path.Combine(caption, "words.json"));
        Assert.Contains("words.json", Refused(() => PictureSpeaker.Captioner(caption, captioner)));
    }

    [Fact]
    public void A_model_of_clips_tells_their_frames_apart_and_what_happens_counts()
    {
        RunResult run = Train("caption-clips", "clips");
        Assert.Equal(
            ["same_captions", "attribute_accuracy", "right_captions", .. ((string[])["motion", "count", "size", "colour", "shape", "relation", "background"]).Select(kind => $"attribute_accuracy_{kind}"), "clips_per_second"],
            run.Measures.Select(measure => measure.Name));
        var model = (PictureCaptioner)VisionDirectory.Load(run.ModelFolder!);
        CaptionedPictures clips = CaptionedPictures.OfClips(2, model.Frames);
        using var scope = TensorScope.Open("test");
        uint place = 0; // a few steps after it began, hardly anything passes from frame to word
        foreach ((_, Tensor weight) in model.NamedParameters()) new CounterRandom(7, place++).FillNormal(weight.AsSpan<float>(), 0, 0.3f);
        Tensor pixels = PictureAugmentation.Pixels(clips.Images, [0, 1, 2, 3, 4, 5]), turned = PictureAugmentation.Pixels(clips.Images, [2, 1, 0, 5, 4, 3]);
        Assert.NotEqual(model.Loss(pixels, [[3, 4], [5]]).Item(), model.Loss(turned, [[3, 4], [5]]).Item());
        Assert.Equal(model.Describe(pixels)[1], model.Describe(PictureAugmentation.Pixels(clips.Images, [3, 4, 5]))[0]);
        Assert.Contains("clips of 3 pictures, got 2", Refused(() => model.Describe(PictureAugmentation.Pixels(clips.Images, [0, 1]))));
        Assert.Contains("a folder of pictures that are frames", Refused(() => PictureSpeaker.Captioner(run.ModelFolder!, model)(Path.Combine(run.RunFolder, "recipe.yaml"))));
    }

    [Fact]
    public void What_does_not_fit_is_named()
    {
        Assert.Contains("expected clips of 3 pictures", Refused(() => CaptionTraining.Run(Clips("wrong0") with { Data = new() { Captions = "scenes:30" } }, Options())));
        Assert.Contains("expected clips: with a number", Refused(() => CaptionTraining.Run(Clips("wrong1") with { Data = new() { Captions = "clips:many" } }, Options())));
        Assert.Contains("2 to 64 frames, got 1", Refused(() => CaptionTraining.Run(Clips("wrong5") with { Frames = 1 }, Options())));
        Assert.Contains("augmentation: expected none for clips", Assert.Throws<RecipeException>(() => RecipeReader.Read<CaptionRecipe>("recipe: caption\nframes: 3\ndata:\n  captions: clips:9\naugmentation:\n  shift: 1\n", "r.yaml")).Message);
        CaptionRecipe caption = Caption("wrong");
        Assert.Contains("no picture of the part", Refused(() => CaptionTraining.Run(caption with { Data = caption.Data with { TestFraction = 0.001 } }, Options())));
        Assert.Contains("line 1: expected a text in 'title'", Refused(() => CaptionTraining.Run(caption with { Data = caption.Data with { CaptionFields = ["title"] } }, Options())));
        Assert.Contains("zero_shot: no caption", Refused(() => ClipTraining.Run(Clip("wrong2", TextEncoderKind.Bag) with { ZeroShot = ["cat dog"] }, Options())));
        ClassifierRecipe classifier = Classifier("wrong3");
        Directory.CreateDirectory(Path.Combine(_folder, "other", "star"));
        Assert.Contains("named by a label (circle, square, triangle), got 'star'", Refused(() => ClassifierTraining.Run(classifier with { Data = classifier.Data with { Test = [Path.Combine(_folder, "other")] } }, Options())));
        VqaRecipe vqa = Vqa("wrong4");
        string unknown = Path.Combine(Path.GetDirectoryName(Lines())!, "unknown.jsonl");
        File.WriteAllText(unknown, """{"file":"0.png","caption":"x","questions":[{"question":"what?","answer":"elephant"}]}""");
        Assert.Contains("the answer 'elephant'", Refused(() => VqaTraining.Run(vqa with { Data = vqa.Data with { TestQuestions = unknown } }, Options())));
    }

    private static string Refused(Action run) => Assert.ThrowsAny<CratonException>(run).Message;

    private static string Files(RunResult run) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(run.ModelFolder!, "model.safetensors"))));

    private RunResult Train(string kind, string name, bool resume = false)
    {
        RunOptions options = Options() with { Resume = resume };
        return kind switch
        {
            "vqa" => VqaTraining.Run(Vqa(name), options),
            "clip" => ClipTraining.Run(Clip(name, TextEncoderKind.Bag), options),
            "clip-transformer" => ClipTraining.Run(Clip(name, TextEncoderKind.Transformer), options),
            "classifier" => ClassifierTraining.Run(Classifier(name), options),
            "caption-clips" => CaptionTraining.Run(Clips(name), options),
            _ => CaptionTraining.Run(Caption(name), options),
        };
    }

    private static ImageLoopSettings Loop => new() { Steps = Steps, Batch = 16, LogEvery = 2, EvalEvery = Half, SaveEvery = Half };

    private static PictureEncoderSettings Conv => new() { Widths = [8, 12] };

    private static PictureEncoderSettings Vit => new() { Kind = PictureEncoderKind.Vit, Patch = 4, Width = 16, Layers = 1, Heads = 2 };

    private VqaRecipe Vqa(string name) => new()
    {
        Name = name,
        Data = new() { TrainQuestions = Lines(), TestQuestions = Lines() },
        Image = Conv,
        Width = 24,
        Embedding = 8,
        Optimizer = new() { LearningRate = 5e-3 },
        Train = Loop,
    };

    private ClipRecipe Clip(string name, TextEncoderKind text) => new()
    {
        Name = name,
        Data = new() { Captions = Lines(), TagFields = ["background"], TestFraction = 0.3 },
        Image = text == TextEncoderKind.Bag ? Conv : Vit,
        Text = new() { Kind = text, Width = 16, Layers = 1, Heads = 2 },
        Width = 12,
        TagShare = 0.5,
        LabelSmoothing = 0.1,
        Dropout = 0.1,
        Augmentation = new() { Shift = 1, Flip = true, Zoom = 0.1, Turn = 0.1, Colour = 0.1 },
        ZeroShot = ["black grey white"],
        Train = Loop,
    };

    private ClassifierRecipe Classifier(string name) => new()
    {
        Name = name,
        Data = new() { Train = [Classes()], Test = [Classes()] },
        Image = Conv,
        Dropout = 0.1,
        Train = Loop,
    };

    private CaptionRecipe Caption(string name) => new()
    {
        Name = name,
        Data = new() { Captions = Lines(), TestFraction = 0.3 },
        Image = Conv,
        Text = new() { Width = 16, Layers = 1, Heads = 2, Longest = 20 },
        Scenes = true,
        Train = Loop,
    };

    private static CaptionRecipe Clips(string name) => new()
    {
        Name = name,
        Frames = 3,
        Data = new() { Captions = $"clips:{Scenes}", TestFraction = 0.3 },
        Image = Conv,
        Text = new() { Width = 16, Layers = 1, Heads = 2, Longest = 20 },
        Scenes = true,
        Train = Loop,
    };

    private RunOptions Options() => new(Path.Combine(_folder, "runs"), Resume: false, TrainingListener.Silent);

    // Scenes with captions and questions.
    private string Lines()
    {
        string folder = Path.Combine(_folder, "scenes"), lines = Path.Combine(folder, "scenes.jsonl");
        if (File.Exists(lines)) return lines;
        Directory.CreateDirectory(folder);
        var generator = new SceneGenerator(1);
        File.WriteAllLines(lines, Enumerable.Range(0, Scenes).Select(i =>
        {
            Scene scene = generator[i];
            PngWriter.WriteFile(Path.Combine(folder, $"{i}.png"), SceneRenderer.Render(scene, Side));
            return JsonSerializer.Serialize(new
            {
                file = $"{i}.png",
                caption = scene.Caption.ToString(),
                background = scene.Caption.Background.ToString(),
                questions = SceneQuestions.Of(scene.Caption).Select(q => new { question = q.Question, answer = q.Answer }),
            });
        }));
        return lines;
    }

    // The same by the shape of the first thing.
    private string Classes()
    {
        string folder = Path.Combine(_folder, "classes");
        if (Directory.Exists(folder)) return folder;
        var generator = new SceneGenerator(1);
        for (int i = 0; i < Scenes; i++)
        {
            string shape = Directory.CreateDirectory(Path.Combine(folder, generator[i].Caption.Thing.Shape.ToString().ToLowerInvariant())).FullName;
            PngWriter.WriteFile(Path.Combine(shape, $"{i}.png"), SceneRenderer.Render(generator[i], Side));
        }
        return folder;
    }
}
