namespace Craton.Tensors.Tests;

public class CrossEntropyTests
{
    [Theory]
    [InlineData(1, 2, 3)]
    [InlineData(37, 5, 11)]
    [InlineData(70, 16, 33000)] // several chunks
    public void Fused_with_the_projection_equals_the_composed_form(int rows, int width, int classes)
    {
        foreach (DType type in rows > 40 ? (DType[])[DType.F32] : [DType.F32, DType.F64])
        {
            foreach (CrossEntropyOptions options in Options())
            {
                Tensor x = AttentionTests.Random(type, 1, rows, width), weight = AttentionTests.Random(type, 2, classes, width), bias = AttentionTests.Random(type, 3, classes);
                int[] targets = new int[rows];
                for (int i = 0; i < rows; i++) targets[i] = i % 5 == 4 ? -100 : i * 7919 % classes;
                Tensor target = Tensor.From(targets, rows);
                var fused = Run([x, weight, bias], () => Ops.LinearCrossEntropy(x, weight, bias, target, options) * 3);
                var composed = Run([x, weight, bias], () => Ops.LinearCrossEntropyComposed(x, weight, bias, target, options) * 3);
                double tolerance = type == DType.F32 ? 3e-5 : 1e-12;
                AttentionTests.Close([composed.Loss], [fused.Loss], tolerance);
                for (int i = 0; i < 3; i++) AttentionTests.Close(composed.Gradients[i], fused.Gradients[i], tolerance);
            }
        }
    }

    [Fact]
    public void Gradients_of_the_loss_agree_with_finite_differences()
    {
        Tensor x = AttentionTests.Random(DType.F64, 1, 4, 7);
        Tensor target = Tensor.From([1, -100, 6, 0], 4);
        foreach (CrossEntropyOptions options in Options())
        {
            double[] gradient = Run([x], () => Ops.CrossEntropy(x, target, options)).Gradients[0];
            Span<double> values = x.AsSpan<double>();
            for (int i = 0; i < values.Length; i++)
            {
                const double H = 1e-5;
                double kept = values[i];
                values[i] = kept + H;
                double above = Ops.CrossEntropy(x.Detach(), target, options).Item();
                values[i] = kept - H;
                double below = Ops.CrossEntropy(x.Detach(), target, options).Item();
                values[i] = kept;
                Assert.Equal((above - below) / (2 * H), gradient[i], 1e-7);
            }
        }
    }

    [Fact]
    public void The_mean_over_nothing_is_not_a_number()
    {
        Tensor loss = Ops.CrossEntropy(Tensor.Zeros(DType.F32, 2, 3), Tensor.From([-100, -100], 2));
        Assert.True(double.IsNaN(loss.Item()));
    }

    [Fact]
    public void A_target_beyond_the_classes_is_named()
    {
        CratonException e = Assert.Throws<CratonException>(() => Ops.CrossEntropy(Tensor.Zeros(DType.F32, 1, 3), Tensor.From([3], 1)));
        Assert.Contains("below 3", e.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<CrossEntropyOptions> Options()
    {
        yield return CrossEntropyOptions.Default;
        yield return CrossEntropyOptions.Default with { Reduction = Reduction.Sum, LabelSmoothing = 0.1 };
        yield return CrossEntropyOptions.Default with { ZLoss = 1e-2 };
    }

    private static (double Loss, double[][] Gradients) Run(Tensor[] inputs, Func<Tensor> loss)
    {
        foreach (Tensor input in inputs) input.RequireGrad().ClearGrad();
        using Tape tape = Tape.Start();
        Tensor value = loss();
        tape.Backward(value);
        return (value.Item(), [.. inputs.Select(i => AttentionTests.Doubles(i.Grad!))]);
    }
}
