using Craton.Tensors;

namespace Craton.Nn;

/// <summary>How the vectors of a text's tokens become one.</summary>
public enum PoolingMode
{
    /// <summary>That of the first place.</summary>
    First,
    /// <summary>Their mean.</summary>
    Mean,
    /// <summary>The greatest value of each feature.</summary>
    Max,
    /// <summary>That of the last token.</summary>
    Last,
    /// <summary>Their sum divided by the root of their number.</summary>
    MeanSqrt,
    /// <summary>Their mean with the weights 1, 2, 3, ….</summary>
    WeightedMean,
}

/// <summary>One vector for each text. Padding has no part in it, and a text gives the same bits alone and among others.</summary>
public static class Pooling
{
    /// <summary>The vectors of all texts.</summary>
    /// <param name="hidden">Vectors of the tokens, [B, T, C], or [1, N, C] when packed.</param>
    /// <param name="input">The texts.</param>
    /// <param name="mode">How they become one.</param>
    /// <returns>[texts, C].</returns>
    public static Tensor Pool(Tensor hidden, in EncoderInput input, PoolingMode mode)
    {
        Tensor rows = hidden.View(-1, hidden.Size(-1));
        (int First, int Count)[] spans = input.Spans();
        if (mode is PoolingMode.First) return Ops.IndexSelect(rows, 0, Places([.. spans.Select(span => span.First)]));
        int[][] tokens = Tokens(input, spans);
        if (mode is PoolingMode.Last) return Ops.IndexSelect(rows, 0, Places([.. tokens.Select(places => places[^1])]));
        return Ops.Stack(0, [.. tokens.Select(places => One(Ops.IndexSelect(rows, 0, Places(places)), mode))]);
    }

    // [n, C] → [C]
    private static Tensor One(Tensor x, PoolingMode mode)
    {
        int count = x.Size(0);
        return mode switch
        {
            PoolingMode.Mean => Ops.Mean(x, [0]),
            PoolingMode.Max => Ops.Max(x, [0]),
            PoolingMode.MeanSqrt => Ops.Sum(x, [0]) * (1 / Math.Sqrt(count)),
            _ => Ops.Sum(x * Weights(count), [0]) * (2.0 / ((double)count * (count + 1))),
        };
    }

    private static Tensor Weights(int count)
    {
        Tensor weights = Tensor.Empty(DType.F32, count, 1);
        for (int i = 0; i < count; i++) weights.AsSpan<float>()[i] = i + 1;
        return weights;
    }

    // The places of each text that hold a token. A row of nothing but padding counts as one token.
    private static int[][] Tokens(in EncoderInput input, (int First, int Count)[] spans)
    {
        bool[]? holds = input.KeyPadding is { } padding ? Ops.Contiguous(padding).ToArray<bool>() : null;
        return [.. spans.Select(span =>
        {
            int[] places = [.. Enumerable.Range(span.First, span.Count).Where(place => holds?[place] ?? true)];
            return places.Length > 0 ? places : [span.First];
        })];
    }

    private static Tensor Places(int[] places) => Tensor.From(places, places.Length);
}
