using System.Runtime.CompilerServices;

namespace Craton.Tokenizers.Training;

/// <summary>How often pairs of tokens are seen; open addressing, a pair and all that is known of it side by side.</summary>
internal sealed class PairTable
{
    private Entry[] _entries = new Entry[1 << 16];
    private int _count;

    /// <summary>A pair as one number that orders as the left id, then the right id; 0 is no pair that can be seen.</summary>
    public static ulong Key(int left, int right) => ((ulong)(uint)left << 32 | (uint)right) + 1;

    /// <summary>The left token of a pair.</summary>
    public static int Left(ulong pair) => (int)((pair - 1) >> 32);

    /// <summary>The right token of a pair.</summary>
    public static int Right(ulong pair) => (int)(pair - 1);

    /// <summary>The entry of a pair, which is added when it is new; valid until the next call.</summary>
    public ref Entry this[ulong pair]
    {
        get
        {
            ref Entry entry = ref Locate(pair);
            if (entry.Pair == pair)
                return ref entry;
            if (2 * ++_count > _entries.Length)
            {
                Grow();
                entry = ref Locate(pair);
            }

            entry.Pair = pair;
            return ref entry;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Entry Locate(ulong pair)
    {
        Entry[] entries = _entries;
        for (ulong slot = (pair * 0x9E3779B97F4A7C15) >> 32; ; slot++)
        {
            ref Entry entry = ref entries[slot & (ulong)(entries.Length - 1)];
            if (entry.Pair == pair || entry.Pair == 0)
                return ref entry;
        }
    }

    private void Grow()
    {
        Entry[] old = _entries;
        _entries = new Entry[2 * old.Length];
        foreach (Entry entry in old)
        {
            if (entry.Pair != 0)
                Locate(entry.Pair) = entry;
        }
    }

    /// <summary>What is known of a pair.</summary>
    internal struct Entry
    {
        /// <summary>The pair; 0 in a free entry.</summary>
        public ulong Pair;

        /// <summary>How often it is seen.</summary>
        public long Count;

        /// <summary>The last round that brought the pair together, and its number among those that the round did.</summary>
        public int Round, Arisen;
    }
}
