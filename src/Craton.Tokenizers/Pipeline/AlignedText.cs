using System.Text;

namespace Craton.Tokenizers.Pipeline;

/// <summary>A character and the place in the original text that it stands for.</summary>
internal readonly record struct AlignedChar(int Code, int Start, int End);

/// <summary>How the delimiters that a pattern finds cut a text.</summary>
internal enum SplitBehavior
{
    /// <summary>A delimiter is a piece of its own.</summary>
    Isolated,

    /// <summary>A delimiter is left out.</summary>
    Removed,

    /// <summary>A delimiter ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>A delimiter begins the piece behind it.</summary>
    MergedWithNext,

    /// <summary>Delimiters that follow each other are one piece.</summary>
    Contiguous,
}

/// <summary>A text on its way to tokens: its characters, and where each of them comes from.</summary>
internal sealed class AlignedText
{
    private readonly AlignedChar[] _chars;
    private readonly int _first;

    private AlignedText(AlignedChar[] chars, int first, int length, int origin) =>
        (_chars, _first, Length, Origin) = (chars, first, length, origin);

    /// <summary>Number of characters.</summary>
    public int Length { get; }

    /// <summary>Where the text begins in the original.</summary>
    public int Origin { get; }

    /// <summary>The characters.</summary>
    public ReadOnlySpan<AlignedChar> Chars => _chars.AsSpan(_first, Length);

    /// <summary>The code points of the characters.</summary>
    public int[] Codes
    {
        get
        {
            var codes = new int[Length];
            for (int i = 0; i < codes.Length; i++)
                codes[i] = _chars[_first + i].Code;
            return codes;
        }
    }

    /// <summary>A string with its places in UTF-16 units; a lone surrogate reads as U+FFFD.</summary>
    public static AlignedText Of(string text)
    {
        var chars = new AlignedChar[text.Length];
        int count = 0, place = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            chars[count++] = new AlignedChar(rune.Value, place, place + rune.Utf16SequenceLength);
            place += rune.Utf16SequenceLength;
        }

        return new AlignedText(chars, 0, count, 0);
    }

    /// <summary>Valid UTF-8 with its places in bytes.</summary>
    public static AlignedText Of(ReadOnlySpan<byte> utf8)
    {
        var chars = new AlignedChar[utf8.Length];
        int count = 0;
        for (int place = 0; place < utf8.Length;)
        {
            _ = Rune.DecodeFromUtf8(utf8[place..], out Rune rune, out int length);
            chars[count++] = new AlignedChar(rune.Value, place, place + length);
            place += length;
        }

        return new AlignedText(chars, 0, count, 0);
    }

    /// <summary>A part of the text; its origin is where its first character comes from.</summary>
    public AlignedText Slice(int start, int end) =>
        new(_chars, _first + start, end - start, start < end ? _chars[_first + start].Start : Origin);

    /// <summary>
    /// The text with other characters. The change of each says how it came about: 0 one for one, above 0 added to what is before
    /// it, -n together with the n characters behind its own, which are gone.
    /// </summary>
    /// <param name="characters">Code points and changes.</param>
    /// <param name="removed">Number of characters that are gone before the first.</param>
    public AlignedText Transform(IReadOnlyList<(int Code, int Change)> characters, int removed = 0)
    {
        var chars = new AlignedChar[characters.Count];
        int source = removed;
        for (int i = 0; i < chars.Length; i++)
        {
            (int code, int change) = characters[i];
            AlignedChar origin = change <= 0 ? Chars[Math.Min(source, Length - 1)]
                : source > 0 ? Chars[source - 1] : new AlignedChar(0, Origin, Origin);
            chars[i] = origin with { Code = code };
            if (change <= 0)
                source += 1 - change;
        }

        return With(chars);
    }

    /// <summary>The text with each character replaced by one, or left out where the function gives null.</summary>
    public AlignedText Select(Func<int, int?> change)
    {
        var chars = new List<AlignedChar>(Length);
        foreach (AlignedChar c in Chars)
        {
            if (change(c.Code) is int code)
                chars.Add(c with { Code = code });
        }

        return With([.. chars]);
    }

    /// <summary>The text with characters in front that stand for its first one; an empty text stays empty.</summary>
    public AlignedText Prepend(int[] codes) =>
        Length == 0 ? this : With([.. codes.Select(c => _chars[_first] with { Code = c }), .. Chars]);

    /// <summary>The text with every match of a pattern replaced; what is put in stands for the last character of the match.</summary>
    public AlignedText Replace(TextPattern pattern, int[] content)
    {
        List<(int Start, int End)> matches = Length == 0 ? [] : pattern.FindAll(Codes);
        if (matches.Count == 0)
            return this;
        var chars = new List<AlignedChar>(Length);
        int done = 0;
        foreach ((int start, int end) in matches)
        {
            chars.AddRange(Chars[done..start]);
            AlignedChar origin = end > 0 ? Chars[end - 1] : new AlignedChar(0, Origin, Origin);
            chars.AddRange(content.Select(c => origin with { Code = c }));
            done = end;
        }

        chars.AddRange(Chars[done..]);
        return With([.. chars]);
    }

    /// <summary>Cuts the text at the matches of a pattern (or between them); empty pieces are left out.</summary>
    public IEnumerable<AlignedText> Split(TextPattern pattern, SplitBehavior behavior, bool invert = false)
    {
        List<(int Start, int End, bool IsMatch)> parts = Parts(pattern.FindAll(Codes), invert);
        return Merge(parts, behavior).Where(p => p.Start < p.End).Select(p => Slice(p.Start, p.End));
    }

    /// <summary>The text as UTF-8, and for each byte, and the end, the character that holds it.</summary>
    public byte[] ToUtf8(out int[] characters)
    {
        int length = 0;
        foreach (AlignedChar c in Chars)
            length += new Rune(c.Code).Utf8SequenceLength;
        var bytes = new byte[length];
        characters = new int[length + 1];
        int place = 0;
        for (int i = 0; i < Length; i++)
        {
            int size = new Rune(Chars[i].Code).EncodeToUtf8(bytes.AsSpan(place));
            characters.AsSpan(place, size).Fill(i);
            place += size;
        }

        characters[length] = Length;
        return bytes;
    }

    /// <inheritdoc/>
    public override string ToString() => TextOf(Chars);

    /// <summary>Characters as a string.</summary>
    public static string TextOf(ReadOnlySpan<AlignedChar> chars)
    {
        var text = new StringBuilder(chars.Length);
        Span<char> units = stackalloc char[2];
        foreach (AlignedChar c in chars)
            text.Append(units[..new Rune(c.Code).EncodeToUtf16(units)]);
        return text.ToString();
    }

    /// <summary>The code points of a string.</summary>
    public static int[] CodesOf(string text) => [.. text.EnumerateRunes().Select(r => r.Value)];

    private AlignedText With(AlignedChar[] chars) => new(chars, 0, chars.Length, Origin);

    /// <summary>Matches and what is between them, in order.</summary>
    private List<(int Start, int End, bool IsMatch)> Parts(List<(int Start, int End)> matches, bool invert)
    {
        var parts = new List<(int, int, bool)>();
        int done = 0;
        foreach ((int start, int end) in matches)
        {
            if (done < start)
                parts.Add((done, start, invert));
            parts.Add((start, end, !invert));
            done = end;
        }

        if (done < Length)
            parts.Add((done, Length, invert));
        return parts;
    }

    private static IEnumerable<(int Start, int End)> Merge(List<(int Start, int End, bool IsMatch)> parts, SplitBehavior behavior)
    {
        if (behavior == SplitBehavior.Removed)
            return parts.Where(p => !p.IsMatch).Select(p => (p.Start, p.End));
        if (behavior == SplitBehavior.Isolated)
            return parts.Select(p => (p.Start, p.End));

        bool backwards = behavior == SplitBehavior.MergedWithNext;
        if (backwards)
            parts.Reverse();
        var merged = new List<(int Start, int End)>();
        bool previous = false;
        foreach ((int start, int end, bool isMatch) in parts)
        {
            bool joins = behavior == SplitBehavior.Contiguous ? isMatch == previous : isMatch && !previous;
            if (!joins || merged.Count == 0)
                merged.Add((start, end));
            else
                merged[^1] = backwards ? (start, merged[^1].End) : (merged[^1].Start, end);
            previous = isMatch;
        }

        if (backwards)
            merged.Reverse();
        return merged;
    }
}
