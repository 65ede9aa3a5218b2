using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>What a search asks of a model: scores of the next token of several texts at once, of whose earlier tokens the model keeps what it computed.</summary>
internal abstract class BeamModel
{
    private readonly int _rows;
    private KvCache? _cache;

    /// <summary>Begins a search.</summary>
    /// <param name="rows">Number of texts, but for the first call, which reads one.</param>
    protected BeamModel(int rows) => _rows = rows;

    /// <summary>Number of token ids.</summary>
    public abstract int Vocabulary { get; }

    /// <summary>Scores of the token after each text.</summary>
    /// <param name="texts">Texts of one length, each one token longer than its parent.</param>
    /// <param name="parents">The number of each text's parent in the call before.</param>
    /// <returns>[texts, V].</returns>
    public Tensor Next(IReadOnlyList<IReadOnlyList<int>> texts, ReadOnlySpan<int> parents)
    {
        int length = texts[0].Count;
        if (_cache is null)
        {
            KvCache one = NewCache();
            Tensor scores = Scores(texts, 0, one);
            _cache = one.Repeat(_rows);
            return scores;
        }
        _cache.Reorder(parents);
        // Where positions turn otherwise from this length on, what was kept does not fit.
        if (Epoch(length) != Epoch(length - 1)) _cache.Trim(0);
        return Scores(texts, _cache.Length, _cache);
    }

    /// <summary>The tokens of texts from a place on, [texts, T].</summary>
    protected static Tensor From(IReadOnlyList<IReadOnlyList<int>> texts, int place)
    {
        int[] ids = [.. texts.SelectMany(text => text.Skip(place))];
        return Tensor.From(ids, texts.Count, ids.Length / texts.Count);
    }

    /// <summary>A cache of one row.</summary>
    protected abstract KvCache NewCache();

    /// <summary>Scores behind the last token of each text, whose tokens before a place the cache holds.</summary>
    protected abstract Tensor Scores(IReadOnlyList<IReadOnlyList<int>> texts, int from, KvCache cache);

    /// <summary>Texts whose lengths have the same number read alike.</summary>
    protected virtual int Epoch(int length) => 0;
}

/// <summary>A decoder as a search sees it.</summary>
/// <param name="model">The model.</param>
/// <param name="rows">Number of texts.</param>
/// <param name="capacity">Most tokens of one.</param>
internal sealed class DecoderBeams(CausalLanguageModel model, int rows, int capacity) : BeamModel(rows)
{
    public override int Vocabulary => model.Config.VocabSize;

    protected override KvCache NewCache() => model.NewCache(capacity: capacity);

    protected override Tensor Scores(IReadOnlyList<IReadOnlyList<int>> texts, int from, KvCache cache)
    {
        int length = texts[0].Count;
        Tensor hidden = model.Hidden(From(texts, from), new DecoderInput(Length: length), cache);
        return model.Logits(Ops.Select(hidden, 1, length - from - 1));
    }

    protected override int Epoch(int length) => model.Epoch(length);
}
