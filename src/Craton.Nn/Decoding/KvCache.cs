using Craton.Tensors;

namespace Craton.Nn;

/// <summary>Keys and values of the positions already seen, one pair of tensors for every layer, for a fixed greatest length.</summary>
public sealed class KvCache
{
    private readonly Tensor[] _keys, _values; // [B, length, G, D]

    /// <summary>Creates an empty cache.</summary>
    /// <param name="layers">Number of layers.</param>
    /// <param name="batch">Number of sequences.</param>
    /// <param name="capacity">Most positions.</param>
    /// <param name="heads">Key and value heads.</param>
    /// <param name="headDim">Width of a head.</param>
    /// <param name="type">What keys and values are rounded to: F32, F16 or BF16.</param>
    public KvCache(int layers, int batch, int capacity, int heads, int headDim, DType type = DType.F32)
    {
        Capacity = capacity;
        _keys = new Tensor[layers];
        _values = new Tensor[layers];
        for (int i = 0; i < layers; i++)
        {
            _keys[i] = Tensor.Persistent(type, batch, Capacity, heads, headDim);
            _values[i] = Tensor.Persistent(type, batch, Capacity, heads, headDim);
        }
    }

    /// <summary>Positions held.</summary>
    public int Length { get; private set; }

    /// <summary>Most positions.</summary>
    public int Capacity { get; }

    /// <summary>Forgets all positions after the first <paramref name="length"/>.</summary>
    public void Trim(int length) => Length = Math.Min(Length, length);

    /// <summary>Counts the positions whose keys and values all layers have stored.</summary>
    public void Advance(int positions) => Length += positions;

    /// <summary>A cache of several rows that all hold what the one row of this one holds.</summary>
    public KvCache Repeat(int rows)
    {
        var cache = new KvCache(_keys.Length, rows, Capacity, _keys[0].Size(2), _keys[0].Size(3), _keys[0].DType) { Length = Length };
        foreach ((Tensor from, Tensor to) in _keys.Concat(_values).Zip(cache._keys.Concat(cache._values)))
            for (int row = 0; row < rows; row++) to.Slice(0, row, row + 1).Slice(1, 0, Length).Assign(from.Slice(1, 0, Length));
        return cache;
    }

    /// <summary>Puts the rows of a batch in another order; a row may occur several times (the beams of a search).</summary>
    public void Reorder(ReadOnlySpan<int> rows)
    {
        using (TensorScope.Open("reorder"))
        {
            Tensor order = Tensor.From(rows, rows.Length);
            foreach (Tensor all in _keys.Concat(_values))
            {
                Tensor seen = all.Slice(1, 0, Length);
                seen.Assign(Ops.IndexSelect(seen, 0, order));
            }
        }
    }

    /// <summary>Stores keys and values [B, G, T, D] of new positions and gives those of all.</summary>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        int end = Length + keys.Size(2);
        if (end > Capacity) throw new CratonException($"{end} positions are more than the cache of {Capacity} holds; shorten the text or make the cache larger");
        return (Store(_keys[layer], keys, end), Store(_values[layer], values, end));
    }

    private Tensor Store(Tensor all, Tensor fresh, int end)
    {
        all.Slice(1, Length, end).Assign(Ops.Cast(fresh.Permute(0, 2, 1, 3), all.DType));
        return all.Slice(1, 0, end).Permute(0, 2, 1, 3);
    }
}
