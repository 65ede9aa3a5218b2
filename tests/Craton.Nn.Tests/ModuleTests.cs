using Craton.Tensors;

namespace Craton.Nn.Tests;

public sealed class ModuleTests
{
    // Names and order are those of checkpoints: they must not change.
    private sealed class Network : Module
    {
        public Network()
        {
            Embed = Child("embed", new Embedding(5, 4));
            Blocks = Children("blocks", 2, _ => new Linear(4, 4, bias: true));
            Norm = Child("norm", new RmsNorm(4, 1e-6));
            Scale = Parameter("scale", 3);
        }

        public Embedding Embed { get; }

        public Linear[] Blocks { get; }

        public RmsNorm Norm { get; }

        public Tensor Scale { get; }
    }

    [Fact]
    public void Parameters_have_the_dotted_names_of_the_tree_own_ones_first()
    {
        var network = new Network();
        Assert.Equal(
            ["scale", "embed.weight", "blocks.0.weight", "blocks.0.bias", "blocks.1.weight", "blocks.1.bias", "norm.weight"],
            network.NamedParameters().Select(p => p.Name));
        Assert.All(network.NamedParameters(), p => Assert.True(p.Tensor.RequiresGrad));
        Assert.Equal(3 + 20 + 2 * 20 + 4, network.ParameterCount);
        Assert.Equal([typeof(Network), typeof(Embedding), typeof(Linear), typeof(Linear), typeof(RmsNorm)], network.Modules().Select(m => m.GetType()));
    }

    [Fact]
    public void A_parameter_is_found_by_its_name_and_replaced()
    {
        var network = new Network();
        Assert.Equal(["embed", "blocks.0", "blocks.1", "norm"], network.NamedModules().Select(m => m.Path));
        Tensor bias = network.Blocks[1].Bias!, other = Tensor.Full(2, 4);
        Assert.Same(bias, network.Replace("blocks.1.bias", other));
        Assert.Same(other, network.Blocks[1].Bias);
        Assert.Contains(network.NamedParameters(), p => p.Name == "blocks.1.bias" && ReferenceEquals(p.Tensor, other));
        Assert.Equal([2f, 2, 2, 2], network.Blocks[1].Forward(Tensor.Zeros(DType.F32, 1, 4)).ToArray<float>());
        Assert.Same(other, network.Replace("blocks.1.bias", bias));
        Assert.Contains("does not have", Assert.Throws<CratonException>(() => network.Replace("blocks.2.bias", other)).Message, StringComparison.Ordinal);
        Assert.Contains("of shape [4, 4]", Assert.Throws<CratonException>(() => network.Replace("blocks.1.weight", other)).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be replaced", Assert.Throws<CratonException>(() => network.Replace("scale", Tensor.Full(1, 3))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_compute_their_formulas()
    {
        var linear = new Linear(2, 2, bias: true);
        linear.Weight.CopyFrom<float>([1, 2, 3, 4]);
        linear.Bias!.CopyFrom<float>([10, -100]);
        Tensor x = Tensor.From([1f, 1], 1, 2);
        Assert.Equal([13f, -93], linear.Forward(x).ToArray<float>());
        Tensor signed = Tensor.From([1f, -1], 1, 2);
        Assert.Equal([11f, -97], linear.Forward(signed, Activation.Relu).ToArray<float>());
        Assert.Equal([12f, -98], linear.Forward(signed, Activation.Relu, residual: signed).ToArray<float>());

        var embedding = new Embedding(3, 2);
        embedding.Weight.CopyFrom<float>([0, 1, 2, 3, 4, 5]);
        Assert.Equal([4f, 5, 0, 1], embedding.Forward(Tensor.From([2, 0], 2)).ToArray<float>());

        Assert.Equal([0.6f, 0.8f], new RmsNorm(2, 0).Forward(Tensor.From([3f, 4], 1, 2)).ToArray<float>().Select(y => y / MathF.Sqrt(2)), Close);
        Assert.Equal([-1f, 1], new LayerNorm(2, 0).Forward(Tensor.From([3f, 5], 1, 2)).ToArray<float>(), Close);
    }

    [Fact]
    public void First_weights_depend_on_seed_parameter_and_element_alone()
    {
        Tensor a = Tensor.Persistent(DType.F32, 100, 100), b = Tensor.Persistent(DType.F32, 100, 100), longer = Tensor.Persistent(DType.F32, 200, 100);
        Init.Normal(a, 0.02, seed: 7, index: 3);
        Init.Normal(b, 0.02, seed: 7, index: 3);
        Init.Normal(longer, 0.02, seed: 7, index: 3);
        Assert.Equal(a.ToArray<float>(), b.ToArray<float>());
        Assert.Equal(a.ToArray<float>(), longer.ToArray<float>()[..10_000]);
        Init.Normal(b, 0.02, seed: 7, index: 4);
        Assert.NotEqual(a.ToArray<float>(), b.ToArray<float>());
        double mean = a.ToArray<float>().Average(), deviation = Math.Sqrt(a.ToArray<float>().Average(v => (v - mean) * (v - mean)));
        Assert.InRange(mean, -0.001, 0.001);
        Assert.InRange(deviation, 0.0195, 0.0205);
    }

    private static bool Close(float a, float b) => Math.Abs(a - b) < 1e-5f;
}
