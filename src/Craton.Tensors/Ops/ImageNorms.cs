namespace Craton.Tensors;

// Norms of images and sequences [N, C, ..], with a weight and a bias for each channel.
public static partial class Ops
{
    /// <summary>
    /// y = (x − mean) / √(variance + ε) · weight + bias, mean and variance over groups of neighbouring channels of one image: x [N, C, ..],
    /// weight and bias [C]. Y. Wu, K. He, "Group Normalization", 2018.
    /// </summary>
    /// <param name="x">The tensor, any number of dimensions after the channels.</param>
    /// <param name="groups">Number of groups; it divides the channels.</param>
    /// <param name="weight">Scales of the channels; none means 1.</param>
    /// <param name="bias">Shifts of the channels; none means 0.</param>
    /// <param name="eps">Added to the variance.</param>
    public static Tensor GroupNorm(Tensor x, int groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5)
    {
        CheckChannels("group_norm", x, weight, bias);
        Check.That(groups > 0 && x.Size(1) % groups == 0, "group_norm", "groups", $"a number that divides {x.Size(1)} channels", $"{groups}");
        return Normalized("group_norm", x, weight, bias, groups, eps, out _);
    }

    /// <summary>The same for every channel alone. D. Ulyanov et al., "Instance Normalization", 2016.</summary>
    public static Tensor InstanceNorm(Tensor x, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5)
    {
        CheckChannels("instance_norm", x, weight, bias);
        Check.That(x.Size(1) > 0, "instance_norm", "x", "at least one channel", $"{x.Layout}");
        return Normalized("instance_norm", x, weight, bias, x.Size(1), eps, out _);
    }

    /// <summary>
    /// y = (x − mean) / √(variance + ε) · weight + bias, mean and variance of each channel over all images while training, else the averages:
    /// x [N, C, ..], all others [C]. S. Ioffe, C. Szegedy, "Batch Normalization", 2015.
    /// </summary>
    /// <param name="x">The tensor, any number of dimensions after the channels.</param>
    /// <param name="weight">Scales of the channels; none means 1.</param>
    /// <param name="bias">Shifts of the channels; none means 0.</param>
    /// <param name="averages">Running mean and running variance: training moves them, in place, towards the batch's, whose variance is then the
    /// estimate with n − 1.</param>
    /// <param name="training">Whether to use the batch's mean and variance.</param>
    /// <param name="momentum">How far the averages move.</param>
    /// <param name="eps">Added to the variance.</param>
    public static Tensor BatchNorm(
        Tensor x, Tensor? weight, Tensor? bias, (Tensor Mean, Tensor Variance) averages, bool training, double momentum = 0.1, double eps = 1e-5)
    {
        CheckChannels("batch_norm", x, weight, bias);
        int channels = x.Size(1);
        Check.Shape("batch_norm", "mean", averages.Mean, channels);
        Check.Shape("batch_norm", "variance", averages.Variance, channels);
        if (!training) return BatchNormByAverages(x, weight, bias, averages, eps);
        long count = x.Count / Math.Max(1, channels);
        Check.That(count > 1 || channels == 0, "batch_norm", "x", "more than one value for each channel while training", $"{x.Layout}");
        // Single values are far apart in memory: channels are put first.
        Tensor y = x.Rank == 2
            ? Transpose(Reshape(Normalized("batch_norm", Unsqueeze(Transpose(x), 0), weight, bias, 0, eps, out Tensor statistics), channels, x.Size(0)))
            : Normalized("batch_norm", x, weight, bias, 0, eps, out statistics);
        ReferenceKernels.AverageStatistics(statistics, averages.Mean, averages.Variance, momentum, count / (count - 1.0));
        return y;
    }

    private static Tensor BatchNormByAverages(Tensor x, Tensor? weight, Tensor? bias, (Tensor Mean, Tensor Variance) averages, double eps)
    {
        Span<int> shape = stackalloc int[Layout.MaxRank];
        shape = shape[..(x.Rank - 1)];
        shape.Fill(1);
        shape[0] = x.Size(1);
        Tensor scale = Rsqrt(averages.Variance + eps), y = (x - Reshape(averages.Mean, shape)) * Reshape(weight is null ? scale : scale * weight, shape);
        return bias is null ? y : y + Reshape(bias, shape);
    }

    private static void CheckChannels(string name, Tensor x, Tensor? weight, Tensor? bias)
    {
        Check.Float(name, "x", x);
        Check.Rank(name, "x", x, 2);
        CheckChannel(name, "weight", x, weight);
        CheckChannel(name, "bias", x, bias);
    }

    private static void CheckChannel(string name, string argument, Tensor x, Tensor? values)
    {
        if (values is null) return;
        Check.SameType(name, argument, values, x);
        Check.Shape(name, argument, values, x.Size(1));
    }

    private static Tensor Normalized(string name, Tensor x, Tensor? weight, Tensor? bias, int groups, double eps, out Tensor statistics)
    {
        (x, weight, bias) = (Contiguous(x), weight is null ? null : Contiguous(weight), bias is null ? null : Contiguous(bias));
        (int images, int channels) = (x.Size(0), x.Size(1));
        var sets = new NormSets(images, channels, (int)(x.Count / Math.Max(1, (long)images * channels)), groups);
        Tensor y = Tensor.Empty(x.DType, x.Shape);
        statistics = Tensor.Empty(x.DType, sets.Count, 2);
        Kernel.For(x).NormSets(x, weight, bias, eps, sets, y, statistics);
        if (Tape.Records(x, weight, bias))
        {
            var op = NormSetsOp.Rent();
            (op.Function, op.X, op.Weight, op.Bias, op.Sets, op.Eps) = (name, x, weight, bias, sets, eps);
            op.KeepStatistics(statistics);
            Tape.Record(op, y);
        }
        return y;
    }

    /// <summary>The same from simple operations: the meaning of <see cref="GroupNorm"/> and its test oracle.</summary>
    internal static Tensor GroupNormComposed(Tensor x, int groups, Tensor? weight, Tensor? bias, double eps)
    {
        Tensor sets = Reshape(x, x.Size(0), groups, -1);
        Tensor y = Reshape((sets - Mean(sets, [2], keepDim: true)) * Rsqrt(Variance(sets, [2], keepDim: true, correction: 0) + eps), x.Shape);
        if (weight is not null) y *= Reshape(weight, -1, 1, 1);
        return bias is null ? y : y + Reshape(bias, -1, 1, 1);
    }

    private sealed class NormSetsOp : Op<NormSetsOp>
    {
        public string Function = "";
        public Tensor X = null!, Statistics = null!;
        public Tensor? Weight, Bias;
        public NormSets Sets;
        public double Eps;

        public override string Name => Function;

        public void KeepStatistics(Tensor statistics)
        {
            Statistics = statistics;
            Own(statistics);
        }

        // With z = (x − mean) · r and g = dy · weight: dx = r · (g − mean(g) − z · mean(g · z)), means over the set; dweight = Σ dy · z; dbias = Σ dy.
        public override void Backward(Tensor dy)
        {
            var kernels = Kernel.For(dy);
            Tensor dweight = Tensor.Empty(dy.DType, Sets.Images, Sets.Channels), dbias = Tensor.Empty(dy.DType, Sets.Images, Sets.Channels);
            kernels.NormSetsGradient(X, Weight, Statistics, Eps, Sets, dy, X.RequiresGrad ? Tape.GradFor(X) : null, dweight, dbias);
            if (Weight is { RequiresGrad: true }) SumChannels(dweight, Tape.GradFor(Weight));
            if (Bias is { RequiresGrad: true }) SumChannels(dbias, Tape.GradFor(Bias));
        }

        // Sets of an image lie in a row; those of a channel do not, and have no second derivative.
        public override void BackwardRecorded(Tensor dy, RecordedGradients gradients)
        {
            if (Sets.Groups == 0 || gradients.Wants(Weight) || gradients.Wants(Bias))
            {
                base.BackwardRecorded(dy, gradients);
                return;
            }
            Tensor g = Reshape(dy, Sets.Images, Sets.Channels, Sets.Pixels);
            if (Weight is not null) g *= Reshape(Weight, Sets.Channels, 1);
            gradients.Add(X, Reshape(StandardizedGradient(Reshape(X, Sets.Images, Sets.Groups, -1), Reshape(g, Sets.Images, Sets.Groups, -1), Eps), X.Shape));
        }
    }
}
