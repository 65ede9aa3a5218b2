namespace Craton.Tokenizers.Unicode;

/// <summary>A stretch of text on its way to tokens: its bytes, and where each of them comes from.</summary>
internal readonly ref struct SourceText
{
    private readonly ReadOnlySpan<byte> _whole;
    private readonly int _offset;
    private readonly Alignment? _alignment;

    /// <summary>A segment of a text as it is.</summary>
    public SourceText(ReadOnlySpan<byte> whole, Segment segment)
        : this(whole, whole[segment.Start..segment.End], segment.Start, null)
    {
    }

    private SourceText(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> bytes, int offset, Alignment? alignment)
    {
        _whole = whole;
        Bytes = bytes;
        _offset = offset;
        _alignment = alignment;
    }

    /// <summary>The bytes to encode.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>The normalised text; what follows the first invalid byte stays as it is.</summary>
    public SourceText Normalize(TextNormalizer normalizer)
    {
        if (normalizer.IsEmpty)
            return this;
        int valid = Utf8Text.ValidLength(Bytes);
        if (normalizer.Keeps(Bytes[..valid]))
            return this;
        byte[] changed = normalizer.Apply(Bytes[..valid], out Alignment alignment);
        if (valid == Bytes.Length)
            return new SourceText(_whole, changed, _offset, alignment);
        IEnumerable<int> tail = Enumerable.Range(valid, Bytes.Length - valid);
        var extended = new Alignment([.. alignment.Starts, .. tail], [.. alignment.Ends, .. tail.Select(i => i + 1)]);
        return new SourceText(_whole, (byte[])[.. changed, .. Bytes[valid..]], _offset, extended);
    }

    /// <summary>Where the character that holds this byte begins in the original text.</summary>
    public int OriginalStart(int index)
    {
        if (_alignment is not null)
            return _offset + (index < _alignment.Starts.Length ? _alignment.Starts[index] : _alignment.Ends.LastOrDefault());
        int place = _offset + index;
        while (place > 0 && place < _whole.Length && (_whole[place] & 0xC0) == 0x80)
            place--;
        return place;
    }

    /// <summary>Where the character that holds the byte before <paramref name="index"/> ends in the original text.</summary>
    public int OriginalEnd(int index)
    {
        if (_alignment is not null)
            return _offset + (index > 0 ? _alignment.Ends[index - 1] : 0);
        int place = _offset + index;
        while (place < _whole.Length && (_whole[place] & 0xC0) == 0x80)
            place++;
        return place;
    }
}
