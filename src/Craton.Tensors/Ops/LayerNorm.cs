namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>
    /// y = (x − mean) / √(variance + ε) · weight + bias over the last dimensions, variance without correction: x [.., D], weight and
    /// bias [D] → [.., D]. J. L. Ba et al., "Layer Normalization", 2016.
    /// </summary>
    /// <param name="x">The tensor, any strides.</param>
    /// <param name="weight">Scales of the features, shaped like the normalised dimensions; none means 1.</param>
    /// <param name="bias">Shifts of the features, shaped like the normalised dimensions; none means 0.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="normalizedDims">How many of the last dimensions are normalised together.</param>
    public static Tensor LayerNorm(Tensor x, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5, int normalizedDims = 1)
    {
        if (normalizedDims > 1) return LayerNormMany(x, weight, bias, eps, normalizedDims);
        weight = CheckNorm("layer_norm", "weight", x, weight);
        bias = CheckNorm("layer_norm", "bias", x, bias);
        Tensor y = Tensor.Lease(x.DType, x.Layout.Dense());
        bool records = Tape.Records(x, weight, bias);
        Tensor? statistics = records ? Tensor.Empty(x.DType, (int)(x.Count / Math.Max(1, x.Size(-1))), 2) : null;
        Kernel.For(x).LayerNorm(x, weight, bias, eps, y, statistics);
        if (records)
        {
            var op = LayerNormOp.Rent();
            (op.X, op.Weight, op.Bias, op.Eps) = (x, weight, bias, eps);
            op.KeepStatistics(statistics!);
            Tape.Record(op, y);
        }
        return y;
    }

    private static Tensor LayerNormMany(Tensor x, Tensor? weight, Tensor? bias, double eps, int dims)
    {
        Check.Rank("layer_norm", "x", x, dims);
        ReadOnlySpan<int> normalized = x.Shape[^dims..];
        if (weight is not null) Check.Shape("layer_norm", "weight", weight, normalized);
        if (bias is not null) Check.Shape("layer_norm", "bias", bias, normalized);
        int features = 1;
        foreach (int size in normalized) features *= size;
        Tensor rows = Reshape(x, features == 0 ? 0 : (int)(x.Count / features), features);
        Tensor y = LayerNorm(rows, weight is null ? null : Reshape(weight, features), bias is null ? null : Reshape(bias, features), eps);
        return Reshape(y, x.Shape);
    }

    /// <summary>The same from simple operations: the meaning of <see cref="LayerNorm"/> and its test oracle.</summary>
    internal static Tensor LayerNormComposed(Tensor x, Tensor? weight, Tensor? bias, double eps)
    {
        Tensor y = (x - Mean(x, [-1], keepDim: true)) * Rsqrt(Variance(x, [-1], keepDim: true, correction: 0) + eps);
        if (weight is not null) y *= weight;
        return bias is null ? y : y + bias;
    }

    private sealed class LayerNormOp : Op<LayerNormOp>
    {
        public Tensor X = null!, Statistics = null!; // mean and r = 1/√(variance + ε) of every row
        public Tensor? Weight, Bias;
        public double Eps;

        public override string Name => "layer_norm";

        public void KeepStatistics(Tensor statistics)
        {
            Statistics = statistics;
            Own(statistics);
        }

        // With z = (x − mean) · r and g = dy · weight: dx = r · (g − mean(g) − z · mean(g · z)); dweight = Σ rows dy · z; dbias = Σ rows dy.
        public override void Backward(Tensor dy)
        {
            GradTarget? dx = X.RequiresGrad ? Tape.GradFor(X) : null;
            GradTarget? dw = Weight is { RequiresGrad: true } ? Tape.GradFor(Weight) : null, db = Bias is { RequiresGrad: true } ? Tape.GradFor(Bias) : null;
            Kernel.For(dy).LayerNormGradient(X, Weight, Statistics, dy, dx, dw, db);
        }

        public override void BackwardRecorded(Tensor dy, RecordedGradients gradients)
        {
            if (gradients.Wants(Weight) || gradients.Wants(Bias)) base.BackwardRecorded(dy, gradients);
            else gradients.Add(X, StandardizedGradient(X, Weight is null ? dy : dy * Weight, Eps));
        }
    }

    // The gradient of (x − mean) / √(variance + ε) over the last dimension, from g, of recorded operations.
    private static Tensor StandardizedGradient(Tensor x, Tensor g, double eps)
    {
        Tensor r = Rsqrt(Variance(x, [-1], keepDim: true, correction: 0) + eps), z = (x - Mean(x, [-1], keepDim: true)) * r;
        return r * (g - Mean(g, [-1], keepDim: true) - z * Mean(g * z, [-1], keepDim: true));
    }

    /// <summary>x / max(‖x‖₂, ε) along a dimension.</summary>
    public static Tensor L2Normalize(Tensor x, int dim = -1, double eps = 1e-12) => x / Clamp(Norm(x, [dim], keepDim: true), least: eps);
}
