using System.Text.Json;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Pictures out of noise against those of another library with the same weights and noise.</summary>
[Trait("Category", "Golden")]
public sealed class PipelineFixtureTests(ITestOutputHelper output)
{
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
            Tensor pictures = UnconditionalPipeline.Load(Path.Combine(root, c.Text("checkpoint"))).Generate(options, k => DiffusionCase.Read(file, $"draw.{k}"));
            JsonElement tolerance = c.GetProperty("tensors").GetProperty("image");
            tally.Close(entry.Text("id"), file.Floats("image"), pictures.Permute(0, 2, 3, 1).Contiguous().ToArray<float>(), tolerance.Number("atol"), tolerance.Number("rtol"));
        }
        tally.Finish("pipelines of diffusion");
    }
}
