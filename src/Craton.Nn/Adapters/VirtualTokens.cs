using Craton.Tensors;

namespace Craton.Nn;

/// <summary>Learnt vectors that stand before the rows of a token table, in the place of the first ids of every text (Lester et al. 2021).</summary>
/// <param name="vectors">The vectors [n, width].</param>
/// <param name="positions">Positions of the rows in their texts, I32 [1, T], where several texts follow each other; null where each begins with its row.</param>
public sealed class PromptVectors(Tensor vectors, Tensor? positions = null) : IEmbeddingAdapter
{
    /// <summary>The rows [B, T, width], with the vectors in the place of those at the first n positions.</summary>
    public Tensor Output(Tensor ids, Tensor plain, Tensor y) => positions is null
        ? Ops.Concat(1, Ops.Expand(vectors, ids.Size(0), vectors.Size(0), vectors.Size(1)), y.Slice(1, vectors.Size(0)))
        : VirtualRows.Replaced(y, 1, positions, vectors.Size(0), rows => Ops.Unsqueeze(Ops.IndexSelect(vectors, 0, rows), 0));
}

/// <summary>Learnt keys and values that stand before those of every text, in every layer, at its first positions (Li, Liang 2021).</summary>
/// <param name="values">[n, 2·layers·G·D]: of every layer the keys, then the values, as attention sees them.</param>
/// <param name="layers">Number of layers.</param>
public sealed class KeyValuePrefix(Tensor values, int layers)
{
    /// <summary>Number of positions.</summary>
    public int Count => values.Size(0);

    /// <summary>Keys and values [B, G, T, D] of a layer, behind the learnt ones: [B, G, n + T, D].</summary>
    internal (Tensor Keys, Tensor Values) Before(int layer, Tensor keys, Tensor values) => (Before(2 * layer, keys), Before(2 * layer + 1, values));

    /// <summary>Keys and values [1, G, T, D] of a layer, with the learnt ones in the place of those at the first n positions.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="keys">Keys of several texts that follow each other.</param>
    /// <param name="values">Their values.</param>
    /// <param name="positions">Positions of the rows in their texts, I32 [1, T].</param>
    internal (Tensor Keys, Tensor Values) Within(int layer, Tensor keys, Tensor values, Tensor positions) => (Within(2 * layer, keys, positions), Within(2 * layer + 1, values, positions));

    private Tensor Before(int part, Tensor x)
    {
        int batch = x.Size(0), heads = x.Size(1), width = x.Size(3);
        return Ops.Concat(2, Ops.Expand(Learnt(part, heads, width).Permute(1, 0, 2), batch, heads, Count, width), x);
    }

    private Tensor Within(int part, Tensor x, Tensor positions) =>
        VirtualRows.Replaced(x, 2, positions, Count, rows => Ops.Unsqueeze(Ops.IndexSelect(Learnt(part, x.Size(1), x.Size(3)), 0, rows).Permute(1, 0, 2), 0));

    private Tensor Learnt(int part, int heads, int width) => Ops.Select(values.View(Count, 2 * layers, heads, width), 1, part);
}

/// <summary>Rows of virtual tokens among those of texts.</summary>
internal static class VirtualRows
{
    /// <summary>x with others in the place of rows at the first positions of a text.</summary>
    /// <param name="x">[1, .., T, ..].</param>
    /// <param name="dim">The dimension of rows.</param>
    /// <param name="positions">Positions of the rows in their texts, I32 [1, T].</param>
    /// <param name="count">How many positions are virtual.</param>
    /// <param name="learnt">Gives the rows of these numbers, I32 [T], in the shape of x.</param>
    public static Tensor Replaced(Tensor x, int dim, Tensor positions, int count, Func<Tensor, Tensor> learnt)
    {
        ReadOnlySpan<int> at = positions.AsSpan<int>();
        if (!at.ContainsAnyInRange(0, count - 1)) return x; // an answer in progress
        Tensor rows = Tensor.Empty(DType.I32, at.Length), isVirtual = Tensor.Empty(DType.Bool, at.Length);
        for (int i = 0; i < at.Length; i++)
        {
            isVirtual.AsSpan<bool>()[i] = at[i] < count;
            rows.AsSpan<int>()[i] = Math.Min(at[i], count - 1);
        }
        Span<int> shape = stackalloc int[x.Rank];
        shape.Fill(1);
        shape[dim] = at.Length;
        return Ops.Where(isVirtual.View(shape), learnt(rows), x);
    }
}
