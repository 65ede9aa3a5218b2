using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Craton.Tokenizers.Bpe;

/// <summary>
/// A byte-level BPE vocabulary with its merges: encodes single words. Special tokens are not reachable from here, even where the
/// vocabulary spells them, so that ordinary text never turns into a control token.
/// </summary>
internal sealed class BpeModel
{
    /// <summary>The most words in one call.</summary>
    public const int WordsAtOnce = 64;

    private readonly int[] _byteIds = new int[256];
    private readonly MergeTable _merges;
    private readonly ByteStringTable _words;
    private readonly int[] _wordIds;

    /// <summary>Creates a model.</summary>
    /// <param name="vocabulary">The tokens by id.</param>
    /// <param name="merges">Pairs of ids in order of rank with the id they become.</param>
    /// <param name="ignoreMerges">Take a whole word that is in the vocabulary without merging.</param>
    /// <param name="isSpecial">Which ids are control tokens.</param>
    public BpeModel(BpeVocabulary vocabulary, IReadOnlyList<Merge> merges, bool ignoreMerges, Func<int, bool> isSpecial)
    {
        Vocabulary = vocabulary;
        Merges = merges;
        IgnoreMerges = ignoreMerges;
        Array.Fill(_byteIds, -1);
        _words = new ByteStringTable(vocabulary.Count);
        var wordIds = new List<int>(vocabulary.Count);
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.KindOf(id) != TokenKind.Bytes || isSpecial(id))
                continue;
            ReadOnlySpan<byte> bytes = vocabulary.BytesOf(id);
            if (bytes.Length == 1)
                _byteIds[bytes[0]] = id;
            if (_words.GetOrAdd(bytes) == wordIds.Count)
                wordIds.Add(id);
        }

        _wordIds = [.. wordIds];
        _merges = new MergeTable(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            Merge merge = merges[rank];
            if (!isSpecial(merge.Result) && vocabulary.KindOf(merge.Result) == TokenKind.Bytes)
                _merges.TryAdd(merge.Left, merge.Right, rank, merge.Result);
        }
    }

    /// <summary>The tokens by id.</summary>
    public BpeVocabulary Vocabulary { get; }

    /// <summary>The merges in order of rank.</summary>
    public IReadOnlyList<Merge> Merges { get; }

    /// <summary>Whether a whole word that is in the vocabulary is taken without merging.</summary>
    public bool IgnoreMerges { get; }

    /// <summary>The id of exactly these bytes among the ordinary tokens, or null.</summary>
    public int? Find(ReadOnlySpan<byte> bytes) => _words.Find(bytes) is >= 0 and int index ? _wordIds[index] : null;

    /// <summary>Encodes words that follow each other.</summary>
    /// <param name="text">The text that holds them.</param>
    /// <param name="start">Where the first word begins.</param>
    /// <param name="ends">Where the words end, at most <see cref="WordsAtOnce"/>.</param>
    /// <param name="ids">Receives the ids, appended.</param>
    /// <param name="cache">What is known of earlier words.</param>
    [SkipLocalsInit]
    public void EncodeWords(ReadOnlySpan<byte> text, int start, ReadOnlySpan<int> ends, List<int> ids, WordCache cache)
    {
        Span<int> known = stackalloc int[WordsAtOnce * WordCache.MostIds + 1];
        while (true)
        {
            int words = cache.FindRun(text, start, ends, known, out int count);
            ids.AddRange(known[..count]);
            if (words == ends.Length)
                return;
            start = words > 0 ? ends[words - 1] : start;
            EncodeOther(text[start..ends[words]], ids, cache);
            start = ends[words];
            ends = ends[(words + 1)..];
        }
    }

    /// <summary>Encodes a word that is long, new, or at the end of the text.</summary>
    private void EncodeOther(ReadOnlySpan<byte> word, List<int> ids, WordCache cache)
    {
        int before = ids.Count;
        cache.Find(word, ids);
        if (ids.Count > before)
            return;
        Compute(word, ids);
        cache.Remember(word, CollectionsMarshal.AsSpan(ids)[before..]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Compute(ReadOnlySpan<byte> word, List<int> ids)
    {
        if (IgnoreMerges && Find(word) is int whole)
        {
            ids.Add(whole);
            return;
        }

        if (word.Length <= WordMerger.LongestScan)
        {
            Span<int> symbols = stackalloc int[WordMerger.LongestScan];
            MergeInto(word, symbols, ids);
            return;
        }

        int[] rented = ArrayPool<int>.Shared.Rent(word.Length);
        MergeInto(word, rented, ids);
        ArrayPool<int>.Shared.Return(rented);
    }

    private void MergeInto(ReadOnlySpan<byte> word, Span<int> symbols, List<int> ids)
    {
        symbols = symbols[..word.Length];
        for (int i = 0; i < word.Length; i++)
        {
            symbols[i] = _byteIds[word[i]];
            if (symbols[i] < 0)
            {
                throw new TokenizerException(
                    $"The vocabulary has no token for the byte 0x{word[i]:X2}, expected all 256; load a complete byte-level vocabulary.");
            }
        }

        ids.AddRange(symbols[..WordMerger.Merge(_merges, symbols)]);
    }
}
