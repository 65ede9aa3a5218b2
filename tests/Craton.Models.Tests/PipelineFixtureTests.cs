using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Networks;
using Craton.Models.Diffusion.Samplers;
using Craton.Models.Vision;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Pictures out of noise against those of another library with the same weights and noise.</summary>
[Trait("Category", "Golden")]
public sealed class PipelineFixtureTests(ITestOutputHelper output)
{
    private static readonly string Root = Fixtures.Folder("diffusion");

    [Fact]
    public void Pictures()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "pipeline"))
        {
            string data = Path.Combine(Root, entry.GetProperty("files")[0].GetString()!), id = entry.Text("id");
            JsonElement c = Fixtures.Json(Path.ChangeExtension(data, ".json"));
            string kind = c.Text("pipeline"), folder = Path.Combine(Root, c.Text("checkpoint"));
            using SafetensorsFile expected = SafetensorsFile.Open(data);
            using var scope = TensorScope.Open("test");
            if (!UnconditionalPipeline.Knows(kind) && !StableDiffusionPipeline.Knows(kind))
            {
                tally.Skip(id, $"{kind} is not built");
                continue;
            }
            tally.Case();
            var run = new Run(tally, id, c, expected);
            if (UnconditionalPipeline.Knows(kind)) run.Check(UnconditionalPipeline.Load(folder).Generate(run.Count, run.Options, run.Noise, run.OnStep));
            else run.Paint(StableDiffusionPipeline.Load(folder));
        }
        tally.Finish("pipelines of diffusion");
    }

    [Fact]
    public void LoopsUnderGuidance()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "sampling loop"))
        {
            string data = Path.Combine(Root, entry.GetProperty("files")[0].GetString()!), id = entry.Text("id");
            JsonElement c = Fixtures.Json(Path.ChangeExtension(data, ".json"));
            string folder = Path.Combine(Root, c.Text("checkpoint")), kind = Fixtures.Json(Path.Combine(folder, "config.json")).Text("_class_name");
            using SafetensorsFile file = SafetensorsFile.Open(data);
            using var scope = TensorScope.Open("test");
            // Images [N, ..] and a time → answers without and with what is asked for.
            Func<Tensor, double, (Tensor Plain, Tensor Told)>? ask = kind switch
            {
                "DiTTransformer2DModel" => Classes(DitTransformer2DModel.Load(folder), file.Longs("labels"), c.GetProperty("null_class").GetInt32()),
                "SD3Transformer2DModel" => Captions(Sd3Transformer2DModel.Load(folder), DiffusionCase.Read(file, "encoder_hidden_states"), DiffusionCase.Read(file, "pooled_projections")),
                _ => null,
            };
            if (ask is null)
            {
                tally.Skip(id, $"{kind} is not built");
                continue;
            }
            tally.Case();
            DiffusionSampler sampler = DiffusionSampler.Create(SchedulerOf(id, c.GetProperty("scheduler")), new SamplerOptions(c.GetProperty("steps").GetInt32()));
            Tensor x = DiffusionCase.Read(file, "latents");
            var steps = new List<Tensor>();
            for (int call = 0; call < sampler.Timesteps.Length; call++)
            {
                (Tensor plain, Tensor told) = ask(sampler.Input(x, call), sampler.Timesteps[call]);
                steps.Add(x = sampler.Step(Guidance.Combine(plain, told, c.Number("guidance_scale")), x, call));
            }
            JsonElement tolerance = c.GetProperty("tensors").GetProperty("latents_per_step");
            tally.Close(id, file.Floats("latents_per_step"), Ops.Stack(0, [.. steps]).ToArray<float>(), tolerance.Number("atol"), tolerance.Number("rtol"));
        }
        if (tally.Cases > 0) tally.Finish("loops under guidance");
    }

    private static Func<Tensor, double, (Tensor, Tensor)> Classes(DitTransformer2DModel model, int[] classes, int none) => (x, time) =>
    {
        (int count, int channels) = (x.Size(0), x.Size(1));
        int[] all = [.. classes, .. Enumerable.Repeat(none, count)];
        Tensor answers = Ops.Slice(model.Forward(Ops.Concat(0, x, x), Tensor.Full((float)time, 2 * count), Tensor.From(all, all.Length)), 1, 0, channels);
        return (Ops.Slice(answers, 0, count), Ops.Slice(answers, 0, 0, count));
    };

    private static Func<Tensor, double, (Tensor, Tensor)> Captions(Sd3Transformer2DModel model, Tensor context, Tensor pooled) => (x, time) =>
    {
        Tensor answers = model.Forward(Ops.Concat(0, x, x), Tensor.Full((float)time, 2), context, pooled);
        return (Ops.Slice(answers, 0, 0, 1), Ops.Slice(answers, 0, 1));
    };

    private static ConfigReader SchedulerOf(string id, JsonElement scheduler)
    {
        var settings = JsonObject.Create(scheduler.GetProperty("config"))!;
        settings["_class_name"] = scheduler.Text("class");
        return new ConfigReader(id, JsonSerializer.SerializeToElement(settings));
    }

    [Fact]
    public void Prompts()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "text encoder"))
        {
            string[] files = [.. entry.GetProperty("files").EnumerateArray().Select(f => Path.Combine(Root, f.GetString()!))];
            string[] texts = [.. Fixtures.Json(files[0]).GetProperty("texts").EnumerateArray().Select(t => t.Text("text"))];
            int[][] ids = [.. Fixtures.Json(files[0]).GetProperty("texts").EnumerateArray().Select(t => t.GetProperty("ids_padded").Ints())];
            JsonElement tolerances = Fixtures.Json(files[2]).GetProperty("tensors");
            using SafetensorsFile expected = SafetensorsFile.Open(files[1]);
            using var temporary = new TemporaryFolder();
            string folder = Path.Combine(Root, "pipelines", "tiny_sd");
            foreach (string directory in new[] { folder, WithBareNames(folder, temporary) })
            {
                tally.Case();
                using var scope = TensorScope.Open("test");
                StableDiffusionPipeline pipeline = StableDiffusionPipeline.Load(directory);
                Tensor tokens = pipeline.Tokens(texts), hidden = pipeline.Read(texts);
                for (int i = 0; i < texts.Length; i++) tally.Same($"tokens of '{texts[i]}'", ids[i], tokens.ToArray<int>().Chunk(tokens.Size(1)).ElementAt(i));
                var encoder = (ClipTextModel)VisionDirectory.Load(Path.Combine(directory, "text_encoder"));
                var trace = new LayerTrace();
                Tensor whole = encoder.Text.Hidden(tokens, trace: trace);
                Close("last_hidden_state", hidden);
                Close("penultimate", trace.States[^2]);
                Close("pooler_output", encoder.Text.Pooled(whole, tokens));
            }

            void Close(string name, Tensor got)
            {
                JsonElement tolerance = tolerances.GetProperty(name);
                tally.Close(name, expected.Floats(name), got.ToArray<float>(), tolerance.Number("atol"), tolerance.Number("rtol"));
            }
        }
        if (tally.Cases > 0) tally.Finish("prompts");
    }

    // The same pipeline, its text encoder under the names that newer files have.
    private static string WithBareNames(string folder, TemporaryFolder temporary)
    {
        string copy = temporary.At("bare");
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy, Path.GetRelativePath(folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
        string weights = Path.Combine(copy, "text_encoder", "model.safetensors");
        File.Delete(weights);
        File.Copy(Path.Combine(folder, "text_encoder_bare_names", "model.safetensors"), weights);
        return copy;
    }

    /// <summary>One run of the reference library.</summary>
    private sealed class Run(Tally tally, string id, JsonElement c, SafetensorsFile expected)
    {
        private readonly JsonElement _arguments = c.GetProperty("arguments");
        private readonly List<PictureStep> _steps = [];
        private int _drawn;

        public int Count => (int)expected["image"].Shape[0];

        public SamplerOptions Options => new(_arguments.GetProperty("num_inference_steps").GetInt32()) { Eta = Number("eta", 0) };

        public void OnStep(PictureStep step) => _steps.Add(step);

        /// <summary>What the reference run drew, in its order: a painter into pictures also encodes the picture without the painted part.</summary>
        public Tensor Noise(NoiseUse use, int call, ReadOnlySpan<int> shape)
        {
            Tensor drawn = use == NoiseUse.Start && Given("latents") is { } latents ? latents : DiffusionCase.Read(expected, $"draw.{_drawn++}");
            if (use == NoiseUse.Start && Given("mask_image") is not null) _drawn++;
            Assert.Equal(shape.ToArray(), drawn.Shape.ToArray());
            return drawn;
        }

        public void Paint(StableDiffusionPipeline pipeline)
        {
            pipeline.Scheduler = SchedulerOf(id, c.GetProperty("scheduler"));
            PictureRequest request = Request();
            Check(pipeline.Generate(request, Noise));
            Close("timesteps", Tensor.From([.. _steps.Select(s => (float)s.Time)], _steps.Count));
            Close("latents_per_step", Ops.Stack(0, [.. _steps.Select(s => s.Picture)]));
            Close("unet_out_per_step", Ops.Stack(0, [.. _steps.Select(s => s.Answer)]));
            if (request.Context is not null) return;
            Tensor told = pipeline.Read(request.Captions);
            Close("encoder_hidden_states", request.Guidance <= 1 ? told : Ops.Concat(0, pipeline.Read(request.Negative ?? [.. request.Captions.Select(_ => "")]), told));
        }

        public void Check(Tensor pictures)
        {
            Tensor picture = pictures.Permute(0, 2, 3, 1).Contiguous();
            Close("image", picture);
            if (!expected.Contains("image_uint8")) return;
            float[] bytes = [.. picture.ToArray<float>().Select(v => MathF.Round(v * 255))];
            byte[] stored = new byte[bytes.Length];
            expected.Read("image_uint8", stored);
            tally.Close($"{id} image_uint8", [.. stored.Select(b => (float)b)], bytes, 1);
        }

        private PictureRequest Request()
        {
            bool sized = _arguments.TryGetProperty("height", out JsonElement height);
            return new PictureRequest
            {
                Captions = Texts("prompt") ?? [],
                Negative = Texts("negative_prompt"),
                Context = Given("prompt_embeds"),
                NegativeContext = Given("negative_prompt_embeds"),
                Sampler = Options,
                Guidance = Number("guidance_scale", 7.5),
                GuidanceRescale = Number("guidance_rescale", 0),
                Size = sized ? (height.GetInt32(), _arguments.GetProperty("width").GetInt32()) : null,
                Image = Given("image"),
                Mask = Given("mask_image"),
                Strength = _arguments.TryGetProperty("strength", out JsonElement strength) ? strength.GetDouble() : null,
                SkippedLayers = (int)Number("clip_skip", 0),
                OnStep = OnStep,
            };
        }

        private double Number(string name, double otherwise) => _arguments.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : otherwise;

        // One text or a list, each as often as pictures are asked for.
        private string[]? Texts(string name)
        {
            if (!_arguments.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null) return null;
            string[] texts = value.ValueKind == JsonValueKind.String ? [value.GetString()!] : [.. value.EnumerateArray().Select(t => t.GetString()!)];
            return [.. texts.SelectMany(text => Enumerable.Repeat(text, (int)Number("num_images_per_prompt", 1)))];
        }

        // Tensors of all runs lie in one file.
        private Tensor? Given(string name)
        {
            if (!_arguments.TryGetProperty(name, out JsonElement value)) return null;
            using SafetensorsFile inputs = SafetensorsFile.Open(Path.Combine(Root, "pipelines", "inputs.safetensors"));
            return DiffusionCase.Read(inputs, value.GetString()![1..]);
        }

        private void Close(string name, Tensor got)
        {
            JsonElement tolerance = c.GetProperty("tensors").GetProperty(name);
            tally.Close($"{id} {name}", expected.Floats(name), got.ToArray<float>(), tolerance.Number("atol"), tolerance.Number("rtol"));
        }
    }
}
