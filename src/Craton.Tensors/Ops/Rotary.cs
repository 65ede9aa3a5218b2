namespace Craton.Tensors;

/// <summary>Which features of a head rotate together. Weights made for one layout give nonsense under the other.</summary>
public enum RotaryLayout
{
    /// <summary>Feature i with i + d/2 (Llama in Hugging Face format, GPT-NeoX).</summary>
    Half,
    /// <summary>Feature 2i with 2i + 1 (GPT-J, Llama as Meta published it).</summary>
    Interleaved,
}

/// <summary>What a rotation needs beside the tensor. The position of a row is the offset plus its index, or plus what positions says.</summary>
internal readonly record struct Rotation(Tensor Cos, Tensor Sin, Tensor? Positions, int Offset, RotaryLayout Layout, bool Backwards)
{
    /// <summary>The row of the table for item <paramref name="b"/> and place <paramref name="t"/> of T.</summary>
    public long Position(long b, long t, int count) =>
        Positions is null ? Offset + t : Offset + new Indices(Positions)[Positions.Rank == 1 ? t : b * count + t];
}

public static partial class Ops
{
    /// <summary>
    /// Rotary position embedding: every pair of features (u, v) of a head turns by the angle a = position · frequency,
    /// u' = u cos a − v sin a, v' = v cos a + u sin a. Features beyond the table's <see cref="RotaryTable.RotaryDim"/> pass through.
    /// J. Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
    /// </summary>
    /// <param name="x">[B, H, T, D], [H, T, D] or [T, D]; any strides, such as a permuted [B, T, H, D]. The result lies in memory like x.</param>
    /// <param name="table">Angles.</param>
    /// <param name="positions">I32 or I64 positions, [T] or [B, T]; none means 0, 1, … T − 1.</param>
    /// <param name="offset">Added to all positions: how many tokens came before (a cache).</param>
    /// <param name="layout">Which features form a pair.</param>
    /// <exception cref="CratonException">A head is smaller than the table's rotation; shapes do not fit; a position is negative or too large.</exception>
    public static Tensor Rotary(Tensor x, RotaryTable table, Tensor? positions = null, int offset = 0, RotaryLayout layout = RotaryLayout.Half)
    {
        Check.Float("rotary", "x", x);
        Check.Rank("rotary", "x", x, 2, 4);
        if (x.Size(-1) < table.RotaryDim) Check.Fail("rotary", "x", $"at least {table.RotaryDim} features, as many as rotate", $"{x.Layout}");
        if (offset < 0) Check.Fail("rotary", "offset", "0 or more", $"{offset}");
        positions = CheckPositions(x, positions, out long end);
        (Tensor cos, Tensor sin) = table.UpTo(offset + end);
        var rotation = new Rotation(cos, sin, positions, offset, layout, Backwards: false);
        Tensor y = Tensor.Lease(x.DType, x.Layout.Dense());
        Kernel.For(x).Rotary(x, rotation, y);
        if (Tape.Records(x))
        {
            var op = RotaryOp.Rent();
            (op.X, op.Rotation) = (x, rotation);
            Tape.Record(op, y);
        }
        return y;
    }

    private static Tensor? CheckPositions(Tensor x, Tensor? positions, out long end)
    {
        int batch = x.Rank == 4 ? x.Size(0) : 1, count = x.Size(-2);
        end = count;
        if (positions is null) return null;
        Check.Indices("rotary", "positions", positions);
        bool fits = positions.Rank == 1 ? positions.Size(0) == count : positions.Rank == 2 && positions.Size(0) == batch && positions.Size(1) == count;
        if (!fits) Check.Fail("rotary", "positions", $"shape [{count}] or [{batch}, {count}]", $"{positions.Layout}");
        positions = Contiguous(positions);
        (long least, long greatest) = new Indices(positions).Range(positions.Count);
        if (least < 0) Check.Fail("rotary", "positions", "0 or more", $"{least}");
        end = greatest + 1;
        return positions;
    }

    // A rotation is undone by the negative angle, and its gradient is turned back the same way.
    private sealed class RotaryOp : Op<RotaryOp>
    {
        public Tensor X = null!;
        public Rotation Rotation;

        public override string Name => "rotary";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Kernel.For(dy).Rotary(dy, Rotation with { Backwards = true }, dx, add);
        }
    }

    /// <summary>The same from simple operations: the meaning of <see cref="Rotary"/> and its test oracle. x [B, H, T, D], positions [B, T].</summary>
    internal static Tensor RotaryComposed(Tensor x, RotaryTable table, Tensor positions, RotaryLayout layout)
    {
        (Tensor cos, Tensor sin) = table.UpTo(new Indices(positions).Range(positions.Count).Greatest + 1);
        Tensor c = Cast(Unsqueeze(Embedding(cos, positions), 1), x.DType), s = Cast(Unsqueeze(Embedding(sin, positions), 1), x.DType);
        int d = table.RotaryDim, stop = layout == RotaryLayout.Half ? d / 2 : d, step = layout == RotaryLayout.Half ? 1 : 2;
        Tensor u = Slice(x, -1, 0, stop, step), v = Slice(x, -1, layout == RotaryLayout.Half ? d / 2 : 1, d, step);
        Tensor first = u * c - v * s, second = v * c + u * s, rest = Slice(x, -1, d);
        if (layout == RotaryLayout.Half) return Concat(-1, first, second, rest);
        Span<int> shape = [x.Size(0), x.Size(1), x.Size(2), d];
        return Concat(-1, Reshape(Stack(-1, first, second), shape), rest);
    }
}
