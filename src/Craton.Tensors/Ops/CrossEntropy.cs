namespace Craton.Tensors;

/// <summary>How the losses of the rows become the result.</summary>
public enum Reduction
{
    /// <summary>One loss for every row; rows that do not count give 0.</summary>
    None,
    /// <summary>Their mean over the rows that count.</summary>
    Mean,
    /// <summary>Their sum.</summary>
    Sum,
}

/// <summary>Settings of cross-entropy.</summary>
public readonly record struct CrossEntropyOptions()
{
    /// <summary>No smoothing, no z-loss, the mean over rows whose target is not −100.</summary>
    public static CrossEntropyOptions Default { get; } = new();

    /// <summary>Rows with this target do not count.</summary>
    public int IgnoreIndex { get; init; } = -100;

    /// <summary>Share of the target's probability that is spread over all classes (Szegedy et al. 2016).</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>Weight of the squared log-sum of the scores, which keeps them from drifting (de Brébisson, Vincent 2016; PaLM).</summary>
    public double ZLoss { get; init; }

    /// <summary>How the losses of the rows become the result.</summary>
    public Reduction Reduction { get; init; } = Reduction.Mean;
}

public static partial class Ops
{
    private const int LogitsPerChunk = 1 << 21; // floats: 8 MB, whatever the machine, so that the order of sums is the shape's

    /// <summary>
    /// Cross-entropy of scores [N, V] against target classes, I32 or I64 [N], in nats:
    /// loss = (1 − ε)·(L − s_target) + ε·(L − mean s) + z·L², with L = ln Σ eˢ.
    /// </summary>
    public static Tensor CrossEntropy(Tensor logits, Tensor target, CrossEntropyOptions options = default)
    {
        Check.Float("cross_entropy", "logits", logits);
        Check.Rank("cross_entropy", "logits", logits, 2, 2);
        options = Defined(options);
        int rows = logits.Size(0);
        Tensor targets = Targets("cross_entropy", target, rows, logits.Size(1), options.IgnoreIndex, out int counted);
        Tensor losses = Tensor.Empty(logits.DType, rows);
        bool records = Tape.Records(logits);
        Tensor gradient = Copy(logits.Detach()); // turned into the gradient in place
        Kernel.For(logits).CrossEntropyRows(gradient, targets, losses, options, Share(options, counted), records);
        Tensor y = Reduce(losses, options, counted);
        if (records)
        {
            var op = CrossEntropyOp.Rent();
            op.Logits = logits;
            op.Keep(gradient);
            Tape.Record(op, y);
        }
        return y;
    }

    private sealed class CrossEntropyOp : Op<CrossEntropyOp>
    {
        public Tensor Logits = null!, Gradient = null!;

        public override string Name => "cross_entropy";

        public void Keep(Tensor gradient)
        {
            Gradient = gradient;
            Own(gradient);
        }

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(Logits);
            Scaled(Gradient, dy, dx, add);
        }
    }

    /// <summary>
    /// Cross-entropy of the scores x · weightᵀ + bias, which are made and used up in chunks and never stored as a whole: x [N, D],
    /// weight [V, D], bias [V], target [N]. When recorded, the gradients of a chunk follow at once, while its scores are at hand: that
    /// saves making them a second time.
    /// </summary>
    public static Tensor LinearCrossEntropy(Tensor x, Tensor weight, Tensor? bias, Tensor target, CrossEntropyOptions options = default)
    {
        Check.Float("linear_cross_entropy", "x", x);
        Check.Rank("linear_cross_entropy", "x", x, 2, 2);
        Check.Rank("linear_cross_entropy", "weight", weight, 2, 2);
        Check.SameType("linear_cross_entropy", "weight", weight, x);
        Check.Size("linear_cross_entropy", "weight", weight, 1, x.Size(1));
        if (bias is not null) Check.Shape("linear_cross_entropy", "bias", bias, weight.Size(0));
        options = Defined(options);
        int rows = x.Size(0), width = x.Size(1), classes = weight.Size(0);
        Tensor inputs = Contiguous(x);
        Tensor targets = Targets("linear_cross_entropy", target, rows, classes, options.IgnoreIndex, out int counted);
        Tensor losses = Tensor.Empty(x.DType, rows);
        bool records = Tape.Records(inputs, weight, bias) && options.Reduction != Reduction.None;
        Check.That(records || !Tape.Records(inputs, weight, bias), "linear_cross_entropy", "reduction", "Mean or Sum when gradients are wanted", "None");
        var kernels = Kernel.For(x);
        Tensor? dx = records ? Tensor.Empty(x.DType, rows, width) : null, dw = records ? Tensor.Zeros(x.DType, classes, width) : null;
        Tensor? db = records && bias is { RequiresGrad: true } ? Tensor.Zeros(x.DType, classes) : null;
        int chunk = Math.Clamp(LogitsPerChunk / Math.Max(1, classes) / 16 * 16, 16, Math.Max(16, rows));
        Tensor scores = Tensor.Empty(x.DType, Math.Min(chunk, rows), classes);
        for (int first = 0; first < rows; first += chunk)
        {
            int count = Math.Min(chunk, rows - first);
            Tensor part = inputs.Detach().Slice(0, first, first + count), logits = scores.Slice(0, 0, count);
            kernels.Linear(part, weight, bias, logits);
            kernels.CrossEntropyRows(logits, targets.Slice(0, first, first + count), losses.Slice(0, first, first + count), options, Share(options, counted), records);
            if (!records) continue;
            kernels.MatMul(logits, logits.Layout, weight, weight.Layout, dx!, dx!.Layout.Slice(0, first, count));
            kernels.MatMul(logits, Turned(logits.Layout), part, part.Layout, dw!, dw!.Layout, add: true);
            if (db is not null) kernels.SumTo(logits, db, add: true);
        }
        scores.Release();
        Tensor y = Reduce(losses, options, counted);
        if (records)
        {
            var op = LinearCrossEntropyOp.Rent();
            (op.X, op.Weight, op.Bias) = (inputs, weight, bias);
            op.Keep(dx!, dw!, db);
            Tape.Record(op, y);
        }
        return y;
    }

    /// <summary>The same from simple operations: the meaning of <see cref="LinearCrossEntropy"/> and its test oracle.</summary>
    internal static Tensor LinearCrossEntropyComposed(Tensor x, Tensor weight, Tensor? bias, Tensor target, CrossEntropyOptions options) =>
        CrossEntropy(Linear(x, weight, bias), target, options);

    private sealed class LinearCrossEntropyOp : Op<LinearCrossEntropyOp>
    {
        public Tensor X = null!, Weight = null!, Dx = null!, Dw = null!;
        public Tensor? Bias, Db;

        public override string Name => "linear_cross_entropy";

        public void Keep(Tensor dx, Tensor dw, Tensor? db)
        {
            (Dx, Dw, Db) = (dx, dw, db);
            Own(dx, dw);
        }

        public override void Backward(Tensor dy)
        {
            Give(X, Dx, dy);
            Give(Weight, Dw, dy);
            if (Bias is { } bias && Db is { } db) Give(bias, db, dy);
        }

        private static void Give(Tensor input, Tensor gradient, Tensor dy)
        {
            if (!input.RequiresGrad) return;
            (Tensor target, bool add) = Tape.GradFor(input);
            Scaled(gradient, dy, target, add);
        }
    }

    // The gradient computed for an upstream gradient of 1, times the real one: a scalar, or one for every row.
    private static void Scaled(Tensor gradient, Tensor dy, Tensor target, bool add)
    {
        Tensor factor = dy.Rank == 0 ? dy : dy.Detach().View(dy.Size(0), 1);
        Kernel.For(target).Zip(default(MulForward), gradient, gradient.Layout, factor, factor.Layout.Expand(gradient.Shape), target, add);
    }

    private static CrossEntropyOptions Defined(CrossEntropyOptions options) => options == default ? CrossEntropyOptions.Default : options;

    // What the gradient of one row's loss counts in the result.
    private static double Share(CrossEntropyOptions options, int counted) => options.Reduction == Reduction.Mean ? 1.0 / counted : 1;

    private static Tensor Reduce(Tensor losses, CrossEntropyOptions options, int counted)
    {
        if (options.Reduction == Reduction.None) return losses;
        Tensor sum = Sum(losses);
        return options.Reduction == Reduction.Sum ? sum : Affine(sum, 1.0 / counted); // the mean over nothing is NaN
    }

    // Targets as I32, each a class or the ignored value.
    private static Tensor Targets(string op, Tensor target, int rows, int classes, int ignore, out int counted)
    {
        Check.Indices(op, "target", target);
        Check.Shape(op, "target", target, rows);
        Tensor targets = Contiguous(Cast(target, DType.I32));
        counted = 0;
        foreach (int t in targets.AsSpan<int>())
        {
            if (t == ignore) continue;
            Check.That(t >= 0 && t < classes, op, "target", $"classes below {classes}, or {ignore} to ignore", $"{t}");
            counted++;
        }
        return targets;
    }
}
