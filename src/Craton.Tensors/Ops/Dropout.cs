namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>
    /// Every element is 0 with probability p, else x / (1 − p), so that the expectation stays x. Whether element i (row-major) is kept is a
    /// function of the key and i, so the mask is not stored: the backward step draws it again.
    /// N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
    /// </summary>
    /// <param name="x">The tensor, any strides.</param>
    /// <param name="p">Probability of 0; with 0 the tensor itself is returned.</param>
    /// <param name="random">Key of the draw: seed, step and place. Two uses with one key drop the same elements.</param>
    public static Tensor Dropout(Tensor x, double p, in CounterRandom random)
    {
        Check.Float("dropout", "x", x);
        if (p is not (>= 0 and <= 1)) Check.Fail("dropout", "p", "a probability from 0 to 1", $"{p}");
        if (p == 0) return x;
        Tensor y = Tensor.Lease(x.DType, x.Layout.Dense());
        Kernel.For(x).Dropout(x, p, random, y);
        if (Tape.Records(x))
        {
            var op = DropoutOp.Rent();
            (op.X, op.P, op.Random) = (x, p, random);
            Tape.Record(op, y);
        }
        return y;
    }

    private sealed class DropoutOp : Op<DropoutOp>
    {
        public Tensor X = null!;
        public double P;
        public CounterRandom Random;

        public override string Name => "dropout";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Kernel.For(dy).Dropout(dy, P, Random, dx, add);
        }
    }
}
