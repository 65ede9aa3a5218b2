namespace Craton.Tensors;

/// <summary>How the losses of the rows become the result.</summary>
public enum Reduction
{
    /// <summary>Their mean over the rows that count; NaN when none does.</summary>
    Mean,
    /// <summary>Their sum.</summary>
    Sum,
    /// <summary>One loss for every row; rows that do not count give 0.</summary>
    None,
}

/// <summary>Settings of cross-entropy. The default value is <see cref="Default"/>.</summary>
public readonly record struct CrossEntropyOptions()
{
    private const int UsualIgnoreIndex = -100;

    private readonly int _ignoreIndex; // counted from the usual one, so that all zeros are the default

    /// <summary>No smoothing, no z-loss, the mean over rows whose target is not −100.</summary>
    public static CrossEntropyOptions Default => default;

    /// <summary>Rows with this target do not count.</summary>
    public int IgnoreIndex
    {
        get => _ignoreIndex + UsualIgnoreIndex;
        init => _ignoreIndex = value - UsualIgnoreIndex;
    }

    /// <summary>Share of the target's probability that is spread over all classes (Szegedy et al. 2016), 0 to 1.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>Weight of the squared log-sum of the scores, which keeps them from drifting (de Brébisson, Vincent 2016; PaLM).</summary>
    public double ZLoss { get; init; }

    /// <summary>Weights [V] of the classes; the mean then divides by the sum of the targets' weights.</summary>
    public Tensor? ClassWeights { get; init; }

    /// <summary>How the losses of the rows become the result.</summary>
    public Reduction Reduction { get; init; }
}

/// <summary>
/// What the kernels are told of one row's loss, w·(1 − ε)·(L − s_target) + ε/V·Σ wⱼ·(L − sⱼ) + z·L² with L = ln Σ eˢ, and of its gradient:
/// <paramref name="Share"/> is the factor of all losses in the result.
/// </summary>
internal readonly record struct CrossEntropyCall(int IgnoreIndex, double Smoothing, double ZLoss, Tensor? Weights, double WeightSum, double Share);

public static partial class Ops
{
    /// <summary>
    /// Cross-entropy of scores [.., V] against targets, in nats. Of classes, I32 or I64 [..], for every row
    /// w·(1 − ε)·(L − s_target) + ε/V·Σ wⱼ·(L − sⱼ) + z·L², with L = ln Σ eˢ, smoothing ε, class weights w (1 by default), z-loss z. Of
    /// probabilities [.., V], −Σ target · (s − L), to which the options other than the reduction do not apply.
    /// </summary>
    /// <exception cref="CratonException">Shapes or types do not fit, or a target is no class.</exception>
    public static Tensor CrossEntropy(Tensor logits, Tensor target, CrossEntropyOptions options = default)
    {
        Check.Float("cross_entropy", "logits", logits);
        Check.Rank("cross_entropy", "logits", logits, 1);
        if (target.DType is DType.F32 or DType.F64) return SoftCrossEntropy(logits, target, options);
        Check.Shape("cross_entropy", "target", target, logits.Shape[..^1]);
        Tensor scores = Reshape(logits, (int)target.Count, logits.Size(-1));
        Tensor targets = Targets("cross_entropy", target, scores.Size(1), options.IgnoreIndex, out int counted);
        CrossEntropyCall call = CallFor("cross_entropy", options, logits.DType, scores.Size(1), targets, counted);
        Tensor losses = Tensor.Empty(logits.DType, targets.Shape);
        Tensor? gradient = Tape.Records(scores) ? Tensor.Empty(logits.DType, scores.Shape) : null;
        Kernel.For(scores).CrossEntropyRows(scores, targets, losses, call, gradient);
        Tensor y = ReduceRows(losses, options, call);
        if (gradient is not null)
        {
            var op = CrossEntropyOp.Rent();
            op.Logits = scores;
            op.Keep(gradient);
            Tape.Record(op, y);
        }
        return options.Reduction == Reduction.None ? Reshape(y, target.Shape) : y;
    }

    private static Tensor SoftCrossEntropy(Tensor logits, Tensor target, CrossEntropyOptions options)
    {
        Check.SameShape("cross_entropy", "target", target, logits.Layout);
        Check.SameType("cross_entropy", "target", target, logits);
        Check.That(options with { Reduction = Reduction.Mean } == default, "cross_entropy", "options", "a reduction alone", "others", "with probabilities as targets there is nothing to ignore, smooth or weigh");
        return Reduced(Neg(Sum(target * LogSoftmax(logits), [-1])), options.Reduction);
    }

    /// <summary>The same from simple operations: the meaning of <see cref="CrossEntropy"/> of classes and its test oracle.</summary>
    internal static Tensor CrossEntropyComposed(Tensor logits, Tensor target, CrossEntropyOptions options)
    {
        int rows = logits.Size(0), classes = logits.Size(1);
        Tensor targets = Targets("cross_entropy", target, classes, options.IgnoreIndex, out int counted);
        Tensor weights = options.ClassWeights ?? Ones(logits.DType, classes), picks = Tensor.Zeros(DType.F64, rows, classes), counts = Tensor.Zeros(DType.F64, rows);
        for (int i = 0; i < rows; i++)
            if (targets.AsSpan<int>()[i] is int t && t != options.IgnoreIndex) (picks.AsSpan<double>()[i * classes + t], counts.AsSpan<double>()[i]) = (1, 1);
        Tensor chosen = Cast(picks, logits.DType) * weights, counting = Cast(counts, logits.DType), logSums = LogSumExp(logits, [-1], keepDim: true);
        Tensor smooth = (logSums - logits) * weights * (options.LabelSmoothing / classes);
        Tensor perRow = Sum((logSums - logits) * chosen * (1 - options.LabelSmoothing) + smooth * Unsqueeze(counting, 1), [-1]);
        Tensor z = Square(Squeeze(logSums, 1)) * counting * options.ZLoss;
        return options.Reduction switch
        {
            Reduction.None => perRow + z,
            Reduction.Sum => Sum(perRow + z),
            _ => Sum(perRow) / Sum(chosen) + Sum(z) * (1.0 / counted),
        };
    }

    private static Tensor Ones(DType type, int count)
    {
        Tensor ones = Tensor.Empty(type, count);
        Kernel.For(ones).Fill(ones, 1);
        return ones;
    }

    private sealed class CrossEntropyOp : Op<CrossEntropyOp>
    {
        public Tensor Logits = null!, Gradient = null!; // of a loss whose own gradient is 1

        public override string Name => "cross_entropy";

        public void Keep(Tensor gradient)
        {
            Gradient = gradient;
            Own(gradient);
        }

        public override void Backward(Tensor dy) => Give(Logits, Gradient, dy);
    }

    // The gradient for an arriving gradient of 1, times the real one: a scalar, or one for every row. It is multiplied where it lies and
    // handed over if it is the first share.
    private static void Give(Tensor input, Tensor gradient, Tensor dy)
    {
        if (dy.Rank == 0 && input.ViewOf is null && input.GradIsEmpty)
        {
            Kernel.For(gradient).Zip(default(MulForward), gradient, gradient.Layout, dy, dy.Layout.Expand(gradient.Shape), gradient);
            Tape.GiveGradient(input, gradient);
            return;
        }
        (Tensor target, bool add) = Tape.GradFor(input);
        Tensor factor = dy.Rank == 0 ? dy : Unsqueeze(dy.Detach(), 1);
        Kernel.For(target).Zip(default(MulForward), gradient, gradient.Layout, factor, factor.Layout.Expand(gradient.Shape), target, add);
    }

    // In a mean the weighted losses are divided by the sum of weights, but the z-losses by the number of rows.
    private static CrossEntropyCall CallFor(string op, in CrossEntropyOptions options, DType type, int classes, Tensor targets, int counted)
    {
        Check.That(options.LabelSmoothing is >= 0 and <= 1, op, "label smoothing", "0 to 1", $"{options.LabelSmoothing}");
        double divisor = counted, weightSum = classes;
        Tensor? weights = null;
        if (options.ClassWeights is { } given)
        {
            Check.Shape(op, "class weights", given, classes);
            Check.That(given.DType == type, op, "class weights", $"{type}", $"{given.DType}", "convert them with Cast");
            weights = Contiguous(given.Detach());
            (divisor, weightSum) = (0, 0);
            double[] values = Cast(weights, DType.F64).ToArray<double>();
            foreach (double weight in values) weightSum += weight;
            foreach (int target in targets.AsSpan<int>())
                if (target != options.IgnoreIndex) divisor += values[target];
        }
        bool isMean = options.Reduction == Reduction.Mean;
        double z = isMean && weights is not null ? options.ZLoss * divisor / counted : options.ZLoss;
        return new CrossEntropyCall(options.IgnoreIndex, options.LabelSmoothing, z, weights, weightSum, isMean ? 1 / divisor : 1);
    }

    private static Tensor ReduceRows(Tensor losses, in CrossEntropyOptions options, in CrossEntropyCall call) => options.Reduction switch
    {
        Reduction.None => losses,
        Reduction.Sum => Sum(losses),
        _ => Affine(Sum(losses), call.Share), // the mean over nothing is 0 · ∞
    };

    // Targets as I32 [N], each a class or the ignored value.
    private static Tensor Targets(string op, Tensor target, int classes, int ignore, out int counted)
    {
        Check.Indices(op, "target", target);
        var given = new Indices(Contiguous(target));
        Tensor targets = Tensor.Empty(DType.I32, (int)target.Count);
        Span<int> all = targets.AsSpan<int>();
        counted = 0;
        for (int i = 0; i < all.Length; i++)
        {
            long t = given[i];
            if (t != ignore)
            {
                Check.That(t >= 0 && t < classes, op, "target", $"classes below {classes}, or {ignore} to ignore", $"{t}");
                counted++;
            }
            all[i] = (int)t;
        }
        return targets;
    }
}
