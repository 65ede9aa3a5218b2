using System.Text.Json;
using Craton.Models.Diffusion.Networks;
using Craton.Models.Diffusion.Samplers;
using Craton.Tensors;

namespace Craton.Models.Diffusion;

/// <summary>Pictures out of noise alone: a <see cref="UNet2DModel"/> and a sampler, from a folder with <c>unet/</c> and <c>scheduler/</c>.</summary>
/// <param name="network">Tells the noise.</param>
/// <param name="scheduler">The content of <c>scheduler_config.json</c>.</param>
public sealed class UnconditionalPipeline(UNet2DModel network, ConfigReader scheduler)
{
    private readonly DiffusionProcess _process = new(scheduler);

    /// <summary>Reads the folder.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or a setting is not supported.</exception>
    public static UnconditionalPipeline Load(string directory)
    {
        string file = Path.Combine(directory, "scheduler", "scheduler_config.json");
        JsonElement settings = JsonFile.Read(file);
        return new UnconditionalPipeline(UNet2DModel.Load(Path.Combine(directory, "unet")), new ConfigReader(file, settings));
    }

    /// <summary>Makes a picture for each image of noise.</summary>
    /// <param name="options">Number of steps and settings of the sampler.</param>
    /// <param name="draw">Normal noise [N, C, H, W]: number 0 to start from, number k for call k − 1 where it draws noise.</param>
    /// <returns>Pictures [N, C, H, W] from 0 to 1.</returns>
    /// <exception cref="CratonException">A setting of the sampler is not supported.</exception>
    public Tensor Generate(SamplerOptions options, Func<int, Tensor> draw)
    {
        Tensor x = _process.Draw(options, draw, (x, time) => network.Forward(x, Tensor.Full((float)time, x.Size(0))));
        return Ops.Clamp(x * 0.5 + 0.5, 0, 1);
    }
}
