using Craton.Tensors.Kernels;
using static Craton.Tensors.Ops;

namespace Craton.Tensors.Tests.Core;

/// <summary>Gradients of gradients: of Σ g² where g is the gradient of an output, against differences in double.</summary>
public sealed class GradientOfTests
{
    private static readonly ConvolutionOptions s_halving = new() { Stride = 2, Padding = 1 };

    private static readonly Dictionary<string, (int[] X, int[] Weight, Func<Tensor, Tensor, Tensor> Call)> s_functions = new()
    {
        ["convolution"] = ([2, 3, 6, 5], [4, 3, 4, 4], (x, w) => Tanh(Conv2d(x, w, options: s_halving))),
        ["transposed convolution"] = ([2, 3, 3, 4], [3, 2, 4, 4], (x, w) => Sigmoid(ConvTranspose2d(x, w, options: s_halving))),
        ["groups"] = ([2, 4, 5, 5], [4, 1, 3, 3], (x, w) => Softplus(Conv2d(x, w, options: new() { Padding = 1, Groups = 4 }))),
        ["linear"] = ([5, 7], [3, 7], (x, w) => Silu(Linear(x, w))),
        ["leaky relu"] = ([5, 7], [3, 7], (x, w) => LeakyRelu(Linear(Square(x), w), 0.2)),
        ["arithmetic"] = ([5, 7], [7], (x, w) => x * w / (Square(x) + 1) - w * Exp(x * 0.3)),
        ["norm of rows"] = ([5, 7], [7], (x, w) => Sum(LayerNorm(x, w) * x, [1])),
        ["norm of channels"] = ([2, 4, 3, 3], [4], (x, w) => GroupNorm(Tanh(x), 2, w) * x),
        ["instance norm"] = ([2, 4, 3, 3], [4], (x, w) => Square(InstanceNorm(x, w))),
        ["length"] = ([5, 7], [7], (x, w) => Norm(x * w, [1]) + Sqrt(Sum(Square(x), [1]) + 1)),
        ["views"] = ([2, 3, 2, 2], [4, 12], (x, w) => Tanh(Linear(Reshape(x, 2, -1), w))),
        ["broadcast"] = ([2, 3], [3], (x, w) => Square(Expand(x, 4, 2, 3)) * w),
    };

    public static TheoryData<string> Functions() => new(s_functions.Keys);

    [Theory]
    [MemberData(nameof(Functions))]
    public unsafe void A_function_of_the_gradient_has_the_gradient_of_differences(string name)
    {
        (int[] shape, int[] weightShape, Func<Tensor, Tensor, Tensor> call) = s_functions[name];
        Tensor x = Values(1, shape), w = Values(2, weightShape);
        using (TensorScope.Open("test"))
        using (Tape tape = Tape.Start()) tape.Backward(Penalty(call, x, w));
        foreach (Tensor leaf in new[] { x, w })
        {
            double[] got = leaf.Grad is { } grad ? grad.ToArray<double>() : new double[leaf.Count];
            for (int i = 0; i < got.Length; i++)
            {
                ref double element = ref new Elements<double>(leaf)[i];
                double value = element;
                element = value + 1e-5;
                double above = Value(call, x, w);
                element = value - 1e-5;
                double below = Value(call, x, w);
                element = value;
                Assert.Equal((above - below) / 2e-5, got[i], 1e-5 * Math.Max(1, Math.Abs(got[i])));
            }
        }
    }

    [Fact]
    public void An_operation_without_second_derivative_is_named()
    {
        Tensor x = Values(1, 3, 4);
        using TensorScope scope = TensorScope.Open("test");
        using Tape tape = Tape.Start();
        CratonException error = Assert.Throws<CratonException>(() => Tape.GradientOf(Softmax(x), x));
        Assert.StartsWith("[softmax]: expected an operation whose gradient has a gradient", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_that_did_not_take_part_is_refused()
    {
        Tensor x = Values(1, 3), other = Values(2, 3);
        using TensorScope scope = TensorScope.Open("test");
        using Tape tape = Tape.Start();
        Assert.Throws<CratonException>(() => Tape.GradientOf(Tanh(x), other));
    }

    private static Tensor Penalty(Func<Tensor, Tensor, Tensor> call, Tensor x, Tensor w)
    {
        Tensor y = call(x, w);
        return Sum(Square(Tape.GradientOf(y, x))) + Sum(y);
    }

    private static double Value(Func<Tensor, Tensor, Tensor> call, Tensor x, Tensor w)
    {
        using TensorScope scope = TensorScope.Open("test");
        using Tape tape = Tape.Start();
        return Penalty(call, x, w).ToArray<double>()[0];
    }

    private static Tensor Values(ulong seed, params int[] shape)
    {
        Tensor tensor = Tensor.Persistent(DType.F64, shape);
        var random = new CounterRandom(seed);
        Span<double> values = tensor.AsSpan<double>();
        for (int i = 0; i < values.Length; i++) values[i] = 2 * random.Uniform(i) - 1;
        return tensor.RequireGrad();
    }
}
