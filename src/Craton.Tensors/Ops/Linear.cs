using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors;

/// <summary>What <see cref="Ops.Linear"/> applies to its result.</summary>
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
}

public static partial class Ops
{
    /// <summary>
    /// y = activation(x · weightᵀ + bias), over the last dimension: x [.., K], weight [N, K], bias [N] → [.., N].
    /// Gradients: dz = dy · activation′(z), dx = dz · weight, dweight = dzᵀ · x, dbias = Σ rows of dz.
    /// </summary>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null, Activation activation = Activation.None)
    {
        Check.Float("linear", "x", x);
        Check.Rank("linear", "x", x, 1);
        Check.Rank("linear", "weight", weight, 2, 2);
        Check.SameType("linear", "weight", weight, x);
        Check.That(x.Size(-1) == weight.Size(1), "linear", "x", $"{weight.Size(1)} features for weight {weight.Layout}", $"{x.Layout}");
        if (bias is not null) Check.Shape("linear", "bias", bias, weight.Size(0));
        Tensor rows = Contiguous(x);
        Span<int> shape = stackalloc int[Layout.MaxRank];
        x.Shape.CopyTo(shape);
        shape[x.Rank - 1] = weight.Size(0);
        Tensor z = Tensor.Empty(x.DType, shape[..x.Rank]);
        LinearInto(rows, weight, bias, z);
        bool records = Tape.Records(x, weight, bias);
        Check.That(!records || weight.Quantized is null, "linear", "weight", "floats, since gradients are wanted", $"{weight.Quantized?.Type} blocks", "load the model with its weights as floats");
        Tensor y = activation == Activation.None ? z : records ? Tensor.Empty(x.DType, z.Shape) : z;
        Activate(activation, z, y);
        if (records)
        {
            var op = LinearOp.Rent();
            (op.X, op.Weight, op.Bias, op.Activation) = (rows, weight, bias, activation);
            op.KeepInner(activation == Activation.None ? null : z);
            Tape.Record(op, y);
        }
        return y;
    }

    // z = x · weightᵀ + bias, all contiguous, with the weight's floats or its blocks.
    private static void LinearInto(Tensor x, Tensor weight, Tensor? bias, Tensor z)
    {
        if (weight.Quantized is { } blocks) blocks.Multiply(x, bias is null ? null : Contiguous(bias), z);
        else Kernel.For(z).Linear(x, weight, bias, z);
    }

    /// <summary>The same from simple operations: the meaning of <see cref="Linear"/> and its test oracle.</summary>
    internal static Tensor LinearComposed(Tensor x, Tensor weight, Tensor? bias, Activation activation)
    {
        Tensor rows = x.Rank == 1 ? Unsqueeze(x, 0) : x;
        Tensor z = MatMul(rows, weight.Transpose());
        if (x.Rank == 1) z = Squeeze(z, 0);
        if (bias is not null) z += bias;
        return activation switch
        {
            Activation.Relu => Relu(z),
            Activation.Gelu => Gelu(z),
            Activation.GeluTanh => GeluTanh(z),
            Activation.Silu => Silu(z),
            _ => z,
        };
    }

    private sealed class LinearOp : Op<LinearOp>
    {
        public Tensor X = null!, Weight = null!;
        public Tensor? Bias, Inner;
        public Activation Activation;

        public override string Name => "linear";

        public void KeepInner(Tensor? z)
        {
            Inner = z;
            if (z is not null) Own(z);
        }

        public override void Backward(Tensor dy)
        {
            var kernels = Kernel.For(dy);
            Tensor dz = dy;
            if (Inner is not null)
            {
                dz = Inner; // the inner value is not needed afterwards: its gradient takes its place
                ActivateGradient(Activation, Inner, dy, dz);
            }
            Layout rows = Matrix(dz), inputs = Matrix(X);
            if (X.RequiresGrad)
            {
                (Tensor dx, bool add) = Tape.GradFor(X);
                kernels.MatMul(dz, rows, Weight, Weight.Layout, dx, Matrix(dx), add);
            }
            if (Weight.RequiresGrad)
            {
                (Tensor dw, bool add) = Tape.GradFor(Weight);
                kernels.MatMul(dz, Turned(rows), X, inputs, dw, dw.Layout, add);
            }
            if (Bias is { RequiresGrad: true })
            {
                (Tensor db, bool add) = Tape.GradFor(Bias);
                kernels.SumTo(dz, db, add);
            }
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

    private static void ActivateGradient(Activation activation, Tensor z, Tensor dy, Tensor dz)
    {
        var kernels = Kernel.For(dy);
        switch (activation)
        {
            case Activation.Relu: kernels.Zip(default(ReluGradient), z, z.Layout, dy, dy.Layout, dz); break;
            case Activation.Gelu: kernels.Zip(default(GeluGradient), z, z.Layout, dy, dy.Layout, dz); break;
            case Activation.GeluTanh: kernels.Zip(default(GeluTanhGradient), z, z.Layout, dy, dy.Layout, dz); break;
            case Activation.Silu: kernels.Zip(default(SiluGradient), z, z.Layout, dy, dy.Layout, dz); break;
        }
    }
}
