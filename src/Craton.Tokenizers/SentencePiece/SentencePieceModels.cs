using System.Runtime.InteropServices;
using System.Text;
using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers;

/// <summary>Chooses the pieces of a normalised text.</summary>
internal abstract class SentencePieceModel
{
    /// <summary>Appends the pieces in order; a character without one gets the unknown id.</summary>
    public abstract void Encode(ReadOnlySpan<AlignedChar> text, List<ModelToken> result);

    /// <summary>The pieces that text can become.</summary>
    protected static bool IsText(SentencePiece piece) =>
        piece.Kind is SentencePieceKind.Normal or SentencePieceKind.UserDefined or SentencePieceKind.Unused;
}

/// <summary>The most probable pieces (Kudo 2018), summed in single precision.</summary>
internal sealed class SentencePieceUnigram : SentencePieceModel
{
    private const float UnknownPenalty = 10;

    private readonly Viterbi _viterbi;

    public SentencePieceUnigram(IReadOnlyList<SentencePiece> pieces, int unknown)
    {
        var trie = new CodeTrie();
        var scores = new double[pieces.Count];
        float[] normal = [.. pieces.Where(p => p.Kind == SentencePieceKind.Normal).Select(p => p.Score)];
        (float least, float most) = normal.Length > 0 ? (normal.Min(), normal.Max()) : (0, 0);
        for (int id = 0; id < pieces.Count; id++)
        {
            SentencePiece piece = pieces[id];
            if (!IsText(piece) || piece.Kind == SentencePieceKind.Unused)
                continue;
            trie.Add(piece.Text, id);
            // A user-defined symbol is always better than its parts.
            scores[id] = piece.Kind == SentencePieceKind.UserDefined
                ? Encoding.UTF8.GetByteCount(piece.Text) * most - 0.1 : piece.Score;
        }

        _viterbi = new Viterbi(trie, scores, unknown, least - UnknownPenalty, single: true);
    }

    public override void Encode(ReadOnlySpan<AlignedChar> text, List<ModelToken> result) => _viterbi.Encode(text, result, joinsUnknown: false);
}

/// <summary>Merges of neighbours into pieces, the best score first, of equals the leftmost.</summary>
internal sealed class SentencePieceBpe : SentencePieceModel
{
    private readonly int _unknown;
    private readonly SymbolMatcher _frozen;
    private readonly Dictionary<string, int> _symbols = new(StringComparer.Ordinal);
    private readonly Dictionary<int, int> _characters = [];
    private readonly MergeTable _merges;
    private readonly bool[] _isText, _isUnused;
    private readonly Dictionary<int, (int Left, int Right, int LeftLength)> _parts = [];

    /// <summary>Creates the model.</summary>
    /// <param name="pieces">The vocabulary.</param>
    /// <param name="unknown">The id for characters without a piece.</param>
    /// <param name="frozen">The symbols that never merge.</param>
    public SentencePieceBpe(IReadOnlyList<SentencePiece> pieces, int unknown, SymbolMatcher frozen)
    {
        (_unknown, _frozen) = (unknown, frozen);
        _isText = [.. pieces.Select(IsText)];
        _isUnused = [.. pieces.Select(p => p.Kind == SentencePieceKind.Unused)];
        for (int id = 0; id < pieces.Count; id++)
        {
            if (_isText[id])
                _symbols.TryAdd(pieces[id].Text, id);
        }

        // Characters that are no piece of their own can be parts of one.
        int next = pieces.Count;
        foreach (Rune rune in pieces.Where(IsText).SelectMany(p => p.Text.EnumerateRunes().ToArray()))
        {
            if (!_characters.ContainsKey(rune.Value))
                _characters.Add(rune.Value, _symbols.TryGetValue(rune.ToString(), out int id) ? id : next++);
        }

        _merges = new MergeTable(2 * pieces.Count);
        float[] scores = [.. pieces.Where(IsText).Select(p => p.Score).Distinct().OrderDescending()];
        var ranks = new Dictionary<float, int>(scores.Select((score, rank) => KeyValuePair.Create(score, rank)));
        foreach ((string text, int id) in _symbols)
            AddMerges(text, id, ranks[pieces[id].Score]);
    }

    public override void Encode(ReadOnlySpan<AlignedChar> text, List<ModelToken> result)
    {
        var (symbols, sizes) = (new List<int>(text.Length), new List<int>(text.Length));
        for (int i = 0; i < text.Length; i += sizes[^1])
        {
            int frozen = _frozen.LongestPrefix(text[i..]);
            sizes.Add(Math.Max(1, frozen));
            // A negative symbol has no merges.
            symbols.Add(frozen > 0 ? -1 - _symbols[AlignedText.TextOf(text.Slice(i, frozen))]
                : _characters.TryGetValue(text[i].Code, out int symbol) ? symbol : int.MinValue);
        }

        int count = WordMerger.Merge(_merges, CollectionsMarshal.AsSpan(symbols), CollectionsMarshal.AsSpan(sizes));
        for (int i = 0, start = 0; i < count; start += sizes[i++])
        {
            int id = symbols[i] == int.MinValue ? _unknown : symbols[i] < 0 ? -1 - symbols[i] : symbols[i];
            Add(text, id, start, start + sizes[i], result);
        }
    }

    /// <summary>Appends a piece, or the parts of one that is not in use.</summary>
    private void Add(ReadOnlySpan<AlignedChar> text, int id, int start, int end, List<ModelToken> result)
    {
        if (_parts.TryGetValue(id, out (int Left, int Right, int LeftLength) parts))
        {
            Add(text, parts.Left, start, start + parts.LeftLength, result);
            Add(text, parts.Right, start + parts.LeftLength, end, result);
            return;
        }

        result.Add(new ModelToken(id < _isText.Length && _isText[id] ? id : _unknown, start, end));
    }

    private void AddMerges(string text, int id, int rank)
    {
        for (int cut = 1; cut < text.Length; cut++)
        {
            if (char.IsLowSurrogate(text[cut]) || SymbolOf(text[..cut]) is not int left || SymbolOf(text[cut..]) is not int right)
                continue;
            _merges.TryAdd(left, right, rank, id);
            if (_isUnused[id])
                _parts[id] = (left, right, text.AsSpan(0, cut).ToString().EnumerateRunes().Count());
        }
    }

    private int? SymbolOf(string text)
    {
        if (_symbols.TryGetValue(text, out int id))
            return id;
        return Rune.TryGetRuneAt(text, 0, out Rune rune) && rune.Utf16SequenceLength == text.Length
            && _characters.TryGetValue(rune.Value, out int symbol) ? symbol : null;
    }
}

/// <summary>Whole words, or single characters.</summary>
internal sealed class SentencePieceLookup : SentencePieceModel
{
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly int _unknown;
    private readonly SymbolMatcher? _symbols;

    /// <summary>Creates the model.</summary>
    /// <param name="pieces">The vocabulary.</param>
    /// <param name="unknown">The id for what is no piece.</param>
    /// <param name="symbols">For single characters the symbols that are one; null for words.</param>
    public SentencePieceLookup(IReadOnlyList<SentencePiece> pieces, int unknown, SymbolMatcher? symbols)
    {
        (_unknown, _symbols) = (unknown, symbols);
        for (int id = 0; id < pieces.Count; id++)
        {
            if (IsText(pieces[id]))
                _ids.TryAdd(pieces[id].Text, id);
        }
    }

    public override void Encode(ReadOnlySpan<AlignedChar> text, List<ModelToken> result)
    {
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = _symbols is null ? WordEnd(text, start) : start + Math.Max(1, _symbols.LongestPrefix(text[start..]));
            int id = _ids.GetValueOrDefault(AlignedText.TextOf(text[start..end]), _unknown);
            result.Add(new ModelToken(id, start, end));
        }
    }

    private static int WordEnd(ReadOnlySpan<AlignedChar> text, int start)
    {
        int end = start + 1;
        while (end < text.Length && text[end].Code != SentencePieceTokenizer.Mark)
            end++;
        return end;
    }
}
