using Craton.Tensors;

namespace Craton.Nn;

/// <summary>What queries and keys are normalised over before they turn.</summary>
public enum QueryKeyNorm
{
    /// <summary>They are not.</summary>
    None,
    /// <summary>Each head by itself (Henry et al. 2020).</summary>
    Head,
    /// <summary>All heads together (OLMo 2).</summary>
    Projection,
}

/// <summary>The shape of a <see cref="GroupedAttention"/>.</summary>
/// <param name="Width">Width of the stream.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads, a divisor of the query heads.</param>
/// <param name="HeadDim">Width of a head.</param>
public sealed record AttentionShape(int Width, int Heads, int KeyValueHeads, int HeadDim)
{
    /// <summary>Whether queries, keys and values have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>Whether the output has one.</summary>
    public bool OutputBias { get; init; }

    /// <summary>The checkpoint's name of the output projection.</summary>
    public string Output { get; init; } = "o_proj";

    /// <summary>What queries and keys are normalised over.</summary>
    public QueryKeyNorm Norm { get; init; }

    /// <summary>Makes such a norm of a width, under the checkpoint's names of both.</summary>
    public Func<int, Norm>? CreateNorm { get; init; }

    /// <summary>The checkpoint's names of the norms.</summary>
    public (string Query, string Key) NormNames { get; init; } = ("q_norm", "k_norm");

    /// <summary>Rotary positions; null for none.</summary>
    public RotaryPositions? Rotary { get; init; }

    /// <summary>Which features turn together.</summary>
    public RotaryLayout Layout { get; init; }

    /// <summary>How scores are formed.</summary>
    public AttentionSettings Settings { get; init; }
}

/// <summary>
/// Causal self-attention in which several query heads may share a key and a value head (Ainslie et al. 2023), with separate projections
/// <c>q_proj</c>, <c>k_proj</c>, <c>v_proj</c>.
/// </summary>
public sealed class GroupedAttention : Module
{
    private readonly AttentionShape _shape;
    private readonly int _layer;
    private readonly Linear _q, _k, _v, _o;
    private readonly Norm? _qNorm, _kNorm;

    /// <summary>Creates the layer.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="layer">Number of the layer.</param>
    public GroupedAttention(AttentionShape shape, int layer)
    {
        (_shape, _layer) = (shape, layer);
        int queries = shape.Heads * shape.HeadDim, keys = shape.KeyValueHeads * shape.HeadDim;
        _q = Child("q_proj", new Linear(shape.Width, queries, shape.Bias));
        _k = Child("k_proj", new Linear(shape.Width, keys, shape.Bias));
        _v = Child("v_proj", new Linear(shape.Width, keys, shape.Bias));
        _o = Child(shape.Output, new Linear(queries, shape.Width, shape.OutputBias));
        if (shape.Norm == QueryKeyNorm.None) return;
        bool head = shape.Norm == QueryKeyNorm.Head;
        _qNorm = Child(shape.NormNames.Query, shape.CreateNorm!(head ? shape.HeadDim : queries));
        _kNorm = Child(shape.NormNames.Key, shape.CreateNorm!(head ? shape.HeadDim : keys));
    }

    /// <summary>x [B, T, C] → [B, T, C], with the residual added if one is given.</summary>
    public Tensor Forward(Tensor x, in DecoderPass pass, Tensor? residual = null)
    {
        Tensor q = Turned(Heads(_q.Forward(x), _shape.Heads, _qNorm), pass);
        Tensor k = Turned(Heads(_k.Forward(x), _shape.KeyValueHeads, _kNorm), pass);
        Tensor v = Heads(_v.Forward(x), _shape.KeyValueHeads, norm: null);
        return _o.Forward(pass.Attend(_layer, q, k, v, _shape.Settings), residual: residual);
    }

    // [B, T, H·D] as [B, H, T, D]
    private Tensor Heads(Tensor x, int heads, Norm? norm)
    {
        if (norm is not null && _shape.Norm == QueryKeyNorm.Projection) x = norm.Forward(x);
        Tensor split = x.View(x.Size(0), x.Size(1), heads, _shape.HeadDim);
        return (norm is not null && _shape.Norm == QueryKeyNorm.Head ? norm.Forward(split) : split).Permute(0, 2, 1, 3);
    }

    private Tensor Turned(Tensor x, in DecoderPass pass) => _shape.Rotary is { } rotary ? pass.Rotate(x, rotary, _shape.Layout) : x;
}
