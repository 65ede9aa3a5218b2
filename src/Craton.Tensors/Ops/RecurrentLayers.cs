namespace Craton.Tensors;

/// <summary>The weights of one direction of a recurrent layer: of the input [G · H, I], of the state [G · H, H], and a bias [G · H] of each.</summary>
/// <param name="Input">Of the input.</param>
/// <param name="Hidden">Of the state before.</param>
/// <param name="InputBias">May be left out.</param>
/// <param name="HiddenBias">May be left out.</param>
public readonly record struct RecurrentWeights(Tensor Input, Tensor Hidden, Tensor? InputBias = null, Tensor? HiddenBias = null);

/// <summary>What recurrent layers give.</summary>
/// <param name="Y">The states of the last layer at all places [N, T, directions · H]; 0 from a row's length on.</param>
/// <param name="H">The last state of every layer and direction [layers · directions, N, H].</param>
/// <param name="C">The cells beside them, for <see cref="RecurrentCell.Lstm"/>.</param>
public readonly record struct RecurrentResult(Tensor Y, Tensor H, Tensor? C);

public static partial class Ops
{
    /// <summary>Recurrent layers one on top of the other, in one direction or in both, whose states then lie side by side.</summary>
    /// <param name="cell">What is done with the gates.</param>
    /// <param name="x">[N, T, I].</param>
    /// <param name="weights">Those of each layer, for both directions one after the other.</param>
    /// <param name="bidirectional">Every layer has a second direction, from the last place of a row to its first.</param>
    /// <param name="h">First states [layers · directions, N, H]; zero when left out.</param>
    /// <param name="c">First cells of <see cref="RecurrentCell.Lstm"/>, likewise.</param>
    /// <param name="lengths">Integers [N]: places of each row that count; none means T.</param>
    public static RecurrentResult RecurrentLayers(
        RecurrentCell cell, Tensor x, ReadOnlySpan<RecurrentWeights> weights, bool bidirectional = false, Tensor? h = null, Tensor? c = null,
        Tensor? lengths = null)
    {
        int directions = bidirectional ? 2 : 1;
        Check.Rank("recurrent_layers", "x", x, 3, 3);
        Check.That(weights.Length > 0 && weights.Length % directions == 0, "recurrent_layers", "weights", $"{directions} for each layer", $"{weights.Length}");
        Check.That(c is null || cell == RecurrentCell.Lstm, "recurrent_layers", "c", "none but for an LSTM", $"{c?.Layout}");
        (int rows, int steps, int width) = (x.Size(0), x.Size(1), weights[0].Hidden.Size(-1));
        Check.That(steps > 0, "recurrent_layers", "x", "at least one place", $"{x.Layout}");
        if (h is not null) Check.Shape("recurrent_layers", "h", h, weights.Length, rows, width);
        if (c is not null) Check.Shape("recurrent_layers", "c", c, weights.Length, rows, width);
        Tensor? counts = lengths is null ? null : Counts(lengths, steps, x.DType);
        var last = new Tensor[weights.Length];
        Tensor y = Transpose(x, 0, 1);
        for (int i = 0; i < weights.Length; i += directions)
        {
            Tensor forward = Direction(cell, y, weights[i], Start(cell, x.DType, rows, width, i, h, c), lengths, reverse: false, out last[i]);
            if (bidirectional)
                forward = Concat(-1, forward, Direction(cell, y, weights[i + 1], Start(cell, x.DType, rows, width, i + 1, h, c), lengths, reverse: true, out last[i + 1]));
            y = counts is null ? forward : forward * counts;
        }
        Tensor states = Stack(0, last);
        return new(Transpose(y, 0, 1), Slice(states, 2, 0, width), cell == RecurrentCell.Lstm ? Slice(states, 2, width) : null);
    }

    private static Tensor Direction(
        RecurrentCell cell, Tensor x, in RecurrentWeights weights, Tensor start, Tensor? lengths, bool reverse, out Tensor last)
    {
        Tensor states = Recurrent(cell, Linear(x, weights.Input, weights.InputBias), weights.Hidden, weights.HiddenBias, start, lengths, reverse);
        last = Select(states, 0, reverse ? 0 : -1);
        return Slice(states, 2, 0, weights.Hidden.Size(1));
    }

    private static Tensor Start(RecurrentCell cell, DType type, int rows, int width, int index, Tensor? h, Tensor? c)
    {
        bool isLstm = cell == RecurrentCell.Lstm;
        if (h is null && c is null) return Tensor.Zeros(type, rows, isLstm ? 2 * width : width);
        Tensor state = h is null ? Tensor.Zeros(type, rows, width) : Select(h, 0, index);
        return isLstm ? Concat(1, state, c is null ? Tensor.Zeros(type, rows, width) : Select(c, 0, index)) : state;
    }

    // 1 where a place counts, [T, N, 1].
    private static Tensor Counts(Tensor lengths, int steps, DType type)
    {
        Check.Indices("recurrent_layers", "lengths", lengths);
        Check.Rank("recurrent_layers", "lengths", lengths, 1, 1);
        Tensor places = Tensor.Empty(DType.I32, steps, 1);
        Span<int> at = places.AsSpan<int>();
        for (int i = 0; i < at.Length; i++) at[i] = i;
        return Unsqueeze(Less(Cast(places, type), Cast(lengths, type)), -1);
    }
}
