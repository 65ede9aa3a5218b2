using Craton.Tensors;

namespace Craton.Nn;

/// <summary>Learnt vectors that stand before the rows of a token table, in the place of the first ids of every text (Lester et al. 2021).</summary>
/// <param name="vectors">The vectors [n, width].</param>
public sealed class PromptVectors(Tensor vectors) : IEmbeddingAdapter
{
    /// <summary>The rows [B, n + T, width], with the vectors in the place of the first n.</summary>
    public Tensor Output(Tensor ids, Tensor plain, Tensor y) =>
        Ops.Concat(1, Ops.Expand(vectors, ids.Size(0), vectors.Size(0), vectors.Size(1)), y.Slice(1, vectors.Size(0)));
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

    private Tensor Before(int part, Tensor x)
    {
        int batch = x.Size(0), heads = x.Size(1), width = x.Size(3);
        Tensor learnt = Ops.Select(values.View(Count, 2 * layers, heads, width), 1, part).Permute(1, 0, 2);
        return Ops.Concat(2, Ops.Expand(learnt, batch, heads, Count, width), x);
    }
}
