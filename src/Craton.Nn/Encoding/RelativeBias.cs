using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// A bias of every score that depends on the head and on how far the key stands from the query (Raffel et al. 2020, T5): near distances have
/// a number each, farther ones share numbers that grow with the logarithm.
/// </summary>
public sealed class RelativeBias : Module
{
    private readonly Embedding _table;
    private readonly bool _bidirectional;
    private readonly int _greatest;

    /// <summary>Creates a table with zeroed values.</summary>
    /// <param name="buckets">Numbers of distances.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="greatest">From this distance on all are alike.</param>
    /// <param name="bidirectional">Whether keys after the query have numbers of their own, half of all; else they count as distance 0.</param>
    public RelativeBias(int buckets, int heads, int greatest, bool bidirectional)
    {
        (_bidirectional, _greatest) = (bidirectional, greatest);
        _table = Inline(new Embedding(buckets, heads));
    }

    /// <summary>The biases of queries from a place on: [1, H, queries, keys].</summary>
    /// <param name="queries">Number of queries.</param>
    /// <param name="keys">Number of keys, from place 0 on.</param>
    /// <param name="offset">Place of the first query.</param>
    public Tensor Forward(int queries, int keys, int offset = 0)
    {
        int buckets = _table.Weight.Size(0);
        Tensor numbers = Tensor.Empty(DType.I32, 1, queries, keys);
        Span<int> all = numbers.AsSpan<int>();
        for (int q = 0, at = 0; q < queries; q++)
            for (int k = 0; k < keys; k++) all[at++] = Bucket(k - q - offset, _bidirectional, buckets, _greatest);
        return _table.Forward(numbers).Permute(0, 3, 1, 2);
    }

    /// <summary>The number of a distance, key less query.</summary>
    /// <param name="distance">Key less query.</param>
    /// <param name="bidirectional">Whether keys after the query have numbers of their own.</param>
    /// <param name="buckets">Count of numbers.</param>
    /// <param name="greatest">From this distance on all are alike.</param>
    public static int Bucket(int distance, bool bidirectional, int buckets, int greatest)
    {
        int first = 0;
        if (bidirectional)
        {
            buckets /= 2;
            if (distance > 0) first = buckets;
            distance = Math.Abs(distance);
        }
        else distance = Math.Max(0, -distance);
        int exact = buckets / 2;
        if (distance < exact) return first + distance;
        // In single precision, as the checkpoints were trained.
        float share = (float)DeterministicMath.Log((float)distance / exact) / (float)DeterministicMath.Log((double)greatest / exact);
        return first + Math.Min(buckets - 1, exact + (int)(share * (buckets - exact)));
    }
}
