using System.Text;
using System.Text.Json;
using Craton.Models.Diffusion.Samplers;
using Craton.Tensors;

namespace Craton.Models.Tests;

public sealed class SamplerSettingsTests
{
    private const int Mutations = 100_000;

    private static readonly string[] Classes =
    [
        "DDPMScheduler", "DDIMScheduler", "PNDMScheduler", "EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler", "LMSDiscreteScheduler",
        "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler", "UniPCMultistepScheduler", "DEISMultistepScheduler", "LCMScheduler", "FlowMatchEulerDiscreteScheduler",
    ];

    [Fact]
    public void DamagedSettingsGiveTypedErrors()
    {
        var random = new Random(7);
        int read = 0;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(Settings(Classes[i % Classes.Length]));
            for (int k = random.Next(1, 4); k > 0; k--) bytes[random.Next(bytes.Length)] = (byte)" 0123456789.-e\"tf,:{}"[random.Next(21)];
            try
            {
                using var scope = TensorScope.Open("test");
                DiffusionSampler sampler = DiffusionSampler.Create(new ConfigReader("settings", JsonElement.Parse(bytes)), new SamplerOptions(4));
                Tensor x = Tensor.Full(0.5f, 1, 1, 1, 1);
                for (int call = 0; call < sampler.Timesteps.Length; call++) x = sampler.Step(sampler.Input(x, call), x, call, sampler.DrawsNoise(call) ? x : null);
                read++;
            }
            catch (Exception e) when (e is CratonException or JsonException)
            {
            }
        }
        Assert.True(read > Mutations / 20, $"only {read} of {Mutations} were read");
    }

    [Theory]
    [InlineData("""{"_class_name":"DDPMScheduler","beta_schedule":"other"}""", "beta_schedule")]
    [InlineData("""{"_class_name":"DDIMScheduler","use_karras_sigmas":true}""", "use_karras_sigmas")]
    [InlineData("""{"_class_name":"DPMSolverMultistepScheduler","algorithm_type":"dpmsolver"}""", "final_sigmas_type")]
    [InlineData("""{"_class_name":"Other"}""", "_class_name")]
    public void WhatIsNotBuiltIsRefusedByName(string settings, string name) => Assert.Contains(
        name, Assert.Throws<CratonException>(() => DiffusionSampler.Create(new ConfigReader("settings", JsonElement.Parse(settings)), new SamplerOptions(4))).Message, StringComparison.Ordinal);

    private static string Settings(string name) =>
        $$"""{"_class_name":"{{name}}","num_train_timesteps":50,"original_inference_steps":10,"beta_start":0.001,"beta_end":0.02,"steps_offset":1,"solver_order":2,"thresholding":false,"skip_prk_steps":true}""";
}
