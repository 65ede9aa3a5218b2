namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>
    /// y = x · r · (weight + offset) with r = 1 / √(mean(x²) + ε) over the last dimension: x [.., D], weight [D] → [.., D].
    /// B. Zhang and R. Sennrich, "Root Mean Square Layer Normalization", 2019.
    /// </summary>
    /// <param name="x">The tensor, any strides.</param>
    /// <param name="weight">Scales of the features; none means 1.</param>
    /// <param name="eps">Added to the mean square.</param>
    /// <param name="weightOffset">Added to the weight: 1 for models that store weight − 1 (Gemma).</param>
    public static Tensor RmsNorm(Tensor x, Tensor? weight = null, double eps = 1e-6, double weightOffset = 0)
    {
        weight = CheckNorm("rms_norm", "weight", x, weight);
        Tensor y = Tensor.Lease(x.DType, x.Layout.Dense());
        bool records = Tape.Records(x, weight);
        Tensor? scale = records ? Tensor.Empty(x.DType, (int)(x.Count / Math.Max(1, x.Size(-1)))) : null;
        Kernel.For(x).RmsNorm(x, weight, eps, weightOffset, y, scale);
        if (records)
        {
            var op = RmsNormOp.Rent();
            (op.X, op.Weight, op.WeightOffset) = (x, weight, weightOffset);
            op.KeepScale(scale!);
            Tape.Record(op, y);
        }
        return y;
    }

    /// <summary>The same from simple operations: the meaning of <see cref="RmsNorm"/> and its test oracle.</summary>
    internal static Tensor RmsNormComposed(Tensor x, Tensor? weight, double eps, double weightOffset)
    {
        Tensor y = x * Rsqrt(Mean(Square(x), [-1], keepDim: true) + eps);
        return weight is null ? y : y * (weight + weightOffset);
    }

    private sealed class RmsNormOp : Op<RmsNormOp>
    {
        public Tensor X = null!, Scale = null!; // the scale is r of every row
        public Tensor? Weight;
        public double WeightOffset;

        public override string Name => "rms_norm";

        public void KeepScale(Tensor scale)
        {
            Scale = scale;
            Own(scale);
        }

        // With g = dy · (weight + offset): dx = r · g − x · r³ · mean(g · x); dweight = Σ rows dy · x · r.
        public override void Backward(Tensor dy)
        {
            GradTarget? dx = X.RequiresGrad ? Tape.GradFor(X) : null, dw = Weight is { RequiresGrad: true } ? Tape.GradFor(Weight) : null;
            Kernel.For(dy).RmsNormGradient(X, Weight, WeightOffset, Scale, dy, dx, dw);
        }
    }

    // A norm's weight or bias: adjacent floats, one for each feature.
    private static Tensor? CheckNorm(string op, string argument, Tensor x, Tensor? parameter)
    {
        Check.Float(op, "x", x);
        Check.Rank(op, "x", x, 1);
        if (parameter is null) return null;
        Check.SameType(op, argument, parameter, x);
        Check.Shape(op, argument, parameter, x.Size(-1));
        return Contiguous(parameter);
    }
}
