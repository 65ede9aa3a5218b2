using Craton.Tensors.Diagnostics;

namespace Craton.Tensors.Tests;

public sealed class OpProfileTests
{
    [Fact]
    public void Operations_are_timed_forward_and_backward_and_their_work_is_counted()
    {
        var profile = new OpProfile();
        Tensor x = Tensor.Persistent(DType.F32, 4, 3), weight = Tensor.Parameter(DType.F32, 5, 3);
        Tensor q = Tensor.Parameter(DType.F32, 1, 2, 4, 8);
        for (int run = 0; run < 2; run++)
            using (profile.Watch())
            using (TensorScope.Open("step"))
            using (Tape tape = Tape.Start())
            {
                Tensor loss = Ops.Sum(Ops.Linear(x, weight, null, Activation.Gelu)) + Ops.Sum(Ops.Attention(q, q, q, new AttentionOptions { Causal = true }));
                tape.Backward(loss);
            }
        OpTime Row(string name, string pass) => Assert.Single(profile.Times, time => time.Name == name && time.Pass == pass);
        Assert.Equal((2, 2 * 2 * 4 * 5 * 3), (Row("linear 3→5 of gelu", "forward").Calls, Row("linear 3→5 of gelu", "forward").Flops));
        Assert.Equal(2 * 2 * 4 * 5 * 3, Row("linear 3→5 of gelu", "backward").Flops); // x needs no gradient
        Assert.Equal(2 * 2 * 2 * 2 * (1 + 2 + 3 + 4) * 8, Row("attention", "forward").Flops);
        Assert.Equal(0, Row("sum", "backward").Flops);
        Assert.True(Row("sum", "backward").Bytes > 0);
        Assert.All(profile.Times, time => Assert.True(time.Seconds > 0));
    }

    [Fact]
    public void Tapes_of_the_thread_are_watched_while_a_profile_watches()
    {
        var profile = new OpProfile();
        Tensor weight = Tensor.Parameter(DType.F32, 5);
        void Run()
        {
            using (Tape.Start()) _ = Ops.Exp(weight);
        }
        Run();
        using (profile.Watch())
        {
            Run();
            Run();
            var other = new Thread(Run);
            other.Start();
            other.Join();
        }
        Run();
        Assert.Equal(("exp", 2), (Assert.Single(profile.Times).Name, profile.Times[0].Calls));
        profile.Restart();
        Assert.Empty(profile.Times);
    }

    [Fact]
    public void Named_parts_are_measured_whole_and_belong_to_what_watches()
    {
        var profile = new OpProfile();
        using (OpProfile.Part("update", "adamw")) { }
        using (profile.Watch())
        {
            using (OpProfile.Part("measuring", "validation"))
            using (OpProfile.Part("data", "tokens")) Thread.Sleep(2);
            using (OpProfile.Part("data", "tokens", bytes: 8)) { }
        }
        Assert.Equal([("measuring", "validation", 1, 0), ("data", "tokens", 1, 8)], profile.Times.Select(time => (time.Pass, time.Name, time.Calls, time.Bytes)));
        Assert.True(profile.Times[0].Seconds >= 0.001);
    }

    [Fact]
    public void Products_can_accumulate()
    {
        Tensor a = Tensor.From([1f, 2, 3, 4], 2, 2), y = Tensor.Persistent(DType.F32, 2, 2);
        ProductProbe.Multiply(a, a.Transpose(), y, accumulate: false);
        ProductProbe.Multiply(a, a.Transpose(), y, accumulate: true);
        Assert.Equal([10f, 22, 22, 50], y.ToArray<float>());
    }
}
