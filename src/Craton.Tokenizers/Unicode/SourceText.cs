using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers.Unicode;

/// <summary>A stretch of text on its way to tokens: its bytes, and where each of them comes from.</summary>
internal readonly ref struct SourceText
{
    private readonly ReadOnlySpan<byte> _whole;
    private readonly int _offset;
    private readonly (int Start, int End)[]? _places;

    /// <summary>A segment of a text as it is.</summary>
    public SourceText(ReadOnlySpan<byte> whole, Segment segment)
        : this(whole, whole[segment.Start..segment.End], segment.Start, null)
    {
    }

    private SourceText(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> bytes, int offset, (int Start, int End)[]? places)
    {
        _whole = whole;
        Bytes = bytes;
        _offset = offset;
        _places = places;
    }

    /// <summary>The bytes to encode.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>The normalised text; what follows the first invalid byte stays as it is.</summary>
    public SourceText Normalize(Normalizer normalizer)
    {
        if (normalizer == Normalizer.None)
            return this;
        int valid = Utf8Text.ValidLength(Bytes);
        if (normalizer.Keeps(Bytes[..valid]))
            return this;
        AlignedText changed = normalizer.Apply(AlignedText.Of(Bytes[..valid]));
        byte[] bytes = changed.ToUtf8(out int[] characters);
        IEnumerable<int> tail = Enumerable.Range(valid, Bytes.Length - valid);
        var places = new List<(int Start, int End)>(bytes.Length);
        for (int i = 0; i < bytes.Length; i++)
            places.Add((changed.Chars[characters[i]].Start, changed.Chars[characters[i]].End));
        places.AddRange(tail.Select(i => (i, i + 1)));
        return new SourceText(_whole, valid == Bytes.Length ? bytes : [.. bytes, .. Bytes[valid..]], _offset, [.. places]);
    }

    /// <summary>Where the character that holds this byte begins in the original text.</summary>
    public int OriginalStart(int index)
    {
        if (_places is not null)
            return _offset + (index < _places.Length ? _places[index].Start : _places.LastOrDefault().End);
        int place = _offset + index;
        while (place > 0 && place < _whole.Length && (_whole[place] & 0xC0) == 0x80)
            place--;
        return place;
    }

    /// <summary>Where the character that holds the byte before <paramref name="index"/> ends in the original text.</summary>
    public int OriginalEnd(int index)
    {
        if (_places is not null)
            return _offset + (index > 0 ? _places[index - 1].End : 0);
        int place = _offset + index;
        while (place < _whole.Length && (_whole[place] & 0xC0) == 0x80)
            place++;
        return place;
    }
}
