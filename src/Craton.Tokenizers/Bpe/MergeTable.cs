using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Craton.Tokenizers.Bpe;

/// <summary>Which pair of tokens merges into which token, and how early: an open-addressing table, one cache line per look-up.</summary>
internal sealed class MergeTable
{
    /// <summary>The rank of a pair that does not merge.</summary>
    public const int NoRank = int.MaxValue;

    private Entry[] _entries;
    private int _shift;

    /// <summary>An empty table for about <paramref name="capacity"/> pairs.</summary>
    public MergeTable(int capacity) => Allocate(capacity);

    /// <summary>Number of pairs.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a pair; false when it is already there (the earlier rank stays).</summary>
    public bool TryAdd(int left, int right, int rank, int result)
    {
        if (Count * 2 >= _entries.Length)
            Grow();
        ulong key = Key(left, right);
        ref Entry entry = ref Locate(key);
        if (entry.Key == key)
            return false;
        entry = new Entry { Key = key, Rank = rank, Result = result };
        Count++;
        return true;
    }

    /// <summary>Rank of a pair, smaller first, and the token it becomes; <see cref="NoRank"/> when it does not merge.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Rank(int left, int right, out int result)
    {
        ulong key = Key(left, right);
        ref Entry entry = ref Locate(key);
        result = entry.Result;
        return entry.Key == key ? entry.Rank : NoRank;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32 | (uint)right) + 1; // 0 marks a free entry

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Entry Locate(ulong key)
    {
        Entry[] entries = _entries;
        uint index = (uint)((key * 0x9E3779B97F4A7C15) >> _shift);
        while (true)
        {
            ref Entry entry = ref entries[index];
            if (entry.Key == key || entry.Key == 0)
                return ref entry;
            index = (index + 1) & (uint)(entries.Length - 1);
        }
    }

    [MemberNotNull(nameof(_entries))]
    private void Allocate(int capacity)
    {
        int bits = Math.Max(4, BitOperations.Log2((uint)Math.Max(1, capacity)) + 2);
        _entries = new Entry[1 << bits];
        _shift = 64 - bits;
    }

    private void Grow()
    {
        Entry[] old = _entries;
        Allocate(old.Length);
        foreach (Entry entry in old)
        {
            if (entry.Key != 0)
                Locate(entry.Key) = entry;
        }
    }

    private struct Entry
    {
        public ulong Key;
        public int Rank;
        public int Result;
    }
}
