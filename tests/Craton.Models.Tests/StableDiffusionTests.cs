using System.Text.Json.Nodes;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Networks;
using Craton.Models.Diffusion.Samplers;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Tests;

/// <summary>What pipelines do that no stored run shows.</summary>
public sealed class StableDiffusionTests
{
    private const string WeightsFile = "diffusion_pytorch_model.safetensors";

    private static readonly string s_folder = Path.Combine(Fixtures.Folder("diffusion"), "pipelines", "tiny_sd");

    [Fact]
    public void ANetworkThatSeesTheMaskDependsOnItByItsWeightsAlone()
    {
        using var temporary = new TemporaryFolder();
        using var scope = TensorScope.Open("test");
        var request = new PictureRequest { Captions = ["a boat"], Sampler = new SamplerOptions(3) };
        Tensor mask = Tensor.Zeros(DType.F32, 1, 1, 16, 16);
        mask.AsSpan<float>()[..128].Fill(1);
        PictureRequest painting = request with { Image = Tensor.Full(0.25f, 1, 3, 16, 16), Mask = mask };
        Tensor plain = StableDiffusionPipeline.Load(s_folder).Generate(request, SeededNoise.Of(1));
        StableDiffusionPipeline blind = StableDiffusionPipeline.Load(SeeingMasks(temporary.At("blind"), 0)), seeing = StableDiffusionPipeline.Load(SeeingMasks(temporary.At("seeing"), 0.1f));
        Assert.Equal(plain.ToArray<float>(), blind.Generate(painting, SeededNoise.Of(1)).ToArray<float>());
        Assert.NotEqual(plain.ToArray<float>(), seeing.Generate(painting, SeededNoise.Of(1)).ToArray<float>());
        Assert.Contains("paints into pictures", Assert.Throws<CratonException>(() => seeing.Generate(request, SeededNoise.Of(1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WeightsInShardsAreRead()
    {
        using var temporary = new TemporaryFolder();
        string folder = Copy(temporary.At("sd"));
        string vae = Path.Combine(folder, "vae"), weights = Path.Combine(vae, WeightsFile), shard = "diffusion_pytorch_model-00001-of-00001.safetensors";
        string[] names;
        using (SafetensorsFile file = SafetensorsFile.Open(weights)) names = [.. file.Tensors.Select(t => t.Name)];
        File.Move(weights, Path.Combine(vae, shard));
        var map = new JsonObject([.. names.Select(name => KeyValuePair.Create(name, (JsonNode?)shard))]);
        File.WriteAllText(weights + ".index.json", new JsonObject { ["weight_map"] = map }.ToJsonString());
        Assert.Equal(2, AutoencoderKl.Load(vae).Reduction);
    }

    // The folder with a network whose first convolution has these weights for the mask and the image beside the code.
    private static string SeeingMasks(string folder, float weight)
    {
        string unet = Path.Combine(Copy(folder), "unet"), config = Path.Combine(unet, "config.json"), weights = Path.Combine(unet, WeightsFile);
        JsonObject settings = JsonNode.Parse(File.ReadAllText(config))!.AsObject();
        settings["in_channels"] = 9;
        File.WriteAllText(config, settings.ToJsonString());
        var tensors = new List<TensorSource>();
        using (SafetensorsFile file = SafetensorsFile.Open(Path.Combine(s_folder, "unet", WeightsFile)))
            foreach (SafetensorsEntry entry in file.Tensors)
            {
                Tensor tensor = DiffusionCase.Read(file, entry.Name);
                if (entry.Name == "conv_in.weight") tensor = Ops.Concat(1, tensor, Tensor.Full(weight, tensor.Size(0), 5, 3, 3));
                tensors.Add(DecoderWeights.Source(entry.Name, tensor, transposed: false, DType.F32));
            }
        File.Delete(weights);
        using FileStream stream = File.Create(weights);
        SafetensorsWriter.Write(stream, [.. tensors]);
        return folder;
    }

    private static string Copy(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(s_folder, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(folder, Path.GetRelativePath(s_folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllBytes(target, File.ReadAllBytes(file));
        }
        return folder;
    }
}
