using System.Buffers;
using System.Runtime.CompilerServices;

namespace Craton.Tokenizers.Bpe;

/// <summary>
/// Byte-pair encoding of one word: while any neighbouring pair merges, the pair of lowest rank does, the leftmost of equals first
/// (Sennrich et al. 2016). Short words by linear scan, long ones by a heap, so that any length costs O(n log n).
/// </summary>
internal static class WordMerger
{
    /// <summary>Up to this many symbols a scan of the whole word per merge is the faster way.</summary>
    public const int LongestScan = 128;

    /// <summary>Merges the symbols in place and returns how many are left.</summary>
    public static int Merge(MergeTable merges, Span<int> symbols) =>
        symbols.Length < 2 ? symbols.Length : symbols.Length <= LongestScan ? MergeByScan(merges, symbols) : MergeByHeap(merges, symbols, []);

    /// <summary>The same with the sizes of the symbols, which add up where they merge.</summary>
    public static int Merge(MergeTable merges, Span<int> symbols, Span<int> sizes) => MergeByHeap(merges, symbols, sizes);

    [SkipLocalsInit]
    private static int MergeByScan(MergeTable merges, Span<int> symbols)
    {
        int count = symbols.Length;
        Span<int> ranks = stackalloc int[LongestScan], results = stackalloc int[LongestScan];
        for (int i = 0; i + 1 < count; i++)
            ranks[i] = merges.Rank(symbols[i], symbols[i + 1], out results[i]);

        while (count > 1)
        {
            int best = 0, lowest = ranks[0];
            for (int i = 1; i < count - 1; i++)
            {
                int rank = ranks[i];
                best = rank < lowest ? i : best;
                lowest = Math.Min(rank, lowest);
            }

            if (lowest == MergeTable.NoRank)
                break;
            symbols[best] = results[best];
            count--;
            for (int i = best + 1; i < count; i++)
                (symbols[i], ranks[i - 1], results[i - 1]) = (symbols[i + 1], ranks[i], results[i]);
            if (best > 0)
                ranks[best - 1] = merges.Rank(symbols[best - 1], symbols[best], out results[best - 1]);
            if (best + 1 < count)
                ranks[best] = merges.Rank(symbols[best], symbols[best + 1], out results[best]);
        }

        return count;
    }

    private static int MergeByHeap(MergeTable merges, Span<int> symbols, Span<int> sizes)
    {
        int length = symbols.Length;
        int[] links = ArrayPool<int>.Shared.Rent(3 * length);
        Span<int> next = links.AsSpan(0, length), previous = links.AsSpan(length, length), ranks = links.AsSpan(2 * length, length);
        var heap = new MinHeap<ulong, Ascending>(default, length);
        for (int i = 0; i < length; i++)
        {
            next[i] = i + 1;
            previous[i] = i - 1;
            ranks[i] = i + 1 < length ? merges.Rank(symbols[i], symbols[i + 1], out _) : MergeTable.NoRank;
            if (ranks[i] != MergeTable.NoRank)
                heap.Add(Priority(ranks[i], i));
        }

        while (heap.TryTake(out ulong priority))
        {
            int at = (int)(uint)priority;
            if (ranks[at] != (int)(priority >> 32))
                continue; // a neighbour has merged since, or this symbol is gone
            int right = next[at];
            _ = merges.Rank(symbols[at], symbols[right], out int merged);
            symbols[at] = merged;
            if (!sizes.IsEmpty)
                sizes[at] += sizes[right];
            ranks[right] = MergeTable.NoRank;
            next[at] = next[right];
            if (next[at] < length)
                previous[next[at]] = at;
            Refresh(merges, symbols, ranks, at, next[at], ref heap);
            if (previous[at] >= 0)
                Refresh(merges, symbols, ranks, previous[at], at, ref heap);
        }

        int count = 0;
        for (int i = 0; i < length; i = next[i])
        {
            if (!sizes.IsEmpty)
                sizes[count] = sizes[i];
            symbols[count++] = symbols[i];
        }

        heap.Dispose();
        ArrayPool<int>.Shared.Return(links);
        return count;
    }

    private static void Refresh(
        MergeTable merges, Span<int> symbols, Span<int> ranks, int left, int right, ref MinHeap<ulong, Ascending> heap)
    {
        ranks[left] = right < symbols.Length ? merges.Rank(symbols[left], symbols[right], out _) : MergeTable.NoRank;
        if (ranks[left] != MergeTable.NoRank)
            heap.Add(Priority(ranks[left], left));
    }

    private static ulong Priority(int rank, int position) => (ulong)(uint)rank << 32 | (uint)position;

    private readonly struct Ascending : IComparer<ulong>
    {
        public int Compare(ulong x, ulong y) => x.CompareTo(y);
    }
}
