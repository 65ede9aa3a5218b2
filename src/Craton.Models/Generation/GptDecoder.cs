using System.Runtime.InteropServices;
using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>
/// One text as a model reads it: every token is computed once, its keys and values are kept. Reading in pieces gives the same bits as
/// reading at once.
/// </summary>
internal sealed class GptDecoder(Gpt model)
{
    private const int LeastCapacity = 256;

    private readonly List<int> _read = [];
    private KvCache? _cache;

    /// <summary>Begins a text, keeping what the last one shares with it, as the next turn of a conversation does.</summary>
    /// <param name="prompt">Its first tokens.</param>
    /// <param name="capacity">Most tokens it may come to have.</param>
    /// <param name="reuse">False: every token of the prompt is to be read again.</param>
    /// <returns>How many tokens of the prompt need not be read again: all but one at most.</returns>
    public int Begin(ReadOnlySpan<int> prompt, int capacity, bool reuse = true)
    {
        if (_cache is null || _cache.Capacity < capacity)
        {
            int room = (int)Math.Min(model.Config.MaxPositionEmbeddings, Math.Max(LeastCapacity, 2L * capacity));
            _cache = new KvCache(model.Config, capacity: room);
            _read.Clear();
        }
        int shared = reuse ? Math.Min(CollectionsMarshal.AsSpan(_read).CommonPrefixLength(prompt), prompt.Length - 1) : 0;
        _cache.Trim(shared);
        _read.RemoveRange(shared, _read.Count - shared);
        return shared;
    }

    /// <summary>Reads the next tokens.</summary>
    /// <returns>Their hidden states [1, n, C]; <see cref="Gpt.Logits"/> turns them into scores.</returns>
    public Tensor Read(ReadOnlySpan<int> ids)
    {
        Tensor hidden = model.Model.Forward(Tensor.From(ids, 1, ids.Length), default, _cache);
        _read.AddRange(ids);
        return hidden;
    }
}
