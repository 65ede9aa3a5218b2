using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// Keys and values of many texts on pages of equal size (Kwon et al. 2023): one store of pages for every layer. Which page belongs to which
/// text is the caller's to know; a page has the same number in all layers.
/// </summary>
public sealed class PagedCache
{
    private readonly Tensor[] _keys, _values; // [P, G, S, D]

    /// <summary>Creates the store.</summary>
    /// <param name="layers">Number of layers.</param>
    /// <param name="pages">Number of pages.</param>
    /// <param name="pageSize">Tokens of a page.</param>
    /// <param name="heads">Key and value heads.</param>
    /// <param name="headDim">Width of a head.</param>
    /// <param name="type">What keys and values are rounded to: F32, F16 or BF16.</param>
    public PagedCache(int layers, int pages, int pageSize, int heads, int headDim, DType type = DType.F32)
    {
        (Pages, PageSize) = (pages, pageSize);
        _keys = Stores();
        _values = Stores();

        Tensor[] Stores() => [.. Enumerable.Range(0, layers).Select(_ => Tensor.Persistent(type, pages, heads, pageSize, headDim))];
    }

    /// <summary>Number of pages.</summary>
    public int Pages { get; }

    /// <summary>Tokens of a page.</summary>
    public int PageSize { get; }

    /// <summary>Keys and values of a layer, [P, G, S, D] each.</summary>
    internal (Tensor Keys, Tensor Values) Layer(int layer) => (_keys[layer], _values[layer]);

    /// <summary>Stores keys and values [1, G, N, D] of the texts' new tokens.</summary>
    internal void Store(int layer, Tensor keys, Tensor values, PagedText[] texts)
    {
        (keys, values) = (Ops.Cast(keys, _keys[layer].DType), Ops.Cast(values, _values[layer].DType));
        foreach (PagedText text in texts)
            for (int done = 0, n; done < text.Count; done += n)
            {
                (int page, int at) = Math.DivRem(text.Past + done, PageSize);
                n = Math.Min(text.Count - done, PageSize - at);
                Put(_keys[layer], text.Pages[page], at, keys, text.First + done, n);
                Put(_values[layer], text.Pages[page], at, values, text.First + done, n);
            }
    }

    private static void Put(Tensor store, int page, int at, Tensor fresh, int row, int count) =>
        store.Slice(0, page, page + 1).Slice(2, at, at + count).Assign(fresh.Slice(2, row, row + count));
}

/// <summary>
/// The texts of one pass of a decoder: their new tokens stand one text after the other in a single row. Everything but positions and
/// attention is computed for all of them at once.
/// </summary>
public sealed class PagedBatch
{
    private readonly PagedText[] _texts;
    private readonly int[] _lengths;
    private readonly PagedCache _cache;

    /// <summary>Describes a pass.</summary>
    /// <param name="cache">Keys and values of earlier tokens; layers add their own.</param>
    /// <param name="texts">The texts, whose rows follow each other from row 0 on without gaps.</param>
    /// <param name="lengths">How long each text is, or will be when the rest of its prompt has been read (<see cref="DecoderInput.Length"/>).</param>
    public PagedBatch(PagedCache cache, PagedText[] texts, int[] lengths)
    {
        (_cache, _texts, _lengths) = (cache, texts, lengths);
        Positions = Tensor.Empty(DType.I32, 1, texts.Sum(t => t.Count));
        Span<int> positions = Positions.AsSpan<int>();
        foreach (PagedText text in texts)
            for (int i = 0; i < text.Count; i++) positions[text.First + i] = text.Past + i;
    }

    /// <summary>The place of every token in its text, I32 [1, N].</summary>
    public Tensor Positions { get; }

    /// <summary>Turns queries or keys [1, H, N, D] by the positions in their texts.</summary>
    internal Tensor Rotate(Tensor x, RotaryPositions rotary, RotaryLayout layout)
    {
        RotaryTable first = rotary.For(_lengths[0]);
        if (Array.TrueForAll(_lengths, length => rotary.Epoch(length) == rotary.Epoch(_lengths[0]))) return Ops.Rotary(x, first, Positions, layout: layout);
        var parts = new Tensor[_texts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            PagedText text = _texts[i];
            parts[i] = Ops.Rotary(x.Slice(2, text.First, text.First + text.Count), rotary.For(_lengths[i]), offset: text.Past, layout: layout);
        }
        return Ops.Concat(2, parts);
    }

    /// <summary>Attention of every text's new tokens to its past and themselves; keys and values are stored.</summary>
    internal Tensor Attend(int layer, Tensor q, Tensor k, Tensor v, in AttentionOptions options)
    {
        _cache.Store(layer, k, v, _texts);
        (Tensor keys, Tensor values) = _cache.Layer(layer);
        return Ops.PagedAttention(q, keys, values, _texts, options);
    }
}
