using System.Runtime.InteropServices;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>
/// One text as a model reads it: every token is computed once, its keys and values are kept. Reading in pieces gives the same bits as
/// reading at once.
/// </summary>
internal sealed class CachedReader(CausalLanguageModel model)
{
    private const int LeastCapacity = 256;

    private readonly List<int> _read = [];
    private KvCache? _cache;
    private int _length; // of the text, as far as it is known

    /// <summary>Begins a text, keeping what the last one shares with it, as the next turn of a conversation does.</summary>
    /// <param name="prompt">Its first tokens.</param>
    /// <param name="capacity">Most tokens it may come to have.</param>
    /// <param name="reuse">False: every token of the prompt is to be read again.</param>
    /// <returns>How many tokens of the prompt need not be read again: all but one at most.</returns>
    public int Begin(ReadOnlySpan<int> prompt, int capacity, bool reuse = true)
    {
        int virtualTokens = model.Prompt?.Count ?? 0; // stand before the text in the cache
        capacity += virtualTokens;
        if (_cache is null || _cache.Capacity < capacity)
        {
            int room = (int)Math.Min(model.Config.MaxPositionEmbeddings, Math.Max(LeastCapacity, 2L * capacity));
            _cache = model.NewCache(capacity: room);
            _read.Clear();
        }
        reuse &= model.Epoch(prompt.Length) == model.Epoch(_length);
        int shared = reuse ? Math.Min(CollectionsMarshal.AsSpan(_read).CommonPrefixLength(prompt), prompt.Length - 1) : 0;
        _cache.Trim(shared == 0 ? 0 : virtualTokens + shared);
        _read.RemoveRange(shared, _read.Count - shared);
        _length = prompt.Length;
        return shared;
    }

    /// <summary>Reads the next tokens.</summary>
    /// <returns>Their hidden states [1, n, C]; <see cref="CausalLanguageModel.Logits"/> turns them into scores.</returns>
    public Tensor Read(ReadOnlySpan<int> ids)
    {
        int length = Math.Max(_length, _read.Count + ids.Length);
        if (model.Epoch(length) != model.Epoch(_length)) return ReadAnew(ids, length);
        _length = length;
        Tensor hidden = Pass(ids);
        _read.AddRange(ids);
        return hidden;
    }

    // The text grew into a length at which positions turn otherwise: what was kept does not fit.
    private Tensor ReadAnew(ReadOnlySpan<int> ids, int length)
    {
        _length = length;
        _cache!.Trim(0);
        _read.AddRange(ids);
        Tensor hidden = Pass(CollectionsMarshal.AsSpan(_read));
        return hidden.Slice(1, _read.Count - ids.Length);
    }

    private Tensor Pass(ReadOnlySpan<int> ids) => model.Hidden(Tensor.From(ids, 1, ids.Length), new DecoderInput(Length: _length), _cache);
}
