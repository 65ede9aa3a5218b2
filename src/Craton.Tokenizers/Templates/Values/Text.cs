namespace Craton.Tokenizers.Templates;

/// <summary>
/// A string that remembers where its characters came from, through slicing, joining and replacing: which of them the template itself wrote
/// (only these may become control tokens), and which were rendered inside a <c>generation</c> block. Indices are code points, as in Python.
/// </summary>
internal sealed class Text : IEquatable<Text>
{
    public static readonly Text Empty = new("", [], []);

    private readonly TextRange[] _trusted;
    private readonly TextRange[] _generated;
    private readonly bool _hasPairs;

    public Text(string value, TextRange[] trusted, TextRange[] generated)
    {
        (Value, _trusted, _generated) = (value, trusted, generated);
        _hasPairs = value.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');
    }

    /// <summary>The characters.</summary>
    public string Value { get; }

    /// <summary>Length in UTF-16 units.</summary>
    public int Length => Value.Length;

    /// <summary>Marked by <c>safe</c> or <c>escape</c>; the mark is lost with the next operation.</summary>
    public bool IsEscaped { get; init; }

    /// <summary>Stretches that the template wrote; adjacent ones are one.</summary>
    public ReadOnlySpan<TextRange> Trusted => _trusted;

    /// <summary>Stretches inside generation blocks, in order.</summary>
    public ReadOnlySpan<TextRange> Generated => _generated;

    /// <summary>Whether all of it was written by the template.</summary>
    public bool IsTrusted => _trusted is [{ Start: 0 } all] && all.End == Length;

    /// <summary>Length in code points.</summary>
    public int CodePoints
    {
        get
        {
            int pairs = 0;
            for (int i = 1; _hasPairs && i < Length; i++)
            {
                if (char.IsSurrogatePair(Value[i - 1], Value[i]))
                    pairs++;
            }

            return Length - pairs;
        }
    }

    /// <summary>Text from outside.</summary>
    public static Text Foreign(string value) => value.Length == 0 ? Empty : new(value, [], []);

    /// <summary>Text of the template.</summary>
    public static Text Own(string value) => value.Length == 0 ? Empty : new(value, [new(0, value.Length)], []);

    /// <summary>Other characters of the same origin, where all of this text has one origin.</summary>
    public Text With(string value) => value == Value ? this : IsTrusted ? Own(value) : Foreign(value);

    /// <summary>The same text as the content of a generation block.</summary>
    public Text AsGenerated() => new(Value, _trusted, [new(0, Length)]);

    /// <summary>A part in UTF-16 units.</summary>
    public Text Slice(int start, int end) => start == 0 && end == Length ? this
        : start >= end ? Empty
        : new(Value[start..end], Cut(_trusted, start, end), Cut(_generated, start, end));

    /// <summary>The place of a code point in UTF-16 units; the length for one past the last.</summary>
    public int Place(int codePoint)
    {
        if (!_hasPairs)
            return codePoint;
        int place = 0;
        for (; codePoint > 0; codePoint--)
            place += WidthAt(place);
        return place;
    }

    /// <summary>The place in UTF-16 units as a number of code points.</summary>
    public int CodePointAt(int place) => _hasPairs ? Slice(0, place).CodePoints : place;

    /// <summary>The characters one by one.</summary>
    public IEnumerable<Text> Characters()
    {
        for (int place = 0, width; place < Length; place += width)
        {
            width = WidthAt(place);
            yield return Slice(place, place + width);
        }
    }

    /// <summary>Where a text first stands at or behind a place; -1 if it does not.</summary>
    public int Find(string value, int from = 0) => Value.IndexOf(value, from, StringComparison.Ordinal);

    public bool Equals(Text? other) => other is not null && Value == other.Value;

    public override bool Equals(object? obj) => Equals(obj as Text);

    public override int GetHashCode() => Value.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Value;

    private int WidthAt(int place) => place + 1 < Length && char.IsSurrogatePair(Value[place], Value[place + 1]) ? 2 : 1;

    private static TextRange[] Cut(TextRange[] ranges, int start, int end) =>
    [
        .. ranges.Where(r => r.Start < end && r.End > start || r.Start == r.End && r.Start >= start && r.Start <= end)
            .Select(r => new TextRange(Math.Max(r.Start, start) - start, Math.Min(r.End, end) - start)),
    ];
}
