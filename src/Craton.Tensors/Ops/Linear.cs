using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors;

/// <summary>What <see cref="Ops.Linear"/> applies to its input.</summary>
public enum Activation
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>max(0, x).</summary>
    Relu,
    /// <summary>GELU with the error function.</summary>
    Gelu,
    /// <summary>GELU with the tanh approximation.</summary>
    GeluTanh,
    /// <summary>x · sigmoid(x).</summary>
    Silu,
    /// <summary>The hyperbolic tangent.</summary>
    Tanh,
    /// <summary>x · sigmoid(1.702 · x).</summary>
    QuickGelu,
}

public static partial class Ops
{
    /// <summary>
    /// y = activation(x) · weightᵀ + bias + residual, over the last dimension: x [.., K], weight [N, K], bias [N], residual [.., N] → [.., N].
    /// Gradients, with a = activation(x): da = dy · weight, dx = da · activation′(x), dweight = dyᵀ · a, dbias = Σ rows of dy, dresidual = dy.
    /// </summary>
    /// <remarks>The activation stands before the product, so that x alone is kept for the backward step, which makes a again in the same pass
    /// as the slope.</remarks>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null, Activation activation = Activation.None, Tensor? residual = null)
    {
        if (activation is Activation.Tanh or Activation.QuickGelu) (x, activation) = (Activate(x, activation), Activation.None); // neither is among the fused ones
        Check.Float("linear", "x", x);
        Check.Rank("linear", "x", x, 1);
        Check.Rank("linear", "weight", weight, 2, 2);
        Check.SameType("linear", "weight", weight, x);
        Check.That(x.Size(-1) == weight.Size(1), "linear", "x", $"{weight.Size(1)} features for weight {weight.Layout}", $"{x.Layout}");
        if (bias is not null) Check.Shape("linear", "bias", bias, weight.Size(0));
        Span<int> shape = stackalloc int[Layout.MaxRank];
        x.Shape.CopyTo(shape);
        shape[x.Rank - 1] = weight.Size(0);
        if (residual is not null)
        {
            Check.That(residual.Shape.SequenceEqual(shape[..x.Rank]), "linear", "residual", $"the result's shape {new Layout(shape[..x.Rank])}", $"{residual.Layout}");
            Check.SameType("linear", "residual", residual, x);
            residual = Contiguous(residual);
        }
        Tensor rows = Contiguous(x), y = Tensor.Empty(x.DType, shape[..x.Rank]);
        if (activation == Activation.None) LinearInto(rows, weight, bias, residual, y);
        else
        {
            Tensor a = Tensor.Empty(x.DType, rows.Shape);
            Activate(activation, rows, a);
            LinearInto(a, weight, bias, residual, y);
            a.Release();
        }
        bool records = Tape.Records(x, weight, bias) || (residual is not null && Tape.Records(residual));
        Check.That(!records || !weight.IsForComputing, "linear", "weight", "floats, since gradients are wanted", weight.Form, "load the model with its weights as floats");
        if (records)
        {
            var op = LinearOp.Rent();
            (op.X, op.Weight, op.Bias, op.Residual, op.Activation) = (rows, weight, bias, residual, activation);
            Tape.Record(op, y);
        }
        return y;
    }

    /// <summary>activation(x), element by element.</summary>
    public static Tensor Activate(Tensor x, Activation activation) => activation switch
    {
        Activation.Relu => Relu(x),
        Activation.Gelu => Gelu(x),
        Activation.GeluTanh => GeluTanh(x),
        Activation.Silu => Silu(x),
        Activation.Tanh => Tanh(x),
        Activation.QuickGelu => QuickGelu(x),
        _ => x,
    };

    // y = x · weightᵀ + bias + residual, all contiguous, with the weight in whatever form it is kept.
    private static void LinearInto(Tensor x, Tensor weight, Tensor? bias, Tensor? residual, Tensor y)
    {
        if (!weight.IsForComputing)
        {
            Kernel.For(y).Linear(x, weight, bias, residual, y);
            return;
        }
        if (bias is not null) bias = Contiguous(bias);
        if (weight.Packed is { } packed)
        {
            packed.Multiply(x, bias, residual, y);
            return;
        }
        weight.Quantized!.Multiply(x, bias, y);
        if (residual is not null) Kernel.For(y).Copy(residual, y, add: true);
    }

    /// <summary>The same from simple operations: the meaning of <see cref="Linear"/> and its test oracle.</summary>
    internal static Tensor LinearComposed(Tensor x, Tensor weight, Tensor? bias, Activation activation, Tensor? residual = null)
    {
        Tensor rows = Activate(x, activation);
        if (x.Rank == 1) rows = Unsqueeze(rows, 0);
        Tensor y = MatMul(rows, weight.Transpose());
        if (x.Rank == 1) y = Squeeze(y, 0);
        if (bias is not null) y += bias;
        return residual is null ? y : y + residual;
    }

    private sealed class LinearOp : Op<LinearOp>
    {
        public Tensor X = null!, Weight = null!;
        public Tensor? Bias, Residual;
        public Activation Activation;

        public override string Name => "linear";

        public override void Backward(Tensor dy)
        {
            var kernels = Kernel.For(dy);
            Layout rows = Matrix(dy);
            Tensor a = Activation == Activation.None ? X : Tensor.Empty(X.DType, X.Shape);
            if (X.RequiresGrad) GiveInput(dy, rows, a);
            else if (Activation != Activation.None && Weight.RequiresGrad) Activate(Activation, X, a);
            if (Weight.RequiresGrad)
            {
                (Tensor dw, bool add) = Tape.GradFor(Weight);
                kernels.MatMul(dy, Turned(rows), a, Matrix(a), dw, dw.Layout, add);
            }
            if (Bias is { RequiresGrad: true })
            {
                (Tensor db, bool add) = Tape.GradFor(Bias);
                kernels.SumTo(dy, db, add);
            }
            if (Residual is { RequiresGrad: true }) Tape.PassGradient(Residual, dy);
        }

        public override void BackwardRecorded(Tensor dy, RecordedGradients gradients)
        {
            if (Activation != Activation.None || gradients.Wants(Weight) || gradients.Wants(Bias) || gradients.Wants(Residual)) base.BackwardRecorded(dy, gradients);
            else gradients.Add(X, Linear(dy, Weight.Transpose()));
        }

        // The gradient of x; on the way a becomes activation(x).
        private void GiveInput(Tensor dy, in Layout rows, Tensor a)
        {
            var kernels = Kernel.For(dy);
            (Tensor dx, bool add) = Tape.GradFor(X);
            if (Activation == Activation.None)
            {
                kernels.MatMul(dy, rows, Weight, Weight.Layout, dx, Matrix(dx), add);
                return;
            }
            bool inPlace = !add && dx.Layout.IsContiguous;
            Tensor da = inPlace ? dx : Tensor.Empty(X.DType, X.Shape);
            kernels.MatMul(dy, rows, Weight, Weight.Layout, da, Matrix(da));
            Differentiate(Activation, X, da, a);
            if (!inPlace) kernels.Copy(da, dx, add);
        }

        // All leading dimensions as rows. The tensors here are contiguous, but for a gradient that is seen through a view.
        private static Layout Matrix(Tensor x) =>
            x.Layout.Reshape([(int)(x.Count / Math.Max(1, x.Size(-1))), x.Size(-1)])
            ?? throw new InvalidOperationException($"[linear] {x}: the rows do not lie evenly in memory");
    }

    private static void Activate(Activation activation, Tensor z, Tensor y)
    {
        var kernels = Kernel.For(z);
        switch (activation)
        {
            case Activation.Relu: kernels.Map(default(ReluForward), z, y); break;
            case Activation.Gelu: kernels.Map(default(GeluForward), z, y); break;
            case Activation.GeluTanh: kernels.Map(default(GeluTanhForward), z, y); break;
            case Activation.Silu: kernels.Map(default(SiluForward), z, y); break;
        }
    }

    // da becomes da · activation′(z), and y activation(z), in one pass.
    private static void Differentiate(Activation activation, Tensor z, Tensor da, Tensor y)
    {
        var kernels = Kernel.For(da);
        switch (activation)
        {
            case Activation.Relu: kernels.Differentiate<ReluForward, ReluGradient>(z, da, y); break;
            case Activation.Gelu: kernels.Differentiate<GeluForward, GeluGradient>(z, da, y); break;
            case Activation.GeluTanh: kernels.Differentiate<GeluTanhForward, GeluTanhGradient>(z, da, y); break;
            case Activation.Silu: kernels.Differentiate<SiluForward, SiluGradient>(z, da, y); break;
        }
    }
}
