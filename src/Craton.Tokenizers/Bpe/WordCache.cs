using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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

    private const int SlotBits = 16;

    private readonly Entry[] _entries = new Entry[1 << SlotBits];

    /// <summary>
    /// The key of the word of <paramref name="length"/> bytes at <paramref name="start"/>: its bytes, zeros, and its length last.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordKey Key(ReadOnlySpan<byte> text, int start, int length)
    {
        if (start + 16 > text.Length || !BitConverter.IsLittleEndian)
            return PaddedKey(text.Slice(start, length));
        // Sixteen bytes are there to read, checked above; what follows the word is masked away.
        ref byte first = ref Unsafe.Add(ref MemoryMarshal.GetReference(text), start);
        ulong low = Unsafe.ReadUnaligned<ulong>(ref first);
        if (length < 8)
            return new WordKey(low & ((1UL << 8 * length) - 1), (ulong)length << 56);
        ulong high = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, 8)) & ((1UL << 8 * (length - 8)) - 1);
        return new WordKey(low, high | (ulong)length << 56);
    }

    /// <summary>The entry a key belongs to; it may hold another word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Entry Slot(WordKey key)
    {
        ulong hash = (key.Low ^ (key.High * 0x9E3779B97F4A7C15)) * 0xD6E8FEB86659FD93;
        return ref _entries[hash >> (64 - SlotBits)];
    }

    private static WordKey PaddedKey(ReadOnlySpan<byte> word)
    {
        Span<byte> padded = stackalloc byte[16];
        padded.Clear();
        word.CopyTo(padded);
        padded[15] = (byte)word.Length;
        return new WordKey(BinaryPrimitives.ReadUInt64LittleEndian(padded), BinaryPrimitives.ReadUInt64LittleEndian(padded[8..]));
    }

    /// <summary>Bytes 0 to 7 and 8 to 15 of a key.</summary>
    internal readonly struct WordKey(ulong low, ulong high)
    {
        public readonly ulong Low = low;
        public readonly ulong High = high;
    }

    /// <summary>A word and its ids. A free entry has the key 0, which no word has: a key ends in a length.</summary>
    internal struct Entry
    {
        public WordKey Key;
        public int Count;
        public int Id0;
        public int Id1;
        public int Id2;
    }
}
