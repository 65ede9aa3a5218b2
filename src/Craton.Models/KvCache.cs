using Craton.Tensors;

namespace Craton.Models;

/// <summary>Keys and values of the positions already seen, one pair of tensors for every layer, for a fixed greatest length.</summary>
public sealed class KvCache
{
    private readonly Tensor[] _keys, _values; // [B, length, G, D]

    /// <summary>Creates an empty cache.</summary>
    /// <param name="config">The model it serves.</param>
    /// <param name="batch">Number of sequences.</param>
    /// <param name="capacity">Most positions; the model's context when 0.</param>
    public KvCache(GptConfig config, int batch = 1, int capacity = 0)
    {
        Capacity = capacity > 0 ? Math.Min(capacity, config.MaxPositionEmbeddings) : config.MaxPositionEmbeddings;
        _keys = new Tensor[config.NumHiddenLayers];
        _values = new Tensor[config.NumHiddenLayers];
        for (int i = 0; i < _keys.Length; i++)
        {
            _keys[i] = Tensor.Persistent(DType.F32, batch, Capacity, config.NumKeyValueHeads, config.HeadDim);
            _values[i] = Tensor.Persistent(DType.F32, batch, Capacity, config.NumKeyValueHeads, config.HeadDim);
        }
    }

    /// <summary>Positions held.</summary>
    public int Length { get; private set; }

    /// <summary>Most positions.</summary>
    public int Capacity { get; }

    /// <summary>Forgets all positions after the first <paramref name="length"/>.</summary>
    public void Trim(int length) => Length = Math.Min(Length, length);

    /// <summary>Stores keys and values [B, G, T, D] of new positions and gives those of all.</summary>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        int end = Length + keys.Size(2);
        if (end > Capacity) throw new CratonException($"{end} positions are more than the cache of {Capacity} holds; shorten the text or make the cache larger");
        return (Store(_keys[layer], keys, end), Store(_values[layer], values, end));
    }

    internal void Advance(int positions) => Length += positions;

    private Tensor Store(Tensor all, Tensor fresh, int end)
    {
        all.Slice(1, Length, end).Assign(fresh.Permute(0, 2, 1, 3));
        return all.Slice(1, 0, end).Permute(0, 2, 1, 3);
    }
}
