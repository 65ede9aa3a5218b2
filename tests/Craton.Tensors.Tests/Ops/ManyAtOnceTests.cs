namespace Craton.Tensors.Tests;

/// <summary>Small things of which there are many, some of which are one task: each has the bits that it has alone.</summary>
[Collection("worker pool")]
public sealed class ManyAtOnceTests
{
    private const int Many = 37; // more than are worked on one by one, and no multiple of a task

    [Fact]
    public void Products_of_many_matrices_are_those_of_each()
    {
        using var scope = TensorScope.Open("test");
        Tensor a = Normal(1, Many, 5, 3, 7).Permute(0, 2, 1, 3), b = Normal(2, Many, 3, 7, 9);
        Tensor y = Ops.MatMul(a, b);
        for (int i = 0; i < Many; i++)
            Assert.Equal(Ops.MatMul(a.Slice(0, i, i + 1), b.Slice(0, i, i + 1)).ToArray<float>(), y.Slice(0, i, i + 1).ToArray<float>());
    }

    [Fact]
    public void Norms_of_many_pictures_are_those_of_each()
    {
        using var scope = TensorScope.Open("test");
        Tensor x = Normal(3, Many, 6, 5, 5), weight = Normal(4, 6), bias = Normal(5, 6), dy = Normal(6, Many, 6, 5, 5);
        (float[] y, float[] dx) = Normalised(x, weight, bias, dy);
        for (int i = 0; i < Many; i++)
        {
            (float[] one, float[] slope) = Normalised(x.Slice(0, i, i + 1).Contiguous(), weight, bias, dy.Slice(0, i, i + 1));
            Assert.Equal(one, y.AsSpan(i * one.Length, one.Length).ToArray());
            Assert.Equal(slope, dx.AsSpan(i * one.Length, one.Length).ToArray());
        }
    }

    private static (float[] Y, float[] Dx) Normalised(Tensor x, Tensor weight, Tensor bias, Tensor dy)
    {
        x.RequiresGrad = true;
        using Tape tape = Tape.Start();
        Tensor y = Ops.GroupNorm(x, 3, weight, bias);
        float[] values = y.ToArray<float>();
        tape.Backward(Ops.Sum(y * dy));
        return (values, x.Grad!.ToArray<float>());
    }

    private static Tensor Normal(ulong seed, params ReadOnlySpan<int> shape)
    {
        Tensor x = Tensor.Empty(DType.F32, shape);
        new CounterRandom(seed).FillNormal(x.AsSpan<float>());
        return x;
    }
}
