using System.Text.Json;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Networks;
using Craton.Models.Diffusion.Samplers;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Networks of diffusion against what another library computes with the same weights.</summary>
[Trait("Category", "Golden")]
public sealed class UNetFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void OutputsAndGradients()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "model"))
        {
            string folder = Path.GetDirectoryName(Path.Combine(Fixtures.Folder("diffusion"), entry.GetProperty("files")[0].GetString()!))!;
            string kind = Fixtures.Json(Path.Combine(folder, "config.json")).Text("_class_name");
            if (kind is "AutoencoderKL" or "VQModel") continue; // AutoencoderFixtureTests
            if (kind != "UNet2DModel")
            {
                tally.Skip(entry.Text("id"), $"{kind} is not built");
                continue;
            }
            tally.Case();
            Check(tally, folder, UNet2DModel.Load(folder));
            Saved(tally, folder);
        }
        tally.Finish("networks of diffusion");
    }

    [Fact]
    public void Pictures()
    {
        var tally = new Tally(output);
        string root = Fixtures.Folder("diffusion");
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "pipeline"))
        {
            string data = Path.Combine(root, entry.GetProperty("files")[0].GetString()!);
            JsonElement c = Fixtures.Json(Path.ChangeExtension(data, ".json"));
            if (c.Text("pipeline") != "DDPMPipeline")
            {
                tally.Skip(entry.Text("id"), $"{c.Text("pipeline")} is not built");
                continue;
            }
            tally.Case();
            using SafetensorsFile file = SafetensorsFile.Open(data);
            using var scope = TensorScope.Open("test");
            var options = new SamplerOptions(c.GetProperty("arguments").GetProperty("num_inference_steps").GetInt32());
            Tensor pictures = UnconditionalPipeline.Load(Path.Combine(root, c.Text("checkpoint"))).Generate(options, k => Read(file, $"draw.{k}"));
            JsonElement tolerance = c.GetProperty("tensors").GetProperty("image");
            tally.Close(entry.Text("id"), file.Floats("image"), pictures.Permute(0, 2, 3, 1).Contiguous().ToArray<float>(), tolerance.Number("atol"), tolerance.Number("rtol"));
        }
        tally.Finish("pipelines of diffusion");
    }

    private static void Check(Tally tally, string folder, UNet2DModel model)
    {
        JsonElement c = Fixtures.Json(Path.Combine(folder, "case.json")), tolerances = c.GetProperty("tensors");
        using SafetensorsFile inputs = SafetensorsFile.Open(Path.Combine(folder, "inputs.safetensors")), expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        foreach (JsonElement call in c.GetProperty("calls").EnumerateArray())
        {
            using var scope = TensorScope.Open("test");
            string name = $"{call.Text("name")}.out";
            JsonElement tolerance = tolerances.GetProperty(name);
            tally.Close($"{c.Text("id")} {name}", expected.Floats(name), Run(model, call, inputs).ToArray<float>(), tolerance.Number("atol"), tolerance.Number("rtol"));
        }
        if (c.TryGetProperty("gradient", out JsonElement gradient)) Gradients(tally, folder, c, gradient, model, inputs);
    }

    private static void Gradients(Tally tally, string folder, JsonElement c, JsonElement gradient, UNet2DModel model, SafetensorsFile inputs)
    {
        using var scope = TensorScope.Open("test");
        using var tape = Tape.Start();
        Tensor loss = Ops.MseLoss(Run(model, c.GetProperty("calls").EnumerateArray().Single(call => call.Text("name") == gradient.Text("of_call")), inputs), Read(inputs, "target"));
        tape.Backward(loss);
        tally.Relative($"{c.Text("id")} loss", gradient.Number("loss_value"), loss.Item(), 1e-5);
        var gradients = model.NamedParameters().ToDictionary(p => p.Name, p => p.Tensor.Grad!.ToArray<float>());
        foreach (JsonProperty norm in gradient.GetProperty("norms").EnumerateObject())
        {
            double got = Math.Sqrt(gradients[norm.Name].Sum(g => (double)g * g)), want = norm.Value.GetDouble();
            tally.That(Math.Abs(got - want) <= gradient.Number("atol") + gradient.Number("rtol") * want, () => $"{c.Text("id")} norm of the gradient of {norm.Name}: expected {want:g6}, got {got:g6}");
        }
        if (!gradient.TryGetProperty("full", out JsonElement full)) return;
        using SafetensorsFile stored = SafetensorsFile.Open(Path.Combine(folder, "gradients.safetensors"));
        foreach (JsonProperty tolerance in full.EnumerateObject())
            tally.Close($"{c.Text("id")} gradient of {tolerance.Name}", stored.Floats(tolerance.Name), gradients[tolerance.Name], tolerance.Value.Number("atol"), tolerance.Value.Number("rtol"));
    }

    // What is written is read back the same.
    private static void Saved(Tally tally, string folder)
    {
        using var temporary = new TemporaryFolder();
        UNet2DModel model = UNet2DModel.Load(folder);
        model.Save(temporary.At("unet"));
        UNet2DModel again = UNet2DModel.Load(temporary.At("unet"));
        foreach (((string name, Tensor first), (_, Tensor second)) in model.NamedParameters().Zip(again.NamedParameters()))
            tally.That(first.AsSpan<float>().SequenceEqual(second.AsSpan<float>()), () => $"{folder}: {name} changed on its way through a file");
    }

    private static Tensor Run(UNet2DModel model, JsonElement call, SafetensorsFile inputs)
    {
        JsonElement arguments = call.GetProperty("args"), time = arguments.GetProperty("timestep");
        Tensor x = Read(inputs, arguments.Text("sample")[1..]);
        Tensor times = time.ValueKind == JsonValueKind.Number ? Tensor.Full(time.GetSingle(), x.Size(0)) : Times(inputs, time.GetString()![1..]);
        Tensor? classes = arguments.TryGetProperty("class_labels", out JsonElement labels) ? Tensor.From(inputs.Longs(labels.GetString()![1..]), x.Size(0)) : null;
        return model.Forward(x, times, classes);
    }

    private static Tensor Times(SafetensorsFile file, string name) => file[name].Format == "I64"
        ? Tensor.From([.. file.Longs(name).Select(t => (float)t)], (int)file[name].Count)
        : Read(file, name);

    private static Tensor Read(SafetensorsFile file, string name) => Tensor.From(file.Floats(name), [.. file[name].Shape.Select(s => (int)s)]);
}
