using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Craton.Tokenizers.Bpe;

/// <summary>
/// Remembers the ids of short words: direct-mapped, half a cache line per word, used by one thread at a time. Most words of a text
/// have been seen before, so this look-up is the cost of encoding.
/// </summary>
internal sealed class WordCache
{
    /// <summary>The longest word with a key: 15 bytes and its length.</summary>
    public const int LongestWord = 15;

    /// <summary>The most ids an entry holds.</summary>
    public const int MostIds = 3;

    private const int SlotBits = 15;

    private readonly Entry[] _entries = new Entry[1 << SlotBits];

    /// <summary>
    /// The key of the word of <paramref name="length"/> bytes at <paramref name="start"/>: its bytes, zeros, and its length last.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt128Key Key(ReadOnlySpan<byte> text, int start, int length)
    {
        Vector128<byte> bytes;
        if (start + 16 <= text.Length)
        {
            bytes = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(text), (nuint)start);
        }
        else
        {
            Span<byte> padded = stackalloc byte[16];
            padded.Clear();
            text.Slice(start, length).CopyTo(padded);
            bytes = Vector128.Create<byte>(padded);
        }

        Vector128<byte> keep = Vector128.LessThan(Vector128<byte>.Indices, Vector128.Create((byte)length));
        Vector128<ulong> words = (bytes & keep).WithElement(15, (byte)length).AsUInt64();
        return new UInt128Key(words.GetElement(0), words.GetElement(1));
    }

    /// <summary>The entry a key belongs to; it may hold another word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Entry Slot(UInt128Key key)
    {
        ulong hash = (key.Low ^ (key.High * 0x9E3779B97F4A7C15)) * 0xD6E8FEB86659FD93;
        return ref _entries[hash >> (64 - SlotBits)];
    }

    /// <summary>Bytes 0 to 7 and 8 to 15 of a key.</summary>
    internal readonly record struct UInt128Key(ulong Low, ulong High);

    /// <summary>A word and its ids. A free entry has the key 0, which no word has: a key ends in a length.</summary>
    internal struct Entry
    {
        public UInt128Key Key;
        public int Count;
        public int Id0;
        public int Id1;
        public int Id2;
    }
}
