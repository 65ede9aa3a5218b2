namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>
    /// block(x, state), of which only x and the result are kept for the backward step, which computes the block once more: memory for the
    /// activations of one block instead of all, at the price of a second forward pass. Results and gradients have the bits they have without.
    /// T. Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    /// </summary>
    /// <typeparam name="TState">What the block needs beside x.</typeparam>
    /// <param name="x">Input of the block.</param>
    /// <param name="state">Handed to the block, both times. What it refers to must live until the backward step and stay as it is.</param>
    /// <param name="block">A function of its arguments and of parameters: the same each time, without other effects. A static lambda costs no
    /// memory.</param>
    /// <returns>The block's result. While a tape records it counts as one that requires a gradient.</returns>
    public static Tensor Checkpoint<TState>(Tensor x, TState state, Func<Tensor, TState, Tensor> block)
    {
        if (!Tape.IsRecording) return block(x, state);
        Tensor y;
        using (TensorScope scope = TensorScope.Open("checkpoint"))
        using (Tape.Pause())
            y = scope.Keep(block(x, state));
        if (ReferenceEquals(x, y) || y.RequiresGrad) return y; // made outside of the block
        var op = CheckpointOp<TState>.Rent();
        (op.X, op.State, op.Block) = (x, state, block);
        Tape.Record(op, y);
        return y;
    }

    private sealed class CheckpointOp<TState> : Op<CheckpointOp<TState>>
    {
        public Tensor X = null!;
        public TState State = default!;
        public Func<Tensor, TState, Tensor> Block = null!;

        public override string Name => "checkpoint";

        public override void Backward(Tensor dy)
        {
            int begin = Tape.Position;
            Tape.BackwardTo(begin, Block(X, State), dy);
        }
    }
}
