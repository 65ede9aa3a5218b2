namespace Craton.Tensors;

/// <summary>How attention is limited and scaled.</summary>
public readonly record struct AttentionOptions()
{
    /// <summary>Factor on the scores; 1/√D when null.</summary>
    public double? Scale { get; init; }

    /// <summary>A query sees no key after its own place.</summary>
    public bool Causal { get; init; }

    /// <summary>Place of the first query among the keys: their number less that of the queries when decoding with a cache.</summary>
    public int QueryOffset { get; init; }

    /// <summary>Number of the document of every place, I32 [B, T]: queries see keys of their own document only.</summary>
    public Tensor? DocumentIds { get; init; }

    /// <summary>Which places hold a key, Bool [B, Tk].</summary>
    public Tensor? KeyPadding { get; init; }
}

public static partial class Ops
{
    /// <summary>Attention.</summary>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, in AttentionOptions options) => AttentionComposed(q, k, v, options);

    internal static Tensor AttentionComposed(Tensor q, Tensor k, Tensor v, in AttentionOptions options)
    {
        int batch = q.Size(0), heads = q.Size(1), queries = q.Size(2), width = q.Size(3), groups = k.Size(1), keys = k.Size(2);
        Tensor grouped = Reshape(q, batch, groups, heads / groups, queries, width);
        Tensor scores = MatMul(grouped, Transpose(Unsqueeze(k, 2))) * (options.Scale ?? 1 / Math.Sqrt(width));
        Tensor mask = Tensor.Empty(DType.Bool, batch, 1, 1, queries, keys);
        Span<bool> visible = mask.AsSpan<bool>();
        ReadOnlySpan<int> documents = options.DocumentIds is { } ids ? ids.AsSpan<int>() : default;
        ReadOnlySpan<bool> padding = options.KeyPadding is { } p ? p.AsSpan<bool>() : default;
        for (int b = 0, at = 0; b < batch; b++)
            for (int i = 0; i < queries; i++)
                for (int j = 0; j < keys; j++, at++)
                    visible[at] = (!options.Causal || j <= i + options.QueryOffset)
                        && (documents.IsEmpty || documents[b * keys + j] == documents[b * keys + i + options.QueryOffset])
                        && (padding.IsEmpty || padding[b * keys + j]);
        Tensor weights = MaskedSoftmax(scores, mask);
        return Reshape(MatMul(weights, Unsqueeze(v, 2)), batch, heads, queries, v.Size(3)).Permute(0, 2, 1, 3).Contiguous().Permute(0, 2, 1, 3);
    }
}
