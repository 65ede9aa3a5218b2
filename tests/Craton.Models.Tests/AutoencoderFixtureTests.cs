using System.Text.Json;
using Craton.Models.Diffusion.Networks;
using Craton.Tensors;
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
            using var c = new DiffusionCase(tally, File.Exists(Path.Combine(weights, "case.json")) ? weights : Path.GetDirectoryName(weights)!);
            tally.Case();
            using var temporary = new TemporaryFolder();
            AutoencoderKl.Load(weights).Save(temporary.At("vae"));
            Check(c, AutoencoderKl.Load(temporary.At("vae")));
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
            using var c = new DiffusionCase(tally, folder);
            using var scope = TensorScope.Open("test");
            VqModel model = VqModel.Load(folder);
            Tensor codes = model.Encode(DiffusionCase.Read(c.Inputs, "x")), h = DiffusionCase.Read(c.Inputs, "h");
            QuantizedVectors quantized = model.Quantize(codes);
            tally.Same($"{c.Id} indices", c.Longs("encode.indices"), quantized.Index.ToArray<long>().Select(i => (int)i));
            c.Close("encode.latents", codes);
            c.Close("encode.quantized", quantized.Quantized);
            c.Close("encode.codebook_loss", quantized.CodebookLoss + quantized.Commitment * 0.25);
            c.Close("decode.out", model.Decode(model.Quantize(h).Quantized));
            c.Close("decode.not_quantized", model.Decode(h));
        }
        if (tally.Cases > 0) tally.Finish("autoencoders with a codebook");
    }

    private static void Check(DiffusionCase c, AutoencoderKl model)
    {
        using var scope = TensorScope.Open("test");
        Tensor images = DiffusionCase.Read(c.Inputs, "x"), noise = DiffusionCase.Read(c.Inputs, "noise"), z = DiffusionCase.Read(c.Inputs, "z");
        (Tensor mean, Tensor logVariance) = model.Encode(images);
        Tensor sample = Ops.SampleGaussian(mean, logVariance, noise);
        foreach ((string name, Tensor got) in new[]
        {
            ("encode.mean", mean), ("encode.logvar", logVariance), ("encode.sample", sample), ("encode.latent_for_diffusion", (sample - model.Shift) * model.Scale),
            ("decode.out", model.Decode(z)), ("decode.from_diffusion_latent", model.Decode(z / model.Scale + model.Shift)), ("autoencode.out", model.Decode(sample)),
        })
            if (c.Expects(name)) c.Close(name, got);
        c.CheckGradients(model, () =>
        {
            (Tensor mean, Tensor logVariance) = model.Encode(images);
            return model.Decode(Ops.SampleGaussian(mean, logVariance, noise));
        });
    }
}
