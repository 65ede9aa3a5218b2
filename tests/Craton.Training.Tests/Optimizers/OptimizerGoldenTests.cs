using Craton.Tensors.Kernels;
using Craton.Training.Optimizers;
using Craton.Training.Tests.Golden;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Optimizers;

[Trait("Category", "Golden")]
public sealed class OptimizerGoldenTests(ITestOutputHelper output)
{
    private static readonly Dictionary<string, Action<GoldenCase>> s_ops = new()
    {
        ["sgd"] = c => Optimize(c, p => new Sgd(p, new SgdOptions(
            c.Number("lr"), c.Number("momentum"), c.Number("dampening"), c.Number("weight_decay"), c.Flag("nesterov")))),
        ["adam"] = c => Optimize(c, p => new Adam(p, new AdamOptions(
            c.Number("lr"), c.Number("beta1"), c.Number("beta2"), c.Number("eps"), c.Number("weight_decay"), AmsGrad: c.Flag("amsgrad")))),
        ["adamw"] = RunAdamW,
        ["rmsprop"] = c => Optimize(c, p => new RmsProp(p, new RmsPropOptions(
            c.Number("lr"), c.Number("alpha"), c.Number("eps"), c.Number("weight_decay"), c.Number("momentum"), c.Flag("centered")))),
        ["adagrad"] = c => Optimize(c, p => new Adagrad(p, new AdagradOptions(
            c.Number("lr"), c.Number("lr_decay"), c.Number("eps"), c.Number("weight_decay")))),
        ["adafactor"] = c => Optimize(c, p => new Adafactor(p, new AdafactorOptions(
            c.Number("lr"), c.Number("beta2_decay"), c.Number("eps1"), c.Number("eps2"), c.Number("d"), c.Number("weight_decay")))),
        ["lion"] = c => Optimize(c, p => new Lion(p, new LionOptions(
            c.Number("lr"), c.Number("beta1"), c.Number("beta2"), c.Number("weight_decay")))),
        ["muon"] = c => Optimize(c, p => new Muon(p, Muons(c) with
        {
            LearningRate = c.Number("lr"),
            Momentum = c.Number("momentum"),
            Nesterov = c.Flag("nesterov"),
            WeightDecay = c.Number("weight_decay"),
            Adjustment = c.Text("adjust_lr") == "original" ? MuonAdjustment.Original : MuonAdjustment.MatchRmsAdamW,
        })),
        ["newton_schulz"] = c => NewtonSchulz(c, Muons(c)),
        ["clip_grad_norm"] = ClipNorm,
        ["clip_grad_value"] = ClipValue,
        ["ema"] = Average,
        ["accumulate"] = Accumulate,
    };

    [Fact]
    public void Optimizers_agree_with_golden_values() => GoldenRunner.Run("optimizer", s_ops, output);

    // Every case runs on the composed form, and those that the fused one covers on that too.
    private static void RunAdamW(GoldenCase c)
    {
        bool inside = c.Text("eps_place") == "inside";
        double eps = c.Number("eps");
        Optimize(c, p => new Adam(p, new AdamOptions(
            c.Number("lr"), c.Number("beta1"), c.Number("beta2"), inside ? 0 : eps, c.Number("weight_decay"),
            Decoupled: true, c.Flag("amsgrad"), EpsRoot: inside ? eps : 0)));
        if (inside || c.Flag("amsgrad")) return;
        Optimize(c, p => new AdamW(p, new AdamWOptions(c.Number("lr"), c.Number("beta1"), c.Number("beta2"), eps, c.Number("weight_decay"))));
    }

    private static void Optimize(GoldenCase c, Func<NamedParameter[], IOptimizer> create)
    {
        NamedParameter[] parameters = [.. c.Inputs.Where(role => !role.StartsWith("grad.", StringComparison.Ordinal))
            .Select(role => new NamedParameter(role, c.Parameter(role)) { Decays = true })];
        float[][] gradients = [.. parameters.Select(p => c.Floats("grad." + p.Name))];
        var weights = parameters.Select(_ => new List<float>()).ToArray();
        IOptimizer optimizer = create(parameters);
        int steps = c.Shape("grad." + parameters[0].Name)[0];
        for (int step = 0; step < steps; step++)
        {
            for (int i = 0; i < parameters.Length; i++)
            {
                int count = (int)parameters[i].Tensor.Count;
                Gradients.Set(parameters[i].Tensor, gradients[i].AsSpan(step * count, count));
            }
            optimizer.Step(1, 1);
            for (int i = 0; i < parameters.Length; i++) weights[i].AddRange(parameters[i].Tensor.AsSpan<float>());
        }
        for (int i = 0; i < parameters.Length; i++) c.Expect(parameters[i].Name, weights[i].ToArray());
        foreach ((string name, Tensor tensor) in optimizer.State) c.Expect("state." + name, tensor.AsSpan<float>());
    }

    private static void NewtonSchulz(GoldenCase c, MuonOptions options)
    {
        Tensor x = Ops.Copy(c.Parameter("x").Detach());
        c.Expect("y", MuonKernels.NewtonSchulz(x.View(1, x.Size(0), x.Size(1)), options.Iterations, options.Coefficients, options.Eps).ToArray<float>());
    }

    private static MuonOptions Muons(GoldenCase c)
    {
        // The bfloat16 cases are within their tolerance of the full precision that we compute in.
        if (c.Op == "muon" && c.Text("ns_dtype") is not ("float32" or "bfloat16")) throw new NotSupportedException($"ns_dtype {c.Text("ns_dtype")}");
        double[] coefficients = [.. c.Attribute("ns_coefficients").EnumerateArray().Select(v => v.GetDouble())];
        return new MuonOptions(Iterations: c.Whole("ns_steps"))
        {
            Coefficients = (coefficients[0], coefficients[1], coefficients[2]),
            Eps = c.Number("ns_eps"),
        };
    }

    private static NamedParameter[] WithGradients(GoldenCase c) => [.. c.Inputs.Select(role =>
    {
        Tensor parameter = Tensor.Parameter(DType.F32, c.Shape(role));
        parameter.Clear();
        Gradients.Set(parameter, c.Floats(role));
        return new NamedParameter(role, parameter);
    })];

    private static void ClipNorm(GoldenCase c)
    {
        NamedParameter[] parameters = WithGradients(c);
        double norm = new ParameterPass(parameters.Select(p => p.Tensor)).GradientNorm();
        double scale = GradientClipping.Scale(norm, c.Number("max_norm"));
        c.Expect("norm", [(float)norm]);
        foreach (NamedParameter p in parameters) c.Expect(p.Name, (p.Tensor.Grad! * scale).ToArray<float>());
    }

    private static void ClipValue(GoldenCase c)
    {
        NamedParameter[] parameters = WithGradients(c);
        GradientClipping.ByValue(parameters, c.Number("value"));
        foreach (NamedParameter p in parameters) c.Expect(p.Name, p.Tensor.Grad!.AsSpan<float>());
    }

    private static void Average(GoldenCase c)
    {
        Tensor parameter = c.Parameter("initial");
        var ema = new Ema([new NamedParameter("p", parameter)], c.Number("decay"), c.Flag("warm_up"));
        float[] values = c.Floats("parameters");
        var averages = new List<float>();
        int count = (int)parameter.Count;
        for (int at = 0; at < values.Length; at += count)
        {
            parameter.CopyFrom<float>(values.AsSpan(at, count));
            ema.Update();
            averages.AddRange(ema.State.Single().Tensor.AsSpan<float>());
        }
        c.Expect("average", averages.ToArray());
    }

    private static void Accumulate(GoldenCase c)
    {
        int rows = c.Shape("x")[0], micro = c.Whole("micro_batch");
        int counted = c.Longs("target").Count(target => target != CrossEntropyOptions.Default.IgnoreIndex);
        c.Expect("whole", WeightGradient(c, rows, Reduction.Mean, 1));
        c.Expect("summed", WeightGradient(c, micro, Reduction.Sum, 1.0 / counted));
        c.Expect("mean_of_means", WeightGradient(c, micro, Reduction.Mean, (double)micro / rows));
    }

    // The gradients of several backward passes add up in the parameter, as in a training step.
    private static float[] WeightGradient(GoldenCase c, int micro, Reduction reduction, double scale)
    {
        Tensor weight = c.Parameter("weight");
        Tensor x = Tensor.From(c.Floats("x"), c.Shape("x")), targets = Tensor.From(c.Longs("target"), c.Shape("target"));
        for (int row = 0; row < x.Size(0); row += micro)
        {
            using (TensorScope.Open("micro-batch"))
            using (Tape tape = Tape.Start())
            {
                Tensor logits = Ops.MatMul(Ops.Slice(x, 0, row, row + micro), weight.Transpose());
                Tensor target = Ops.Contiguous(Ops.Slice(targets, 0, row, row + micro));
                tape.Backward(Ops.CrossEntropy(logits, target, CrossEntropyOptions.Default with { Reduction = reduction }));
            }
        }
        return (weight.Grad! * scale).ToArray<float>();
    }
}
