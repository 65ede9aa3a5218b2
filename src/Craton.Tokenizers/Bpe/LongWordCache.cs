using System.Buffers.Binary;
using System.Numerics;

namespace Craton.Tokenizers.Bpe;

/// <summary>Remembers the ids of words of up to 48 bytes: direct-mapped, in fixed slots, for one thread at a time.</summary>
internal sealed class LongWordCache
{
    private const int LongestWord = 48;
    private const int MostIds = 11;
    private const int SlotBits = 15;

    private readonly byte[] _words = new byte[LongestWord << SlotBits];

    // Per slot the ids, and last their number and the length of the word in one.
    private readonly int[] _ids = new int[(MostIds + 1) << SlotBits];

    /// <summary>Appends the ids of a word; none when it is not known.</summary>
    public void Find(ReadOnlySpan<byte> word, List<int> ids)
    {
        if (word.Length > LongestWord)
            return;
        int slot = Slot(word);
        ReadOnlySpan<int> known = _ids.AsSpan(slot * (MostIds + 1), MostIds + 1);
        int info = known[MostIds];
        if (info >> 8 == word.Length && _words.AsSpan(slot * LongestWord, word.Length).SequenceEqual(word))
            ids.AddRange(known[..(info & 0xFF)]);
    }

    /// <summary>Remembers a word, where it is short enough and its ids are few enough.</summary>
    public void Remember(ReadOnlySpan<byte> word, ReadOnlySpan<int> ids)
    {
        if (word.Length > LongestWord || ids.Length > MostIds)
            return;
        int slot = Slot(word);
        word.CopyTo(_words.AsSpan(slot * LongestWord));
        Span<int> known = _ids.AsSpan(slot * (MostIds + 1), MostIds + 1);
        ids.CopyTo(known);
        known[MostIds] = word.Length << 8 | ids.Length;
    }

    private static int Slot(ReadOnlySpan<byte> word)
    {
        const ulong multiplier = 0x9E3779B97F4A7C15;
        ulong hash = (ulong)word.Length;
        for (; word.Length > 8; word = word[8..])
            hash = (BitOperations.RotateLeft(hash, 32) ^ BinaryPrimitives.ReadUInt64LittleEndian(word)) * multiplier;
        ulong tail = 0;
        for (int i = word.Length - 1; i >= 0; i--)
            tail = tail << 8 | word[i];
        hash = (BitOperations.RotateLeft(hash, 32) ^ tail) * multiplier;
        return (int)(hash >> (64 - SlotBits));
    }
}
