using Craton.Models.Diffusion.Networks;
using Craton.Models.Diffusion.Samplers;
using Craton.Tensors;

namespace Craton.Models.Diffusion;

/// <summary>Pictures out of noise alone: a <see cref="UNet2DModel"/> and a sampler, from a folder with <c>unet/</c> and <c>scheduler/</c>.</summary>
/// <param name="network">Tells the noise.</param>
/// <param name="scheduler">The content of <c>scheduler_config.json</c>.</param>
public sealed class UnconditionalPipeline(UNet2DModel network, ConfigReader scheduler)
{
    /// <summary>Whether a pipeline of this class is one.</summary>
    public static bool Knows(string pipeline) => pipeline is "DDPMPipeline" or "DDIMPipeline" or "PNDMPipeline";

    /// <summary>Reads the folder.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or a setting is not supported.</exception>
    public static UnconditionalPipeline Load(string directory) =>
        new(UNet2DModel.Load(Path.Combine(directory, "unet")), PipelineFolder.Scheduler(directory));

    /// <summary>Makes pictures.</summary>
    /// <param name="count">How many.</param>
    /// <param name="options">Number of steps and settings of the sampler.</param>
    /// <param name="noise">Draws the noise.</param>
    /// <param name="onStep">Told after each step.</param>
    /// <returns>Pictures [N, C, H, W] from 0 to 1.</returns>
    /// <exception cref="CratonException">A setting of the sampler is not supported, or the network does not say the size of its images.</exception>
    public Tensor Generate(int count, SamplerOptions options, NoiseSource noise, Action<PictureStep>? onStep = null)
    {
        DiffusionSampler sampler = DiffusionSampler.Create(scheduler, options);
        (int height, int width) = network.SampleSize ?? throw new CratonException("the network's config.json gives no sample_size, the height and width of its images; add it");
        int[] shape = [count, network.InChannels, height, width];
        Tensor x = noise(NoiseUse.Start, 0, shape) * sampler.InitialScale;
        for (int call = 0; call < sampler.Timesteps.Length; call++)
        {
            Tensor output = Answer(sampler.Input(x, call), sampler.Timesteps[call]);
            x = sampler.Step(output, x, call, sampler.DrawsNoise(call) ? noise(NoiseUse.Step, call, shape) : null);
            onStep?.Invoke(new PictureStep(call + 1, sampler.Timesteps.Length, sampler.Timesteps[call], x, output));
        }
        return Ops.Clamp(x * 0.5 + 0.5, 0, 1);
    }

    // What the network computes on its way is released at once.
    private Tensor Answer(Tensor x, double time)
    {
        using var scope = TensorScope.Open("network");
        return scope.Keep(network.Forward(x, Tensor.Full((float)time, x.Size(0))));
    }
}
