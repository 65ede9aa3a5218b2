using System.Runtime.InteropServices;
using Craton.Tokenizers.Bpe;

namespace Craton.Tokenizers.Training;

/// <summary>
/// Learns merges from counted pieces. A merge touches only the pieces that hold its pair, and a heap gives the most frequent pair,
/// with counts that are corrected when they come to the top. The bookkeeping is that of Hugging Face <c>tokenizers</c>, including
/// what it does not count (pairs that <see cref="BpeTrainerOptions.MaxTokenLength"/> rules out, repeats inside a run), so that the
/// merges come out equal.
/// </summary>
internal sealed class PairMerger
{
    private readonly List<byte[]> _tokens;
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly HashSet<int> _special;
    private readonly int[][] _pieces;
    private readonly int[] _lengths;
    private readonly long[] _counts;
    private readonly Dictionary<(int Left, int Right), long> _pairCounts = [];
    private readonly PriorityQueue<Candidate, Candidate> _queue;
    private readonly BpeTrainerOptions _options;

    /// <summary>Starts from pieces and the tokens so far: special ones, then one per byte.</summary>
    public PairMerger((byte[] Piece, long Count)[] pieces, List<byte[]> tokens, BpeTrainerOptions options)
    {
        _options = options;
        _tokens = tokens;
        _special = [.. Enumerable.Range(0, options.SpecialTokens.Count)];
        for (int id = 0; id < tokens.Count; id++)
            _ids.TryAdd(ByteLevelAlphabet.ToSymbols(tokens[id]), id);
        var byteIds = new int[256];
        for (int id = options.SpecialTokens.Count; id < tokens.Count; id++)
            byteIds[tokens[id][0]] = id;

        _queue = new PriorityQueue<Candidate, Candidate>(Comparer<Candidate>.Create(Compare));
        _pieces = new int[pieces.Length][];
        _lengths = new int[pieces.Length];
        _counts = new long[pieces.Length];
        for (int i = 0; i < pieces.Length; i++)
        {
            _pieces[i] = Array.ConvertAll(pieces[i].Piece, b => byteIds[b]);
            _lengths[i] = _pieces[i].Length;
            _counts[i] = pieces[i].Count;
        }

        CountAllPairs();
    }

    /// <summary>Merges until the vocabulary has its size or no pair is frequent enough; the tokens grow in place.</summary>
    public List<Merge> Run()
    {
        var merges = new List<Merge>();
        while (_tokens.Count < _options.VocabularySize && _queue.TryDequeue(out Candidate? best, out _))
        {
            long count = _pairCounts[best.Pair];
            if (count != best.Count)
            {
                // The count has fallen since this entry was made: back in line with the true one.
                Enqueue(best with { Count = count });
                continue;
            }

            if (count < 1 || count < _options.MinFrequency)
                break;
            byte[] merged = [.. _tokens[best.Pair.Left], .. _tokens[best.Pair.Right]];
            int id = IdOf(merged);
            if (_special.Contains(id))
                continue; // text must not turn into a control token
            merges.Add(new Merge(best.Pair.Left, best.Pair.Right, id));
            Apply(best, id);
        }

        return merges;
    }

    private int IdOf(byte[] token)
    {
        string key = ByteLevelAlphabet.ToSymbols(token);
        if (!_ids.TryGetValue(key, out int id))
        {
            id = _tokens.Count;
            _ids.Add(key, id);
            _tokens.Add(token);
        }

        return id;
    }

    private void CountAllPairs()
    {
        var places = new Dictionary<(int, int), List<int>>();
        for (int piece = 0; piece < _pieces.Length; piece++)
        {
            int[] symbols = _pieces[piece];
            for (int i = 0; i + 1 < symbols.Length; i++)
            {
                (int, int) pair = (symbols[i], symbols[i + 1]);
                CollectionsMarshal.GetValueRefOrAddDefault(_pairCounts, pair, out _) += _counts[piece];
                Remember(places, pair, piece);
            }
        }

        EnqueueAll(places);
    }

    /// <summary>Replaces the pair in the pieces of the entry and queues the pairs that arise.</summary>
    private void Apply(Candidate best, int id)
    {
        var places = new Dictionary<(int, int), List<int>>();
        foreach (int piece in best.Pieces)
            Apply(piece, best.Pair, id, places);
        EnqueueAll(places);
    }

    private void Apply(int piece, (int Left, int Right) pair, int id, Dictionary<(int, int), List<int>> places)
    {
        Span<int> symbols = _pieces[piece].AsSpan(0, _lengths[piece]);
        int kept = 0;
        for (int i = 0; i < symbols.Length; i++)
        {
            if (symbols[i] != pair.Left || i + 1 == symbols.Length || symbols[i + 1] != pair.Right)
            {
                symbols[kept++] = symbols[i];
                continue;
            }

            if (kept > 0)
                Exchange((symbols[kept - 1], pair.Left), (symbols[kept - 1], id), piece, places);
            if (i + 2 < symbols.Length)
                Exchange((pair.Right, symbols[i + 2]), (id, symbols[i + 2]), piece, places);
            symbols[kept++] = id;
            i++;
        }

        _lengths[piece] = kept;
    }

    private void Exchange((int Left, int Right) old, (int Left, int Right) arisen, int piece, Dictionary<(int, int), List<int>> places)
    {
        CollectionsMarshal.GetValueRefOrAddDefault(_pairCounts, old, out _) -= _counts[piece];
        if (_options.MaxTokenLength is { } most && _tokens[arisen.Left].Length + _tokens[arisen.Right].Length >= most)
            return;
        CollectionsMarshal.GetValueRefOrAddDefault(_pairCounts, arisen, out _) += _counts[piece];
        Remember(places, arisen, piece);
    }

    private static void Remember(Dictionary<(int, int), List<int>> places, (int, int) pair, int piece)
    {
        ref List<int>? list = ref CollectionsMarshal.GetValueRefOrAddDefault(places, pair, out _);
        list ??= [];
        if (list.Count == 0 || list[^1] != piece)
            list.Add(piece);
    }

    private void EnqueueAll(Dictionary<(int, int), List<int>> places)
    {
        foreach (((int Left, int Right) pair, List<int> pieces) in places)
        {
            if (_pairCounts[pair] > 0)
                Enqueue(new Candidate(pair, _pairCounts[pair], pieces));
        }
    }

    private void Enqueue(Candidate candidate) => _queue.Enqueue(candidate, candidate);

    private int Compare(Candidate a, Candidate b)
    {
        if (a.Count != b.Count)
            return b.Count.CompareTo(a.Count);
        if (_options.Ties == MergeTieRule.SmallerIds)
            return a.Pair.CompareTo(b.Pair);
        int left = _tokens[b.Pair.Left].AsSpan().SequenceCompareTo(_tokens[a.Pair.Left]);
        return left != 0 ? left : _tokens[b.Pair.Right].AsSpan().SequenceCompareTo(_tokens[a.Pair.Right]);
    }

    /// <summary>A pair, how often it was seen when queued, and the pieces to look for it in.</summary>
    private sealed record Candidate((int Left, int Right) Pair, long Count, List<int> Pieces);
}
