using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// A sparse mixture of feed-forward experts (Shazeer et al. 2017; Jiang et al. 2024): a router scores the experts for every token, the best
/// few compute it, and the sum is weighted by their probabilities. What a token gets does not depend on the other tokens.
/// </summary>
public sealed class MixtureOfExperts : Module
{
    private readonly int _chosen;
    private readonly bool _normalize;
    private readonly Linear _gate;
    private readonly GatedFeedForward[] _experts;

    /// <summary>Creates the layer.</summary>
    /// <param name="width">Width of the stream.</param>
    /// <param name="experts">Number of experts.</param>
    /// <param name="chosen">How many compute a token.</param>
    /// <param name="normalize">Whether the weights of the chosen ones are scaled to a sum of 1.</param>
    /// <param name="create">Makes an expert.</param>
    public MixtureOfExperts(int width, int experts, int chosen, bool normalize, Func<GatedFeedForward> create)
    {
        (_chosen, _normalize) = (chosen, normalize);
        _gate = Child("gate", new Linear(width, experts));
        _experts = Children("experts", experts, _ => create());
    }

    /// <summary>x [B, T, C] → [B, T, C], with the residual added if one is given.</summary>
    public Tensor Forward(Tensor x, Tensor? residual = null)
    {
        Tensor rows = x.View(-1, x.Size(-1));
        (Tensor weights, Tensor chosen) = Ops.TopK(Ops.Softmax(_gate.Forward(rows)), _chosen);
        if (_normalize) weights /= Ops.Sum(weights, [-1], keepDim: true);
        Tensor flat = weights.View(-1, 1); // [N·k, 1]
        Tensor y = residual?.View(-1, x.Size(-1)) ?? Tensor.Zeros(x.DType, rows.Shape);
        for (int expert = 0; expert < _experts.Length; expert++)
        {
            (Tensor? tokens, Tensor? places) = Choosers(chosen, expert);
            if (tokens is null) continue;
            Tensor output = _experts[expert].Forward(Ops.IndexSelect(rows, 0, tokens)) * Ops.IndexSelect(flat, 0, places!);
            y = Ops.IndexAdd(y, 0, tokens, output);
        }
        return y.View(x.Shape);
    }

    // The tokens [n] that chose an expert, and the places [n] of their weights; nothing when there are none.
    private (Tensor? Tokens, Tensor? Places) Choosers(Tensor chosen, int expert)
    {
        ReadOnlySpan<long> all = chosen.AsSpan<long>();
        int count = all.Count(expert);
        if (count == 0) return default;
        Tensor tokens = Tensor.Empty(DType.I32, count), places = Tensor.Empty(DType.I32, count);
        Span<int> token = tokens.AsSpan<int>(), place = places.AsSpan<int>();
        for (int i = 0, n = 0; i < all.Length; i++)
            if (all[i] == expert) (token[n], place[n++]) = (i / _chosen, i);
        return (tokens, places);
    }
}
