using System.Text.Json;
using Craton.Models.Diffusion.Networks;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Autoencoders of latent diffusion against what another library computes with the same weights.</summary>
[Trait("Category", "Golden")]
public sealed class AutoencoderFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void CodesImagesAndGradients()
    {
        var tally = new Tally(output);
        string root = Fixtures.Folder("diffusion");
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "model").Concat(Fixtures.Cases("diffusion", "checkpoint names")))
        {
            string weights = Path.GetDirectoryName(Path.Combine(root, entry.GetProperty("files")[0].GetString()!))!;
            if (Fixtures.Json(Path.Combine(weights, "config.json")).Text("_class_name") != "AutoencoderKL") continue;
            // The same weights under earlier names lie in a folder below the case.
            string folder = File.Exists(Path.Combine(weights, "case.json")) ? weights : Path.GetDirectoryName(weights)!;
            tally.Case();
            using var temporary = new TemporaryFolder();
            AutoencoderKl.Load(weights).Save(temporary.At("vae"));
            Check(tally, folder, AutoencoderKl.Load(temporary.At("vae")));
        }
        if (tally.Cases > 0) tally.Finish("autoencoders");
    }

    [Fact]
    public void CodesOfACodebook()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "model"))
        {
            string folder = Path.GetDirectoryName(Path.Combine(Fixtures.Folder("diffusion"), entry.GetProperty("files")[0].GetString()!))!;
            if (Fixtures.Json(Path.Combine(folder, "config.json")).Text("_class_name") != "VQModel") continue;
            tally.Case();
            JsonElement c = Fixtures.Json(Path.Combine(folder, "case.json")), tolerances = c.GetProperty("tensors");
            using SafetensorsFile inputs = SafetensorsFile.Open(Path.Combine(folder, "inputs.safetensors")), expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
            using var scope = TensorScope.Open("test");
            VqModel model = VqModel.Load(folder);
            Tensor codes = model.Encode(Read(inputs, "x")), h = Read(inputs, "h");
            QuantizedVectors quantized = model.Quantize(codes);
            tally.Same($"{c.Text("id")} indices", expected.Longs("encode.indices"), quantized.Index.ToArray<long>().Select(i => (int)i));
            foreach ((string name, Tensor got) in new[]
            {
                ("encode.latents", codes), ("encode.quantized", quantized.Quantized), ("encode.codebook_loss", quantized.CodebookLoss + quantized.Commitment * 0.25),
                ("decode.out", model.Decode(model.Quantize(h).Quantized)), ("decode.not_quantized", model.Decode(h)),
            })
                tally.Close($"{c.Text("id")} {name}", expected.Floats(name), got.ToArray<float>(), tolerances.GetProperty(name).Number("atol"), tolerances.GetProperty(name).Number("rtol"));
        }
        if (tally.Cases > 0) tally.Finish("autoencoders with a codebook");
    }

    private static void Check(Tally tally, string folder, AutoencoderKl model)
    {
        JsonElement c = Fixtures.Json(Path.Combine(folder, "case.json")), tolerances = c.GetProperty("tensors");
        using SafetensorsFile inputs = SafetensorsFile.Open(Path.Combine(folder, "inputs.safetensors")), expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        using var scope = TensorScope.Open("test");
        Tensor noise = Read(inputs, "noise"), z = Read(inputs, "z");
        (Tensor mean, Tensor logVariance) = model.Encode(Read(inputs, "x"));
        Tensor sample = Ops.SampleGaussian(mean, logVariance, noise);
        Close("encode.mean", mean);
        Close("encode.logvar", logVariance);
        Close("encode.sample", sample);
        Close("encode.latent_for_diffusion", (sample - model.Shift) * model.Scale);
        Close("decode.out", model.Decode(z));
        Close("decode.from_diffusion_latent", model.Decode(z / model.Scale + model.Shift));
        Close("autoencode.out", model.Decode(sample));
        if (c.TryGetProperty("gradient", out JsonElement gradient)) Gradients(tally, c.Text("id"), gradient, model, inputs);

        void Close(string name, Tensor got)
        {
            if (!expected.Contains(name)) return;
            JsonElement tolerance = tolerances.GetProperty(name);
            tally.Close($"{c.Text("id")} {name}", expected.Floats(name), got.ToArray<float>(), tolerance.Number("atol"), tolerance.Number("rtol"));
        }
    }

    private static void Gradients(Tally tally, string id, JsonElement gradient, AutoencoderKl model, SafetensorsFile inputs)
    {
        using var scope = TensorScope.Open("gradients");
        using var tape = Tape.Start();
        (Tensor mean, Tensor logVariance) = model.Encode(Read(inputs, "x"));
        Tensor loss = Ops.MseLoss(model.Decode(Ops.SampleGaussian(mean, logVariance, Read(inputs, "noise"))), Read(inputs, "target"));
        tape.Backward(loss);
        tally.Relative($"{id} loss", gradient.Number("loss_value"), loss.Item(), 1e-5);
        var gradients = model.NamedParameters().ToDictionary(p => p.Name, p => p.Tensor.Grad!.ToArray<float>());
        foreach (JsonProperty norm in gradient.GetProperty("norms").EnumerateObject())
        {
            double got = Math.Sqrt(gradients[norm.Name].Sum(g => (double)g * g)), want = norm.Value.GetDouble();
            tally.That(Math.Abs(got - want) <= gradient.Number("atol") + gradient.Number("rtol") * want, () => $"{id} norm of the gradient of {norm.Name}: expected {want:g6}, got {got:g6}");
        }
    }

    private static Tensor Read(SafetensorsFile file, string name) => Tensor.From(file.Floats(name), [.. file[name].Shape.Select(s => (int)s)]);
}
