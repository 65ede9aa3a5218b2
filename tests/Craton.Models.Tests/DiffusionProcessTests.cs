using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>What networks that take noise away are trained to answer, at which timesteps, and how much that counts.</summary>
public sealed class DiffusionProcessTests
{
    private const string Cosine = "squaredcos_cap_v2";

    [Theory]
    [InlineData(Prediction.Clean)]
    [InlineData(Prediction.Noise)]
    public void Without_a_limit_errors_count_as_those_of_velocities(Prediction prediction)
    {
        using var scope = TensorScope.Open("test");
        DiffusionProcess velocities = DiffusionProcess.Create(Cosine, Prediction.Velocity), process = DiffusionProcess.Create(Cosine, prediction);
        Tensor clean = Normal(1), noise = Normal(2), guess = Normal(3);
        int[] timesteps = [20, 300, 500, 900];
        double expected = velocities.Loss(clean, noise, timesteps, (_, _) => guess).Item();
        Assert.Equal(expected, velocities.Loss(clean, noise, timesteps, (_, _) => guess, 1e9).Item(), 5);
        Assert.Equal(expected, process.Loss(clean, noise, timesteps, (x, _) => AsVelocity(x), 1e9).Item(), expected * 1e-4);
        Assert.True(process.Loss(clean, noise, timesteps, (x, _) => AsVelocity(x), 5).Item() < 0.99 * expected);

        // The picture, or the noise, that the guessed velocity means.
        Tensor AsVelocity(Tensor x) => Ops.Stack(0, [.. timesteps.Select((t, i) =>
        {
            double clear = Math.Sqrt(process.Schedule.AlphaBars[t]), noisy = Math.Sqrt(1 - process.Schedule.AlphaBars[t]);
            Tensor of = Ops.Squeeze(x.Slice(0, i, i + 1), 0), velocity = Ops.Squeeze(guess.Slice(0, i, i + 1), 0);
            return prediction == Prediction.Clean ? of * clear - velocity * noisy : of * noisy + velocity * clear;
        })]);
    }

    [Fact]
    public void Timesteps_are_spread_over_equally_probable_parts()
    {
        var process = DiffusionProcess.Create(Cosine, Prediction.Clean);
        int[] all = process.Timesteps(1000, new CounterRandom(1)), middle = process.Timesteps(1000, new CounterRandom(1), 0.5);
        for (int i = 0; i < 1000; i++) Assert.InRange(all[i], i, i + 1); // a number close to the end of its part may be rounded into the next
        Assert.Equal(middle.Order(), middle);
        Assert.All(middle, t => Assert.InRange(t, 0, 999));
        // logit(t / 1000) = ½ logit(u): a half of all lies between logits of ±½ logit(¾), 366 and 634.
        Assert.InRange(middle.Count(t => t is >= 366 and < 634), 498, 502);
        Assert.InRange(all.Count(t => t is >= 366 and < 634), 266, 270);
    }

    private static Tensor Normal(uint number)
    {
        Tensor x = Tensor.Empty(DType.F32, 4, 1, 4, 4);
        new CounterRandom(7, number).FillNormal(x.AsSpan<float>());
        return x;
    }
}
