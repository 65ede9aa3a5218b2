using Craton.Tensors;

namespace Craton.Nn;

/// <summary>What a decoder knows of the text it answers: the encoder's vectors, as keys and values of each of its layers.</summary>
/// <param name="hidden">The encoder's vectors, [B, S, C].</param>
/// <param name="padding">Which places hold a token, Bool [B, S]; all when null.</param>
/// <param name="keys">Keys of each layer, [B, H, S, D].</param>
/// <param name="values">Values of each layer, [B, H, S, D].</param>
public sealed class SourceMemory(Tensor hidden, Tensor? padding, Tensor[] keys, Tensor[] values)
{
    /// <summary>What the blocks of a decoder look at.</summary>
    /// <param name="hidden">The encoder's vectors, [B, S, C].</param>
    /// <param name="padding">Which places hold a token, Bool [B, S]; all when null.</param>
    /// <param name="blocks">The blocks.</param>
    public static SourceMemory Of(Tensor hidden, Tensor? padding, IEnumerable<TargetBlock> blocks)
    {
        (Tensor Keys, Tensor Values)[] seen = [.. blocks.Select(block => block.Remember(hidden))];
        return new SourceMemory(hidden, padding, Array.ConvertAll(seen, s => s.Keys), Array.ConvertAll(seen, s => s.Values));
    }

    /// <summary>The encoder's vectors, [B, S, C].</summary>
    public Tensor Hidden { get; } = hidden;

    /// <summary>Keys and values of a layer, and which of them are tokens.</summary>
    internal (Tensor Keys, Tensor Values, Tensor? Padding) Of(int layer) => (keys[layer], values[layer], padding);

    /// <summary>The sources in another order; one may occur several times (the beams of a search).</summary>
    public SourceMemory Select(ReadOnlySpan<int> rows)
    {
        Tensor order = Tensor.From(rows, rows.Length);
        return new SourceMemory(Pick(Hidden), padding is null ? null : Ops.Cast(Pick(Ops.Cast(padding, DType.F32)), DType.Bool), Array.ConvertAll(keys, Pick), Array.ConvertAll(values, Pick));

        Tensor Pick(Tensor x) => Ops.IndexSelect(x, 0, order);
    }
}
