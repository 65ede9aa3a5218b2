using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Models.Generative;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>The network that is trained to draw, and the process that trains it and draws with it.</summary>
public sealed class DrawingUNetTests
{
    private static readonly DrawingUNetConfig s_all = new() { Channels = 3, Widths = [8, 16, 16], Blocks = 2, AttentionLevels = 2, HeadWidth = 8, Groups = 4, Condition = 5, Context = 6 };

    [Fact]
    public void Every_weight_has_a_part_in_the_answer()
    {
        DrawingUNet network = new DrawingUNet(s_all).Initialize(1);
        using var scope = TensorScope.Open("test");
        Assert.All(Answer(network).ToArray<float>(), value => Assert.Equal(0, value)); // the last layer begins at 0
        uint place = 0;
        foreach ((_, Tensor weight) in network.NamedParameters()) new CounterRandom(7, place++).FillNormal(weight.AsSpan<float>(), 0, 0.2f);
        using (Tape tape = Tape.Start())
        {
            Tensor answer = Answer(network);
            Assert.Equal([2, 3, 16, 8], answer.Shape);
            tape.Backward(Ops.Sum(Ops.Square(answer)));
        }
        Assert.All(network.NamedParameters(), p => Assert.True(p.Tensor.Grad is { } g && g.ToArray<float>().Any(v => v != 0), p.Name));
    }

    [Fact]
    public void Tokens_are_seen_by_the_picture_that_they_belong_to()
    {
        DrawingUNet network = new DrawingUNet(s_all).Initialize(1);
        uint place = 0;
        foreach ((_, Tensor weight) in network.NamedParameters()) new CounterRandom(7, place++).FillNormal(weight.AsSpan<float>(), 0, 0.2f);
        using var scope = TensorScope.Open("test");
        float[] one = Answer(network).ToArray<float>(), other = Answer(network, other: 9).ToArray<float>();
        Assert.Equal(one[..(one.Length / 2)], other[..(one.Length / 2)]);
        Assert.NotEqual(one[(one.Length / 2)..], other[(one.Length / 2)..]);
    }

    [Fact]
    public void Its_shape_is_written_and_read()
    {
        DrawingUNetConfig read = DrawingUNetConfig.Read(ConfigReader.Of("config.json", s_all.ToJson()));
        Assert.Equal(s_all.Widths, read.Widths);
        Assert.Equal(s_all, read with { Widths = s_all.Widths });
    }

    [Theory]
    [InlineData("widths")]
    [InlineData("head_width")]
    [InlineData("attention_levels")]
    [InlineData("patch")]
    public void A_wrong_shape_is_named(string setting)
    {
        DrawingUNetConfig wrong = setting switch
        {
            "widths" => s_all with { Widths = [8, 15] },
            "head_width" => s_all with { HeadWidth = 3 },
            "attention_levels" => s_all with { AttentionLevels = 4 },
            _ => s_all with { Patch = 0 },
        };
        Assert.Contains(setting, Assert.Throws<CratonException>(() => new DrawingUNet(wrong)).Message);
    }

    [Theory]
    [InlineData("linear", Prediction.Noise)]
    [InlineData("linear", Prediction.Clean)]
    [InlineData("squaredcos_cap_v2", Prediction.Velocity)]
    public void A_network_that_knows_the_picture_has_no_loss_and_draws_it(string schedule, Prediction prediction)
    {
        var process = DiffusionProcess.Create(schedule, prediction);
        using var scope = TensorScope.Open("test");
        Tensor clean = Tensor.Full(0.5f, 1, 1, 2, 2), noise = Tensor.Empty(DType.F32, 1, 1, 2, 2);
        new CounterRandom(1).FillNormal(noise.AsSpan<float>());
        int step = process.Timesteps(1, new CounterRandom(2))[0];
        Assert.InRange(process.Loss(clean, noise, [step], (x, times) => Oracle(x, times.AsSpan<float>()[0])).Item(), 0, 1e-6);
        Tensor drawn = process.Draw(new DrawingSettings(10, 1), _ => noise, Oracle);
        Assert.All(drawn.ToArray<float>(), value => Assert.Equal(0.5, value, 1e-4));

        Tensor Oracle(Tensor x, double time)
        {
            double bar = process.Schedule.AlphaBars[(int)time];
            Tensor held = (x - clean * Math.Sqrt(bar)) * (1 / Math.Sqrt(1 - bar));
            return prediction switch { Prediction.Noise => held, Prediction.Clean => clean, _ => held * Math.Sqrt(bar) - clean * Math.Sqrt(1 - bar) };
        }
    }

    private static Tensor Answer(DrawingUNet network, float other = 0)
    {
        Tensor x = Tensor.Empty(DType.F32, 2, 3, 16, 8), condition = Tensor.Empty(DType.F32, 2, 5), context = Tensor.Empty(DType.F32, 2, 3, 6);
        new CounterRandom(1, place: 1).FillNormal(x.AsSpan<float>());
        new CounterRandom(1, place: 2).FillNormal(condition.AsSpan<float>());
        new CounterRandom(1, place: 3).FillNormal(context.AsSpan<float>());
        context.AsSpan<float>()[^1] += other;
        return network.Forward(x, Tensor.From(new[] { 3f, 700f }, 2), condition, context);
    }
}
