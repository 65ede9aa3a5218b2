namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class CrossEntropyTests
{
    private const int Ignored = -100;

    public static TheoryData<string> Settings() => new(s_options.Keys);

    private static readonly Dictionary<string, Func<DType, int, CrossEntropyOptions>> s_options = new(StringComparer.Ordinal)
    {
        ["mean"] = (_, _) => default,
        ["sum"] = (_, _) => new() { Reduction = Reduction.Sum },
        ["smoothing"] = (_, _) => new() { LabelSmoothing = 0.15 },
        ["z-loss"] = (_, _) => new() { ZLoss = 0.01, Reduction = Reduction.Sum },
        ["class weights"] = (type, classes) => new() { ClassWeights = Ops.Abs(OpRun.Values(8, type, classes)) },
        ["everything"] = (type, classes) => new() { ClassWeights = Ops.Abs(OpRun.Values(8, type, classes)), LabelSmoothing = 0.3, ZLoss = 0.2 },
        ["a class ignored"] = (_, _) => new() { IgnoreIndex = 4 },
    };

    private static Tensor Targets(int rows, int classes, int ignored = Ignored) =>
        Tensor.From(Enumerable.Range(0, rows).Select(i => i % 5 == 3 ? (long)ignored : i * 7919 % classes).ToArray(), rows);

    [Theory]
    [MemberData(nameof(Settings))]
    public void Equals_its_composition(string settings)
    {
        foreach ((int rows, int classes) in new[] { (1, 1), (9, 37), (40, 515) })
        {
            CrossEntropyOptions Options(Tensor x) => s_options[settings](x.DType, classes);
            Tensor targets = Targets(rows, classes, Options(Tensor.Scalar(0)).IgnoreIndex);
            OpRun.SameAs(t => Ops.CrossEntropy(t[0], targets, Options(t[0])), t => Ops.CrossEntropyComposed(t[0], targets, Options(t[0])),
                type => [OpRun.Values(1, type, rows, classes)]);
        }
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void With_the_projection_equals_its_composition(string settings)
    {
        foreach ((int rows, int width, int classes) in new[] { (1, 2, 3), (37, 5, 11), (1100, 3, 20) })
        {
            CrossEntropyOptions Options(Tensor x) => s_options[settings](x.DType, classes);
            Tensor targets = Targets(rows, classes, Options(Tensor.Scalar(0)).IgnoreIndex);
            OpRun.SameAs(
                t => Ops.LinearCrossEntropy(t[0], t[1], t[2], targets, Options(t[0])) * 3,
                t => Ops.LinearCrossEntropyComposed(t[0], t[1], t[2], targets, Options(t[0])) * 3,
                type => [OpRun.Values(1, type, rows, width), OpRun.Values(2, type, classes, width), OpRun.Values(3, type, classes)]);
        }
    }

    [Fact]
    public void Gradients_agree_with_differences()
    {
        foreach (string settings in s_options.Keys)
        {
            CrossEntropyOptions Options(Tensor x) => s_options[settings](x.DType, 7);
            OpRun.Differentiates(t => Ops.CrossEntropy(t[0], Targets(4, 7, Options(t[0]).IgnoreIndex), Options(t[0])), type => [OpRun.Values(1, type, 4, 7)]);
        }
        OpRun.Differentiates(t => Ops.CrossEntropy(t[0], Ops.Softmax(t[1])), type => [OpRun.Values(1, type, 2, 3, 5), OpRun.Values(2, type, 2, 3, 5)]);
    }

    [Fact]
    public void Losses_of_rows_keep_the_shape_of_the_targets()
    {
        Tensor logits = OpRun.Values(1, DType.F32, 2, 3, 9), targets = Tensor.From([1, 2, Ignored, 8, 0, 4], 2, 3);
        var options = new CrossEntropyOptions { Reduction = Reduction.None };
        Tensor losses = Ops.CrossEntropy(logits, targets, options);
        Assert.Equal([2, 3], losses.Shape.ToArray());
        Assert.Equal(0, losses.ToArray<float>()[2]);
        double mean = Ops.CrossEntropy(logits, targets).Item();
        Assert.Equal(losses.ToArray<float>().Sum() / 5, mean, 1e-6);
        OpRun.Differentiates(t => Ops.CrossEntropy(t[0], targets, options), type => [OpRun.Values(1, type, 2, 3, 9)]);

        Tensor x = OpRun.Values(2, DType.F32, 6, 4), weight = OpRun.Values(3, DType.F32, 9, 4);
        Assert.Equal(
            Ops.CrossEntropy(Ops.Linear(x, weight), targets.View(6), options).ToArray<float>(),
            Ops.LinearCrossEntropy(x, weight, null, targets.View(6), options).ToArray<float>());
    }

    [Fact]
    public void Ignored_rows_change_nothing_else()
    {
        // With and without rows that do not count, among them rows of NaN.
        Tensor x = OpRun.Values(1, DType.F32, 700, 8), weight = OpRun.Values(2, DType.F32, 30, 8);
        long[] targets = Targets(700, 30).ToArray<long>();
        int[] counted = [.. Enumerable.Range(0, 700).Where(i => targets[i] != Ignored)];
        float[] values = x.ToArray<float>();
        Tensor kept = Tensor.From(counted.SelectMany(i => values.AsSpan(i * 8, 8).ToArray()).ToArray(), counted.Length, 8);
        for (int i = 0; i < 700; i++)
            if (targets[i] == Ignored) x.AsSpan<float>().Slice(i * 8, 8).Fill(float.NaN);
        double[][] all = OpRun.Evaluate(t => Ops.LinearCrossEntropy(t[0], t[1], null, Tensor.From(targets, 700)), x, weight);
        double[][] few = OpRun.Evaluate(
            t => Ops.LinearCrossEntropy(t[0], t[1], null, Tensor.From(counted.Select(i => targets[i]).ToArray(), counted.Length)), kept, weight);
        Assert.Equal(few[0], all[0]);
        Assert.Equal(few[2], all[2]);
        Assert.Equal(few[1], counted.SelectMany(i => all[1].AsSpan(i * 8, 8).ToArray()));
    }

    [Fact]
    public void The_mean_over_nothing_is_not_a_number_and_has_no_gradient()
    {
        Tensor none = Tensor.From([Ignored, Ignored], 2);
        double[][] plain = OpRun.Evaluate(t => Ops.CrossEntropy(t[0], none), OpRun.Values(1, DType.F32, 2, 3));
        double[][] projected = OpRun.Evaluate(t => Ops.LinearCrossEntropy(t[0], t[1], t[2], none),
            OpRun.Values(1, DType.F32, 2, 4), OpRun.Values(2, DType.F32, 3, 4), OpRun.Values(3, DType.F32, 3));
        foreach (double[][] results in new[] { plain, projected })
        {
            Assert.True(double.IsNaN(results[0][0]));
            Assert.All(results.Skip(1).SelectMany(r => r), value => Assert.Equal(0, value));
        }
        Assert.Equal(0, Ops.CrossEntropy(Tensor.Zeros(DType.F32, 2, 3), none, new() { Reduction = Reduction.Sum }).Item());
    }

    [Fact]
    public void What_requires_no_gradient_gets_none()
    {
        Tensor x = OpRun.Values(1, DType.F32, 5, 4).RequireGrad(), weight = OpRun.Values(2, DType.F32, 3, 4);
        using Tape tape = Tape.Start();
        tape.Backward(Ops.LinearCrossEntropy(x, weight, null, Targets(5, 3)));
        Assert.NotNull(x.Grad);
        Assert.Null(weight.Grad);
    }

    [Fact]
    public void Bits_depend_neither_on_threads_nor_on_registers()
    {
        Tensor[] inputs = [OpRun.Values(1, DType.F32, 600, 24), OpRun.Values(2, DType.F32, 133, 24), OpRun.Values(3, DType.F32, 133)];
        Tensor targets = Targets(600, 133);
        Tensor Loss(Tensor[] t) => Ops.LinearCrossEntropy(t[0], t[1], t[2], targets, new() { LabelSmoothing = 0.1, ZLoss = 1e-3 })
            + Ops.CrossEntropy(Ops.Linear(t[0], t[1]), targets, new() { ClassWeights = Ops.Abs(t[2].Detach()) });
        OpRun.SameBitsForAnyThreads(Loss, inputs);
        Assert.Equal("d0ce78b7c2679be8", OpRun.Hash(OpRun.Evaluate(Loss, inputs)));
    }

    [Fact]
    public void All_zeros_are_the_defaults()
    {
        Assert.Equal(default, CrossEntropyOptions.Default);
        Assert.Equal(new CrossEntropyOptions { IgnoreIndex = Ignored, Reduction = Reduction.Mean }, default);
        Assert.Equal(Ignored, default(CrossEntropyOptions).IgnoreIndex);
    }

    [Fact]
    public void Wrong_arguments_are_named()
    {
        Tensor logits = Tensor.Zeros(DType.F32, 2, 3);
        Assert.Equal("[cross_entropy] target: expected classes below 3, or -100 to ignore, got 3", Message(() => Ops.CrossEntropy(logits, Tensor.From([0, 3], 2))));
        Assert.Equal("[cross_entropy] target: expected classes below 3, or -100 to ignore, got 4294967296",
            Message(() => Ops.CrossEntropy(logits, Tensor.From([0, 1L << 32], 2))));
        Assert.Equal("[cross_entropy] target: expected shape [2], got [3]", Message(() => Ops.CrossEntropy(logits, Tensor.From([0, 1, 2], 3))));
        Assert.Equal("[cross_entropy] label smoothing: expected 0 to 1, got 1.5", Message(() => Ops.CrossEntropy(logits, Tensor.From([0, 1], 2), new() { LabelSmoothing = 1.5 })));
    }

    private static string Message(Action action) => Assert.Throws<CratonException>(action).Message;
}
