using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// One call of an encoder on its way through the layers: what stands where, and who sees whom. It is the only way in which a model reaches
/// positions, segments and the other tokens of a text.
/// </summary>
public sealed class EncoderPass
{
    private readonly EncoderInput _input;
    private readonly (int First, int Count)[] _spans;

    /// <summary>Begins a call.</summary>
    /// <param name="input">The texts.</param>
    /// <param name="bias">Added to the scores of every layer, [1, H, T, T] for the longest text; null for none.</param>
    public EncoderPass(in EncoderInput input, Tensor? bias = null)
    {
        (_input, _spans, Bias) = (input, input.Spans(), bias);
        long tokens = _spans.Sum(span => (long)span.Count);
        if (input.Ids.Rank != 2 || tokens != input.Ids.Count || (input.Lengths is not null && (input.Ids.Size(0) != 1 || input.KeyPadding is not null)))
            throw new CratonException($"texts for an encoder: expected ids [B, T], or [1, N] with lengths that add up to N and no padding, got {input.Ids.Layout} and {tokens} tokens");
    }

    /// <summary>Token ids [B, T].</summary>
    public Tensor Ids => _input.Ids;

    /// <summary>Segments [B, T]: those that were given, or 0.</summary>
    public Tensor TokenTypes => _input.TokenTypes ?? Tensor.Zeros(DType.I32, Ids.Shape);

    /// <summary>Added to the scores of every layer, or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>Gets the attention weights [B, H, T, T] of every layer when it is set, for looking at; not with packed texts.</summary>
    public IList<Tensor>? AttentionWeights { get; set; }

    /// <summary>Positions that count the places of each text from 0, padding among them: I32 [B, T].</summary>
    public Tensor Places() => _input.Positions ?? Counted((place, _) => place);

    /// <summary>
    /// Positions as RoBERTa counts them: tokens other than the padding id from its number + 1 on; a padding id has its own number. The ids decide, not the mask.
    /// </summary>
    public Tensor PlacesAfter(int padding)
    {
        if (_input.Positions is not null) return _input.Positions;
        int seen = 0;
        return Counted((place, id) =>
        {
            if (place == 0) seen = padding;
            return id == padding ? padding : ++seen;
        });
    }

    /// <summary>Turns queries or keys [B, H, T, D] by the places of their tokens.</summary>
    public Tensor Rotate(Tensor x, RotaryPositions rotary) =>
        Ops.Rotary(x, rotary.For(_input.Longest), _input.Positions ?? (_input.Lengths is null ? null : Places()));

    /// <summary>Attention among the tokens of each text.</summary>
    /// <param name="q">Queries [B, H, T, D].</param>
    /// <param name="k">Keys [B, H, T, D].</param>
    /// <param name="v">Values [B, H, T, D].</param>
    /// <param name="scale">Factor on the scores; 1/√D when null.</param>
    /// <param name="reach">A query sees at most this many tokens on each side; all when null.</param>
    /// <returns>[B, T, H·D].</returns>
    public Tensor Attend(Tensor q, Tensor k, Tensor v, double? scale = null, int? reach = null)
    {
        var options = new AttentionOptions { Scale = scale, Window = reach + 1, WindowAfter = reach, KeyPadding = _input.KeyPadding, Bias = Bias };
        if (_input.Lengths is null)
        {
            AttentionWeights?.Add(Heads.Weights(q, k, options));
            return Heads.Join(WithBlind(Ops.Attention(q, k, v, options), v, reach));
        }
        var parts = new Tensor[_spans.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            (int first, int count) = _spans[i];
            AttentionOptions own = Bias is null ? options : options with { Bias = Bias.Slice(2, 0, count).Slice(3, 0, count) };
            parts[i] = Heads.Join(Ops.Attention(q.Slice(2, first, first + count), k.Slice(2, first, first + count), v.Slice(2, first, first + count), own));
        }
        return parts.Length == 1 ? parts[0] : Ops.Concat(1, parts);
    }

    // A query that sees no token gets the mean of its row's values, as in the published code. Only padding can be such a query.
    private Tensor WithBlind(Tensor y, Tensor v, int? reach)
    {
        if (_input.KeyPadding is not { } padding) return y;
        bool[] holds = Ops.Contiguous(padding).ToArray<bool>(), sees = new bool[holds.Length];
        int length = padding.Size(1);
        for (int i = 0; i < sees.Length; i++)
        {
            int place = i % length, first = Math.Max(0, place - (reach ?? length)), end = (int)Math.Min(length, place + (reach ?? length) + 1L);
            sees[i] = holds[i] || holds.AsSpan(i - place, length)[first..end].Contains(true);
        }
        return sees.Contains(false) ? Ops.Where(Tensor.From(sees, padding.Size(0), 1, length, 1), y, Ops.Mean(v, [2], keepDim: true)) : y;
    }

    private Tensor Counted(Func<int, int, int> position)
    {
        Tensor positions = Tensor.Empty(DType.I32, Ids.Shape);
        Span<int> all = positions.AsSpan<int>();
        ReadOnlySpan<int> ids = Ops.Contiguous(Ids).AsSpan<int>();
        foreach ((int first, int count) in _spans)
            for (int i = 0; i < count; i++) all[first + i] = position(i, ids[first + i]);
        return positions;
    }
}

/// <summary>One layer of an encoder.</summary>
public abstract class EncoderBlock : Module
{
    /// <summary>The stream behind the layer: [B, T, C] → [B, T, C].</summary>
    public abstract Tensor Forward(Tensor x, EncoderPass pass);
}
