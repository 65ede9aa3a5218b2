namespace Craton.Tensors;

/// <summary>What a recurrent layer does with its gates.</summary>
public enum RecurrentCell
{
    /// <summary>h' = tanh(x + product).</summary>
    Tanh,
    /// <summary>h' = max(0, x + product).</summary>
    Relu,
    /// <summary>Long short-term memory: input, forget, cell and output gate.</summary>
    Lstm,
    /// <summary>Gated recurrent unit: reset, update and new gate; the reset gate multiplies the product.</summary>
    Gru,
}

/// <summary>What follows from the kind of cell.</summary>
public static class RecurrentCells
{
    /// <summary>Number of gates.</summary>
    public static int Gates(this RecurrentCell cell) => cell switch { RecurrentCell.Lstm => 4, RecurrentCell.Gru => 3, _ => 1 };
}

public static partial class Ops
{
    /// <summary>
    /// One direction of a recurrent layer, step by step: the state of place t comes from the gates of place t and from weight · h + bias of the
    /// state before. The share of the input in the gates is a <see cref="Linear"/> over all places, done before.
    /// </summary>
    /// <param name="cell">What is done with the gates.</param>
    /// <param name="gates">[T, N, G · H], the gates one after the other.</param>
    /// <param name="weight">[G · H, H].</param>
    /// <param name="bias">[G · H], added to the product; may be left out.</param>
    /// <param name="start">The first state h [N, H]; with <see cref="RecurrentCell.Lstm"/> h and c side by side, [N, 2 · H].</param>
    /// <param name="lengths">Integers [N]: from its length on, a row keeps its state; none means T.</param>
    /// <param name="reverse">From the last place to the first.</param>
    /// <returns>The states of all places [T, N, H], or h and c side by side [T, N, 2 · H]. The last state of a row is that of place T − 1, or of
    /// place 0 in reverse.</returns>
    public static Tensor Recurrent(
        RecurrentCell cell, Tensor gates, Tensor weight, Tensor? bias, Tensor start, Tensor? lengths = null, bool reverse = false)
    {
        Check.Float("recurrent", "gates", gates);
        Check.Rank("recurrent", "gates", gates, 3, 3);
        Check.Rank("recurrent", "weight", weight, 2, 2);
        Check.SameType("recurrent", "weight", weight, gates);
        Check.SameType("recurrent", "start", start, gates);
        (int steps, int rows, int width) = (gates.Size(0), gates.Size(1), weight.Size(1));
        int total = Check.Fits("recurrent", "weight", (long)cell.Gates() * width), states = cell == RecurrentCell.Lstm ? 2 : 1;
        Check.Shape("recurrent", "weight", weight, total, width);
        Check.Shape("recurrent", "gates", gates, steps, rows, total);
        Check.Shape("recurrent", "start", start, rows, states * width);
        if (bias is not null) Check.Shape("recurrent", "bias", bias, total);
        if (lengths is not null)
        {
            Check.Indices("recurrent", "lengths", lengths);
            Check.Shape("recurrent", "lengths", lengths, rows);
            lengths = Contiguous(Cast(lengths, DType.I64));
        }
        Tensor y = Tensor.Empty(gates.DType, steps, rows, states * width);
        int saves = cell is RecurrentCell.Lstm or RecurrentCell.Gru ? 4 : 0;
        Tensor saved = Tensor.Empty(gates.DType, steps, rows, saves * width);
        var call = new RecurrentCall(cell, Contiguous(gates), weight, bias, Contiguous(start), lengths, reverse, y, saved);
        Kernel.For(y).Recurrent(call);
        if (Tape.Records(gates, weight, bias) || Tape.Records(start))
        {
            var op = RecurrentOp.Rent();
            op.Call = call;
            op.KeepSaved(saved);
            Tape.Record(op, y);
        }
        else saved.Release();
        return y;
    }

    private sealed class RecurrentOp : Op<RecurrentOp>
    {
        public RecurrentCall Call;

        public override string Name => "recurrent";

        public void KeepSaved(Tensor saved) => Own(saved);

        public override void Backward(Tensor dy)
        {
            var kernels = Kernel.For(dy);
            (Tensor gates, Tensor weight, Tensor start) = (Call.Gates, Call.Weight, Call.Start);
            Tensor dproducts = Tensor.Empty(dy.DType, gates.Shape), dgates = Call.Cell == RecurrentCell.Gru ? Tensor.Empty(dy.DType, gates.Shape) : dproducts;
            Tensor dstart = Tensor.Empty(dy.DType, start.Shape);
            kernels.RecurrentGradient(Call, dy, dgates, dproducts, dstart);
            if (gates.RequiresGrad) Tape.GradFor(gates).Take(dgates);
            if (start.RequiresGrad) Tape.GradFor(start).Take(dstart);
            if (Call.Bias is { RequiresGrad: true } bias) SumRows(kernels, dproducts, Tape.GradFor(bias));
            if (weight.RequiresGrad) AddWeight(kernels, dproducts, Tape.GradFor(weight));
        }

        private static void SumRows(ReferenceKernels kernels, Tensor x, GradTarget target) =>
            kernels.SumTo(x.Detach().View(x.Size(0) * x.Size(1), x.Size(2)), target.Gradient, target.Add);

        // Σ over steps of dproduct · the state before: the first step's is the start, those of the others are the states of their neighbours.
        private void AddWeight(ReferenceKernels kernels, Tensor dproducts, GradTarget target)
        {
            int others = Call.Steps - 1, width = Call.Width;
            if (others < 0)
            {
                if (!target.Add) kernels.Fill(target.Gradient, 0);
                return;
            }
            Layout first = Flat(dproducts, Call.Place(0), 1), start = Call.Start.Layout.Slice(1, 0, width);
            kernels.MatMul(dproducts, first.Permute([1, 0]), Call.Start, start, target.Gradient, target.Gradient.Layout, target.Add);
            if (others == 0) return;
            Layout later = Flat(dproducts, Call.Reverse ? 0 : 1, others), before = Flat(Call.States, Call.Reverse ? 1 : 0, others).Slice(1, 0, width);
            kernels.MatMul(dproducts, later.Permute([1, 0]), Call.States, before, target.Gradient, target.Gradient.Layout, add: true);
        }

        // Some places of [T, N, width] as rows.
        private static Layout Flat(Tensor x, int place, int places) => x.Layout.Slice(0, place, places).Reshape([places * x.Size(1), x.Size(2)])!.Value;
    }
}
