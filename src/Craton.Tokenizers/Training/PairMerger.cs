using System.Runtime.InteropServices;
using Craton.Tokenizers.Bpe;

namespace Craton.Tokenizers.Training;

/// <summary>
/// Learns merges from counted pieces. A merge touches only the pieces that hold its pair, and a heap gives the most frequent pair,
/// with counts that are corrected when they come to the top. The bookkeeping is that of Hugging Face <c>tokenizers</c>, including
/// what it does not count (pairs that <see cref="PairMergerOptions.MaxTokenLength"/> rules out, repeats inside a run), so that the
/// merges come out equal. The order of the pieces does not matter.
/// </summary>
internal sealed class PairMerger
{
    private readonly List<byte[]> _tokens;

    // The lengths of the tokens in symbols that merging began with.
    private readonly List<int> _lengths;
    private readonly ByteStringTable _known = new();
    private readonly List<int> _knownIds = [];
    private readonly PairMergerOptions _options;

    // The symbols of all pieces one after the other; a piece becomes shorter in its place.
    private readonly int[] _symbols;
    private readonly Piece[] _pieces;

    private readonly PairTable _pairs = new();
    private MinHeap<Candidate, CandidateOrder> _queue;
    private readonly List<int[]?> _places = [];

    // A round is one merge: the pairs it brings together, and the pieces where it does.
    private readonly List<Arisen> _arisen = [];
    private readonly List<(int Arisen, int Piece)> _sightings = [];
    private int _round = 1;

    /// <summary>Starts from pieces and the tokens so far, special ones first.</summary>
    public PairMerger(TrainingPieces pieces, List<byte[]> tokens, PairMergerOptions options)
    {
        _options = options;
        _tokens = tokens;
        _lengths = [.. tokens.Select(_ => 1)];
        _queue = new(new CandidateOrder(options.Ties == MergeTieRule.GreaterBytes ? tokens : null), 1 << 12);
        for (int id = 0; id < tokens.Count; id++)
        {
            if (_known.GetOrAdd(tokens[id]) == _knownIds.Count)
                _knownIds.Add(id);
        }

        _symbols = pieces.Symbols;
        _pieces = [.. pieces.Pieces.Select(p => new Piece(p.Start, p.Length, p.Count))];
        CountAllPairs();
    }

    /// <summary>Merges until the vocabulary has its size or no pair is frequent enough; the tokens grow in place.</summary>
    public List<Merge> Run()
    {
        var merges = new List<Merge>();
        while (_tokens.Count < _options.VocabularySize && _queue.TryTake(out Candidate best))
        {
            long count = _pairs[best.Pair].Count;
            if (count != best.Count)
            {
                // The count has fallen since this entry was made: back in line with the true one.
                _queue.Add(best with { Count = count });
                continue;
            }

            if (count < 1 || count < _options.MinFrequency)
                break;
            (int left, int right) = (PairTable.Left(best.Pair), PairTable.Right(best.Pair));
            int id = Join(left, right);
            if (id < _options.SpecialTokens)
                continue; // text must not turn into a control token
            merges.Add(new Merge(left, right, id));
            _round++;
            foreach (int piece in _places[best.Places]!)
                Apply(piece, left, right, id);
            _places[best.Places] = null;
            EndRound();
        }

        _queue.Dispose();
        return merges;
    }

    /// <summary>The id of two tokens together; the right one loses the mark of its place in a word.</summary>
    private int Join(int left, int right)
    {
        ReadOnlySpan<byte> rest = _tokens[right];
        if (rest.StartsWith(_options.Prefix))
            rest = rest[_options.Prefix.Length..];
        byte[] token = [.. _tokens[left], .. rest];
        int index = _known.GetOrAdd(token);
        if (index == _knownIds.Count)
        {
            _knownIds.Add(_tokens.Count);
            _tokens.Add(token);
            _lengths.Add(_lengths[left] + _lengths[right]);
        }

        return _knownIds[index];
    }

    private void CountAllPairs()
    {
        for (int i = 0; i < _pieces.Length; i++)
        {
            Piece piece = _pieces[i];
            ReadOnlySpan<int> symbols = _symbols.AsSpan(piece.Start, piece.Length);
            for (int k = 0; k + 1 < symbols.Length; k++)
                Add(symbols[k], symbols[k + 1], piece.Count, i);
        }

        EndRound();
    }

    /// <summary>Replaces a pair in a piece by its merged token.</summary>
    private void Apply(int index, int left, int right, int id)
    {
        ref Piece piece = ref _pieces[index];
        Span<int> symbols = _symbols.AsSpan(piece.Start, piece.Length);
        int kept = 0;
        for (int i = 0; i < symbols.Length; i++)
        {
            if (symbols[i] != left || i + 1 == symbols.Length || symbols[i + 1] != right)
            {
                symbols[kept++] = symbols[i];
                continue;
            }

            if (kept > 0)
            {
                _pairs[PairTable.Key(symbols[kept - 1], left)].Count -= piece.Count;
                AddShort(symbols[kept - 1], id, piece.Count, index);
            }

            if (i + 2 < symbols.Length)
            {
                _pairs[PairTable.Key(right, symbols[i + 2])].Count -= piece.Count;
                AddShort(id, symbols[i + 2], piece.Count, index);
            }

            symbols[kept++] = id;
            i++;
        }

        piece.Length = kept;
    }

    private void AddShort(int left, int right, long count, int piece)
    {
        if (_options.MaxTokenLength is not { } most || _lengths[left] + _lengths[right] < most)
            Add(left, right, count, piece);
    }

    /// <summary>Counts a pair that has come together in a piece, and remembers the piece.</summary>
    private void Add(int left, int right, long count, int piece)
    {
        ulong pair = PairTable.Key(left, right);
        ref PairTable.Entry entry = ref _pairs[pair];
        entry.Count += count;
        if (entry.Round != _round)
        {
            (entry.Round, entry.Arisen) = (_round, _arisen.Count);
            _arisen.Add(new Arisen(pair));
        }

        ref Arisen arisen = ref CollectionsMarshal.AsSpan(_arisen)[entry.Arisen];
        if (arisen.LastPiece == piece)
            return;
        arisen.LastPiece = piece;
        arisen.Pieces++;
        _sightings.Add((entry.Arisen, piece));
    }

    /// <summary>Queues the pairs that the round has brought together, each with its pieces.</summary>
    private void EndRound()
    {
        Span<Arisen> all = CollectionsMarshal.AsSpan(_arisen);
        int first = _places.Count;
        foreach (ref Arisen arisen in all)
        {
            _places.Add(new int[arisen.Pieces]);
            arisen.Pieces = 0;
        }

        foreach ((int number, int piece) in _sightings)
            _places[first + number]![all[number].Pieces++] = piece;
        for (int i = 0; i < all.Length; i++)
        {
            long count = _pairs[all[i].Pair].Count;
            if (count > 0)
                _queue.Add(new Candidate(count, all[i].Pair, _round, first + i));
        }

        _arisen.Clear();
        _sightings.Clear();
    }

    /// <summary>A piece of text: where its symbols are, and how often it was seen.</summary>
    private record struct Piece(int Start, int Length, long Count);

    /// <summary>A pair that the round has brought together, in how many pieces, and in which one last.</summary>
    private record struct Arisen(ulong Pair)
    {
        public int Pieces;
        public int LastPiece = -1;
    }

    /// <summary>A pair, how often it was seen when queued, the round that brought it together, and where its pieces are kept.</summary>
    private readonly record struct Candidate(long Count, ulong Pair, int Round, int Places);

    /// <summary>The most frequent first; of equals, the one that <see cref="MergeTieRule"/> names.</summary>
    private readonly struct CandidateOrder(List<byte[]>? tokens) : IComparer<Candidate>
    {
        public int Compare(Candidate a, Candidate b)
        {
            if (a.Count != b.Count)
                return b.Count.CompareTo(a.Count);
            // A pair is twice in the queue when two merges led to one token.
            if (a.Pair == b.Pair)
                return a.Round.CompareTo(b.Round);
            return tokens is null ? a.Pair.CompareTo(b.Pair) : CompareBytes(tokens, a.Pair, b.Pair);
        }

        private static int CompareBytes(List<byte[]> tokens, ulong a, ulong b)
        {
            int left = tokens[PairTable.Left(b)].AsSpan().SequenceCompareTo(tokens[PairTable.Left(a)]);
            return left != 0 ? left : tokens[PairTable.Right(b)].AsSpan().SequenceCompareTo(tokens[PairTable.Right(a)]);
        }
    }
}
