using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Craton.Tokenizers.Bpe;

/// <summary>
/// Remembers the ids of words, in 7 MiB, for one thread at a time. Most words of a text have been seen before, so this
/// look-up is the cost of encoding. Short words are their own key; two of them share a cache line, the newer one in front.
/// </summary>
internal sealed unsafe class WordCache
{
    /// <summary>The most ids that are remembered of a short word.</summary>
    public const int MostIds = 3;

    private const int LongestKey = 15;
    private const int LineBits = 16;
    private const int LineSize = 64;

    // Pinned, so that the lines can begin where cache lines do.
    private readonly byte[] _memory = GC.AllocateArray<byte>((LineSize << LineBits) + LineSize, pinned: true);
    private readonly Entry* _lines;
    private readonly LongWordCache _others = new();

    public WordCache() => _lines = (Entry*)(((nuint)Unsafe.AsPointer(ref _memory[0]) + LineSize - 1) & ~(nuint)(LineSize - 1));

    // Sixteen bytes of ones, then sixteen of zeros: the mask of the first n bytes begins 16 - n bytes in.
    private static ReadOnlySpan<byte> Masks =>
        [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>
    /// Looks up words that follow each other, up to the first that is unknown, long or near the end of the text; returns how many.
    /// This loop calls nothing, so that all it works with stays in registers.
    /// </summary>
    /// <param name="text">The text that holds them.</param>
    /// <param name="start">Where the first word begins.</param>
    /// <param name="ends">Where the words end.</param>
    /// <param name="ids">Receives the ids: room for <see cref="MostIds"/> per word, and one more.</param>
    /// <param name="count">Number of ids.</param>
    public int FindRun(ReadOnlySpan<byte> text, int start, ReadOnlySpan<int> ends, Span<int> ids, out int count)
    {
        if (ids.Length <= ends.Length * MostIds)
            throw new ArgumentException("There is no room for the ids.", nameof(ids));
        ref byte bytes = ref MemoryMarshal.GetReference(text);
        ref int target = ref MemoryMarshal.GetReference(ids);
        Entry* lines = _lines;
        int lastRead = text.Length - 16;
        nint written = 0;
        int word = 0;
        for (; word < ends.Length; word++)
        {
            int end = ends[word], length = end - start;
            // Sixteen bytes are read only where they are there; what follows the word is masked away.
            if (length > LongestKey || start > lastRead)
                break;
            Vector128<byte> mask = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(Masks), (nuint)(16 - length));
            Vector128<byte> key = (Vector128.LoadUnsafe(ref bytes, (nuint)start) & mask).WithElement(LongestKey, (byte)length);
            Entry* entry = Line(lines, key);
            if (entry->Key != key && (++entry)->Key != key)
                break;
            // Four numbers are written, of which the last says how many of the others stay: no branch to guess wrong.
            entry->Ids.StoreUnsafe(ref target, (nuint)written);
            written += entry->Ids[MostIds];
            start = end;
        }

        count = (int)written;
        return word;
    }

    /// <summary>Appends the ids of a word; none when it is not known.</summary>
    public void Find(ReadOnlySpan<byte> word, List<int> ids)
    {
        if (word.Length <= LongestKey)
        {
            Vector128<byte> key = Key(word);
            Entry* entry = Line(_lines, key);
            if (entry->Key == key || (++entry)->Key == key)
            {
                ids.AddRange(new ReadOnlySpan<int>(&entry->Ids, entry->Ids[MostIds]));
                return;
            }
        }

        _others.Find(word, ids);
    }

    /// <summary>Remembers a word that is not known.</summary>
    public void Remember(ReadOnlySpan<byte> word, ReadOnlySpan<int> ids)
    {
        if (word.Length > LongestKey || ids.Length > MostIds)
        {
            _others.Remember(word, ids);
            return;
        }

        Vector128<byte> key = Key(word);
        Entry* line = Line(_lines, key);
        line[1] = line[0];
        line->Key = key;
        line->Ids = Vector128.Create(ids[0], ids.Length > 1 ? ids[1] : 0, ids.Length > 2 ? ids[2] : 0, ids.Length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Entry* Line(Entry* lines, Vector128<byte> key)
    {
        Vector128<ulong> halves = key.AsUInt64();
        ulong hash = (halves[0] ^ (halves[1] * 0x9E3779B97F4A7C15)) * 0xD6E8FEB86659FD93;
        return lines + 2 * (nint)(hash >> (64 - LineBits));
    }

    /// <summary>The bytes of a word, zeros, and its length last.</summary>
    private static Vector128<byte> Key(ReadOnlySpan<byte> word)
    {
        Span<byte> padded = stackalloc byte[16];
        padded.Clear();
        word.CopyTo(padded);
        return Vector128.Create<byte>(padded).WithElement(LongestKey, (byte)word.Length);
    }

    /// <summary>
    /// A word, its ids and, last among them, their number. A free entry has the key 0, which no word has: a key ends in a length.
    /// </summary>
    private struct Entry
    {
        public Vector128<byte> Key;
        public Vector128<int> Ids;
    }
}
