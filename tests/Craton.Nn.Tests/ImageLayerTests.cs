using Craton.Tensors;

namespace Craton.Nn.Tests;

/// <summary>Layers of image and recurrent models: the names of checkpoints, and what they keep between calls.</summary>
public sealed class ImageLayerTests
{
    [Fact]
    public void Parameters_and_buffers_have_the_names_of_checkpoints()
    {
        Assert.Equal(
            [
                "weight_ih_l0", "weight_hh_l0", "weight_ih_l0_reverse", "weight_hh_l0_reverse", "weight_ih_l1", "weight_hh_l1", "weight_ih_l1_reverse",
                "weight_hh_l1_reverse",
            ],
            new RecurrentNetwork(RecurrentCell.Gru, 3, 5, layers: 2, bidirectional: true, bias: false).NamedParameters().Select(p => p.Name));
        var lstm = new RecurrentNetwork(RecurrentCell.Lstm, 3, 5, 2, bidirectional: true);
        Assert.Equal([20, 10], lstm.NamedParameters().Single(p => p.Name == "weight_ih_l1").Tensor.Shape.ToArray());
        Assert.Equal(["weight", "bias"], new BatchNorm(3).NamedParameters().Select(p => p.Name));
        Assert.Equal(["running_mean", "running_var"], new BatchNorm(3).NamedBuffers().Select(p => p.Name));
        var conv = new Conv2d(6, 4, 3, new() { Groups = 2 }, spectralNorm: true);
        Assert.Equal(["weight_orig", "bias"], conv.NamedParameters().Select(p => p.Name));
        Assert.Equal([4, 3, 3, 3], conv.Weight.Shape.ToArray());
        Assert.Equal(["weight_u"], conv.NamedBuffers().Select(p => p.Name));
        Assert.Equal([6, 2, 4, 4], new ConvTranspose2d(6, 4, 4, new() { Groups = 2 }).Weight.Shape.ToArray());
    }

    [Fact]
    public void Batch_norm_learns_mean_and_variance_and_uses_them()
    {
        var norm = new BatchNorm(2);
        Tensor x = Values(7, 40, 2, 3, 3) * 3 + 5;
        using (TensorScope.Open("test"))
            for (ulong i = 0; i < 200; i++) norm.Forward(x, training: true);
        Tensor trained = norm.Forward(x, training: true), used = norm.Forward(x, training: false);
        for (int i = 0; i < x.Count; i++) Assert.Equal(trained.ToArray<float>()[i], used.ToArray<float>()[i], 0.01f);
    }

    [Fact]
    public void Spectral_norm_comes_to_a_largest_singular_value_of_one()
    {
        var conv = new Conv2d(3, 8, 3, spectralNorm: true);
        Init.Normal(conv.Weight, 0.5, seed: 1, index: 0);
        for (int i = 0; i < 50; i++)
        {
            using TensorScope scope = TensorScope.Open("step");
            using Tape tape = Tape.Start();
            conv.Forward(Values(1, 1, 3, 4, 4));
        }
        (_, Tensor u) = conv.NamedBuffers().Single();
        (Tensor divided, _, _, _) = Ops.SpectralNorm(conv.Weight.Detach(), u, iterations: 50);
        (_, Tensor sigma, _, _) = Ops.SpectralNorm(divided, u, iterations: 50);
        Assert.Equal(1, sigma.Item(), 1e-4f);
        float[] before = u.ToArray<float>();
        conv.Forward(Values(1, 1, 3, 4, 4)); // without a tape the estimate stays
        Assert.Equal(before, u.ToArray<float>());
    }

    [Fact]
    public void A_linear_layer_with_spectral_norm_lengthens_nothing()
    {
        SpectralLinear plain = new(6, 4, bias: true, spectralNorm: false), layer = new(6, 4, bias: false, spectralNorm: true);
        Assert.Equal("weight", plain.NamedParameters().First().Name);
        Init.Normal(layer.Weight, 0.5, seed: 1, index: 0);
        for (int i = 0; i < 100; i++)
        {
            using TensorScope scope = TensorScope.Open("step");
            using Tape tape = Tape.Start();
            layer.Forward(Values(1, 1, 6));
        }
        double longest = 0;
        for (ulong i = 0; i < 200; i++)
        {
            Tensor x = Values(i, 1, 6);
            longest = Math.Max(longest, Ops.Norm(layer.Forward(x)).Item() / Ops.Norm(x).Item());
        }
        Assert.InRange(longest, 0.7, 1.001);
    }

    [Fact]
    public void Time_steps_are_waves()
    {
        Tensor times = Tensor.From(new float[] { 0, 1, 10, 999 }, 4);
        float[] sines = new TimestepEmbedding(6).Forward(times).ToArray<float>();
        float[] cosines = new TimestepEmbedding(6, cosineFirst: true, shift: 0).Forward(times).ToArray<float>();
        for (int t = 0; t < 4; t++)
            for (int i = 0; i < 3; i++)
            {
                double time = times.ToArray<float>()[t];
                Assert.Equal(Math.Sin(time * Math.Pow(10000, -i / 2.0)), sines[6 * t + i], 1e-4);
                Assert.Equal(Math.Cos(time * Math.Pow(10000, -i / 2.0)), sines[6 * t + 3 + i], 1e-4);
                Assert.Equal(Math.Cos(time * Math.Pow(10000, -i / 3.0)), cosines[6 * t + i], 1e-4);
            }
        Assert.Throws<CratonException>(() => new TimestepEmbedding(5));
    }

    private static Tensor Values(ulong seed, params int[] shape)
    {
        Tensor tensor = Tensor.Persistent(DType.F32, shape);
        new CounterRandom(seed).FillNormal(tensor.AsSpan<float>(), 0, 1);
        return tensor;
    }
}
