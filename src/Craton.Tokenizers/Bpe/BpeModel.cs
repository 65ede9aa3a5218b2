using System.Buffers;
using System.Runtime.CompilerServices;

namespace Craton.Tokenizers.Bpe;

/// <summary>
/// A byte-level BPE vocabulary with its merges: encodes single words. Special tokens are not reachable from here, even where the
/// vocabulary spells them, so that ordinary text never turns into a control token.
/// </summary>
internal sealed class BpeModel
{
    private readonly int[] _byteIds = new int[256];
    private readonly MergeTable _merges;
    private readonly ByteStringTable _words = new();
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

    /// <summary>Encodes the word between two places of a text.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EncodeWord(ReadOnlySpan<byte> text, int start, int end, List<int> ids, WordCache cache)
    {
        int length = end - start;
        if (length > WordCache.LongestWord)
        {
            Compute(text[start..end], ids);
            return;
        }

        WordCache.WordKey key = WordCache.Key(text, start, length);
        ref WordCache.Entry entry = ref cache.Slot(key);
        if (entry.Key.Low != key.Low || entry.Key.High != key.High)
        {
            ComputeAndRemember(text[start..end], ids, key, ref entry);
            return;
        }

        ids.Add(entry.Id0);
        if (entry.Count > 1)
        {
            ids.Add(entry.Id1);
            if (entry.Count > 2)
                ids.Add(entry.Id2);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ComputeAndRemember(ReadOnlySpan<byte> word, List<int> ids, WordCache.WordKey key, ref WordCache.Entry entry)
    {
        int before = ids.Count;
        Compute(word, ids);
        int count = ids.Count - before;
        if (count is 0 or > WordCache.MostIds)
            return;
        entry.Key = key;
        entry.Count = count;
        entry.Id0 = ids[before];
        entry.Id1 = count > 1 ? ids[before + 1] : 0;
        entry.Id2 = count > 2 ? ids[before + 2] : 0;
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
