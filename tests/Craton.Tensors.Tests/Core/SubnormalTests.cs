using Craton.Tensors.Kernels;

namespace Craton.Tensors.Tests.Core;

/// <summary>Operations that trainings repeat give no subnormal numbers, which would make the products after them ten times slower.</summary>
public sealed class SubnormalTests
{
    private const int Count = 20_000;

    public static TheoryData<string> Activations => ["sigmoid", "silu", "gelu", "quick_gelu", "softplus"];

    [Theory]
    [MemberData(nameof(Activations))]
    public void Activations_and_their_gradients_far_from_0(string name)
    {
        using var scope = TensorScope.Open("test");
        using var tape = Tape.Start();
        // From −120 to −5, with gradients down to 1e-12.
        Tensor x = Tensor.From([.. Enumerable.Range(0, Count).Select(i => -5 - 115f * i / Count)], Count).RequireGrad();
        Tensor weights = Tensor.From([.. Enumerable.Range(0, Count).Select(i => MathF.Pow(10, -(i % 13)))], Count);
        Tensor y = name switch
        {
            "sigmoid" => Ops.Sigmoid(x),
            "silu" => Ops.Silu(x),
            "gelu" => Ops.Gelu(x),
            "quick_gelu" => Ops.QuickGelu(x),
            _ => Ops.Softplus(x),
        };
        Assert.DoesNotContain(y.ToArray<float>(), float.IsSubnormal);
        tape.Backward(Ops.Sum(y * weights));
        Assert.DoesNotContain(x.Grad!.ToArray<float>(), value => value != 0 && MathF.Abs(value) < 7.8e-31f);
        Assert.Contains(x.Grad!.ToArray<float>(), value => value != 0);
    }

    [Fact]
    public void Gradients_of_attention_with_one_key_far_above_the_others()
    {
        using var scope = TensorScope.Open("test");
        using var tape = Tape.Start();
        Tensor q = Filled(1).RequireGrad(), k = Filled(2).RequireGrad(), v = Filled(3).RequireGrad();
        // Scores fall by some 2 from key to key, to −110 and less.
        Tensor y = Ops.Attention(q, k, v, new AttentionOptions { Bias = Tensor.From([.. Enumerable.Range(0, 64).Select(i => -2f * i)], 1, 1, 1, 64) });
        tape.Backward(Ops.Sum(y * 1e-6));
        foreach (Tensor x in (Tensor[])[q, k, v]) Assert.DoesNotContain(x.Grad!.ToArray<float>(), float.IsSubnormal);

        static Tensor Filled(uint place)
        {
            Tensor x = Tensor.Empty(DType.F32, 1, 2, 64, 16);
            new CounterRandom(5, place).FillNormal(x.AsSpan<float>());
            return x;
        }
    }

    [Fact]
    public void Moments_of_AdamW_without_gradients()
    {
        Tensor weight = Tensor.Persistent(DType.F32, 64), first = Tensor.Persistent(DType.F32, 64), second = Tensor.Persistent(DType.F32, 64);
        weight.RequireGrad();
        var pass = new ParameterPass([weight]);
        for (int step = 1; step <= 3000; step++)
        {
            using var scope = TensorScope.Open("step");
            using Tape tape = Tape.Start();
            tape.Backward(Ops.Sum(weight * (step == 1 ? 1e-3 : 0.0)));
            pass.AdamW(new AdamWStep(1e-3, 0.9, 0.95, 1e-8, 1 - Math.Pow(0.9, step), 1 - Math.Pow(0.95, step), 1), [first], [second], [0.0]);
            Assert.False(float.IsSubnormal(first.AsSpan<float>()[0]) || float.IsSubnormal(second.AsSpan<float>()[0]));
            weight.ClearGrad();
        }
        Assert.Equal(0, first.AsSpan<float>()[0]);
        Assert.Equal(0, second.AsSpan<float>()[0]);
    }
}
