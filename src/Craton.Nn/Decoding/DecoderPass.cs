using Craton.Tensors;

namespace Craton.Nn;

/// <summary>What a batch says beside its ids. All optional.</summary>
/// <param name="Positions">Position of each token in its text, I32 [B, T] or [T]; counted from the cache's length when absent.</param>
/// <param name="Documents">Number of the document each token belongs to, I32 [B, T]: tokens see their own document only.</param>
/// <param name="KeyPadding">Which places hold a token, Bool [B, T].</param>
/// <param name="Length">
/// How long the text is, or will be when the rest of a prompt has been read: rotations that are scaled by it (dynamic, longrope) go by this.
/// The greatest position plus one when 0.
/// </param>
/// <param name="BothWays">Tokens see those that follow them too, as in a model that denoises; not with a cache.</param>
public readonly record struct DecoderInput(Tensor? Positions = null, Tensor? Documents = null, Tensor? KeyPadding = null, int Length = 0, bool BothWays = false);

/// <summary>How one layer's scores are formed, beside what every layer shares.</summary>
/// <param name="Scale">Factor on the scores; 1/√D when null.</param>
/// <param name="Window">A query sees itself and the Window − 1 tokens before it; everything before it when null.</param>
/// <param name="SoftCap">Scores s become cap · tanh(s / cap).</param>
/// <param name="AlibiSlopes">Slopes [H] of linear biases.</param>
public readonly record struct AttentionSettings(double? Scale = null, int? Window = null, double? SoftCap = null, Tensor? AlibiSlopes = null);

/// <summary>
/// One call of a decoder on its way through the layers: where its tokens stand, what they may see, and the past. It is the only way in which
/// a model reaches positions and the keys and values of earlier tokens.
/// </summary>
public readonly struct DecoderPass
{
    private readonly DecoderInput _input;
    private readonly KvCache? _cache;
    private readonly PagedBatch? _batch;
    private readonly KeyValuePrefix? _prefix;
    private readonly int _past, _length;

    /// <summary>Begins a call.</summary>
    /// <param name="ids">Token ids [B, T].</param>
    /// <param name="input">Positions, documents, padding.</param>
    /// <param name="cache">Keys and values of earlier positions; layers append their own.</param>
    /// <param name="prefix">Keys and values that stand before the text, when it begins with this call.</param>
    public DecoderPass(Tensor ids, DecoderInput input, KvCache? cache, KeyValuePrefix? prefix = null)
    {
        (_input, _cache, _prefix) = (input, cache, prefix);
        _past = (cache?.Length ?? 0) + (prefix?.Count ?? 0);
        Tokens = ids.Size(1);
        _length = input.Length > 0 ? input.Length : input.Positions is { } positions ? Greatest(positions) + 1 : _past + Tokens;
    }

    /// <summary>Begins a call for several texts.</summary>
    /// <param name="batch">The texts, and where their keys and values lie.</param>
    /// <param name="prefix">Keys and values at the first positions of every text.</param>
    public DecoderPass(PagedBatch batch, KeyValuePrefix? prefix = null)
    {
        (_batch, _input, _prefix) = (batch, new DecoderInput(batch.Positions), prefix);
        Tokens = batch.Positions.Size(1);
    }

    /// <summary>Tokens of each row.</summary>
    public int Tokens { get; }

    /// <summary>Looks the positions up in a table of learned ones: [T, C] or [B, T, C].</summary>
    /// <param name="table">Vectors of the positions.</param>
    /// <param name="shift">Row of position 0.</param>
    public Tensor Learned(Embedding table, int shift = 0)
    {
        if (_input.Positions is { } given && shift == 0) return table.Forward(given);
        Tensor rows = _input.Positions is { } from ? Tensor.Empty(DType.I32, from.Shape) : Tensor.Empty(DType.I32, Tokens);
        Span<int> all = rows.AsSpan<int>();
        for (int i = 0; i < all.Length; i++) all[i] = shift + (_input.Positions is { } p ? p.AsSpan<int>()[i] : _past + i);
        return table.Forward(rows);
    }

    /// <summary>Turns queries or keys [B, H, T, D] by their positions.</summary>
    public Tensor Rotate(Tensor x, RotaryPositions rotary, RotaryLayout layout = RotaryLayout.Half) => _batch is null
        ? Ops.Rotary(x, rotary.For(_length), _input.Positions, _input.Positions is null ? _past : 0, layout)
        : _batch.Rotate(x, rotary, layout);

    /// <summary>Attention of the new tokens to the past and themselves; to all tokens of their text where they see both ways.</summary>
    /// <param name="layer">Number of the layer.</param>
    /// <param name="q">Queries [B, H, T, D].</param>
    /// <param name="k">Keys [B, G, T, D]; H is a multiple of G.</param>
    /// <param name="v">Values [B, G, T, D].</param>
    /// <param name="settings">How scores are formed.</param>
    /// <returns>[B, T, H·D].</returns>
    public Tensor Attend(int layer, Tensor q, Tensor k, Tensor v, in AttentionSettings settings)
    {
        if (_prefix is not null) (k, v) = _batch is null ? _prefix.Before(layer, k, v) : _prefix.Within(layer, k, v, _batch.Positions);
        var options = new AttentionOptions
        {
            Causal = !_input.BothWays,
            QueryOffset = _past,
            Scale = settings.Scale,
            Window = settings.Window,
            SoftCap = settings.SoftCap,
            AlibiSlopes = settings.AlibiSlopes,
            DocumentIds = _input.Documents,
            KeyPadding = _input.KeyPadding,
        };
        if (_cache is not null) (k, v) = _cache.Append(layer, k, v);
        Tensor y = _batch is null ? Ops.Attention(q, k, v, options) : _batch.Attend(layer, q, k, v, options);
        // The result lies in memory as [B, T, H, D]: turning it back is a view.
        return y.Permute(0, 2, 1, 3).View(y.Size(0), y.Size(2), y.Size(1) * y.Size(3));
    }

    private static int Greatest(Tensor positions)
    {
        int greatest = 0;
        foreach (int position in positions.AsSpan<int>()) greatest = Math.Max(greatest, position);
        return greatest;
    }
}

/// <summary>One block of a decoder.</summary>
public abstract class DecoderBlock : Module
{
    /// <summary>The stream behind the block: [B, T, C] → [B, T, C].</summary>
    public abstract Tensor Forward(Tensor x, in DecoderPass pass);
}
