using Craton.Tokenizers.Bpe;

namespace Craton.Tokenizers.Training;

/// <summary>Distinct pieces of text and how often each was seen.</summary>
internal sealed class PieceCounts
{
    private readonly ByteStringTable _pieces = new();
    private long[] _times = new long[64];

    /// <summary>Number of distinct pieces.</summary>
    public int Count => _pieces.Count;

    /// <summary>Number of bytes of all distinct pieces.</summary>
    public int Bytes => _pieces.Bytes;

    /// <summary>The bytes of a piece.</summary>
    public ReadOnlySpan<byte> this[int index] => _pieces[index];

    /// <summary>How often a piece was seen.</summary>
    public long Times(int index) => _times[index];

    /// <summary>Counts a piece.</summary>
    public void Add(ReadOnlySpan<byte> piece, long times)
    {
        int index = _pieces.GetOrAdd(piece);
        if (index == _times.Length)
            Array.Resize(ref _times, 2 * index);
        _times[index] += times;
    }

    /// <summary>Counts all that another one has counted.</summary>
    public void Add(PieceCounts other)
    {
        for (int i = 0; i < other.Count; i++)
            Add(other[i], other.Times(i));
    }
}
