using System.Buffers;
using System.Text;

namespace Craton.Tokenizers.Templates;

/// <summary>Which ends of a string are meant.</summary>
[Flags]
internal enum TextSides
{
    /// <summary>The beginning.</summary>
    Left = 1,

    /// <summary>The end.</summary>
    Right = 2,

    /// <summary>Both.</summary>
    Both = 3,
}

/// <summary>Cutting and joining of strings; every part keeps its origin.</summary>
internal static class TextParts
{
    private static readonly SearchValues<char> _lineEnds = SearchValues.Create("\n\r\v\f\u001C\u001D\u001E\u0085\u2028\u2029");

    /// <summary>White space in Python: that of Unicode, and four control characters.</summary>
    public static bool IsSpace(Rune rune) => Rune.IsWhiteSpace(rune) || rune.Value is >= 0x1C and <= 0x1F;

    /// <summary>Removes white space, or any of some characters, from the ends.</summary>
    public static Text Strip(Run run, Text text, object? characters, TextSides sides)
    {
        run.Meter.Text(text.Length);
        HashSet<int>? set = characters switch
        {
            null or None => null,
            Text chosen => [.. chosen.Value.EnumerateRunes().Select(r => r.Value)],
            Undefined undefined => throw undefined.Fault(),
            _ => throw new RenderFault("strip arg must be None or str"),
        };
        run.Meter.Steps(set?.Count ?? 0);
        int start = 0, end = text.Length;
        while ((sides & TextSides.Left) != 0 && start < end && Rune.TryGetRuneAt(text.Value, start, out Rune first) && Goes(first))
            start += first.Utf16SequenceLength;
        while ((sides & TextSides.Right) != 0 && start < end && Rune.DecodeLastFromUtf16(text.Value.AsSpan(start, end - start), out Rune last, out int length) == 0 && Goes(last))
            end -= length;
        return text.Slice(start, end);

        bool Goes(Rune rune) => set?.Contains(rune.Value) ?? IsSpace(rune);
    }

    /// <summary>Splits at a separator, or at white space; at most a number of times unless that is negative.</summary>
    public static object[] Split(Run run, Text text, Text? separator, int most)
    {
        run.Meter.Text(text.Length);
        if (separator is null)
            return SplitAtSpace(run, text, most);
        NotEmpty(separator);
        var parts = new List<object>();
        int done = 0;
        for (int at; parts.Count != most && (at = text.Find(separator.Value, done)) >= 0; done = at + separator.Length)
            Add(run, parts, text.Slice(done, at));
        Add(run, parts, text.Slice(done, text.Length));
        return [.. parts];
    }

    /// <summary>The same from the end.</summary>
    public static object[] SplitFromRight(Run run, Text text, Text? separator, int most)
    {
        if (most < 0)
            return Split(run, text, separator, most);
        run.Meter.Text(text.Length);
        var parts = new List<object>();
        int end = text.Length;
        if (separator is not null)
        {
            NotEmpty(separator);
            for (int at; parts.Count < most && end > 0 && (at = text.Value.AsSpan(0, end).LastIndexOf(separator.Value)) >= 0; end = at)
                Add(run, parts, text.Slice(at + separator.Length, end));
            Add(run, parts, text.Slice(0, end));
            parts.Reverse();
            return [.. parts];
        }

        for (end = Strip(run, text, null, TextSides.Right).Length; end > 0 && parts.Count < most;)
        {
            int start = end;
            while (start > 0 && !IsSpace(Rune.IsValid(text.Value[start - 1]) ? new Rune(text.Value[start - 1]) : Rune.ReplacementChar))
                start--;
            Add(run, parts, text.Slice(start, end));
            end = Strip(run, text.Slice(0, start), null, TextSides.Right).Length;
        }

        if (end > 0)
            Add(run, parts, Strip(run, text.Slice(0, end), null, TextSides.Left));
        parts.Reverse();
        return [.. parts];
    }

    /// <summary>What stands before a separator, the separator, and what stands behind it.</summary>
    public static TupleValue Partition(Run run, Text text, Text separator, bool last)
    {
        NotEmpty(separator);
        run.Meter.Text(text.Length);
        int at = last ? text.Value.LastIndexOf(separator.Value, StringComparison.Ordinal) : text.Find(separator.Value);
        if (at < 0)
            return last ? new TupleValue([Text.Empty, Text.Empty, text]) : new TupleValue([text, Text.Empty, Text.Empty]);
        int behind = at + separator.Length;
        return new TupleValue([text.Slice(0, at), text.Slice(at, behind), text.Slice(behind, text.Length)]);
    }

    /// <summary>Replaces a text by another, at most a number of times unless that is negative.</summary>
    public static Text Replace(Run run, Text text, Text old, Text made, int most)
    {
        run.Meter.Text(text.Length);
        var replaced = new TextBuilder(run.Meter);
        int done = 0;
        if (old.Length == 0)
        {
            foreach (Text character in text.Characters())
            {
                if (most-- != 0)
                    replaced.Append(made);
                else
                    break;
                replaced.Append(character);
                done += character.Length;
            }

            replaced.Append(text, done, text.Length);
            if (most > 0 || most < -1)
                replaced.Append(made);
            return replaced.ToText();
        }

        for (int at; most-- != 0 && (at = text.Find(old.Value, done)) >= 0; done = at + old.Length)
        {
            replaced.Append(text, done, at);
            replaced.Append(made);
        }

        replaced.Append(text, done, text.Length);
        return replaced.ToText();
    }

    /// <summary>The lines.</summary>
    public static object[] Lines(Run run, Text text, bool keepEnds)
    {
        run.Meter.Text(text.Length);
        var lines = new List<object>();
        for (int start = 0; start < text.Length;)
        {
            int length = text.Value.AsSpan(start).IndexOfAny(_lineEnds);
            int end = length < 0 ? text.Length : start + length, next = end == text.Length ? end : end + 1;
            if (next < text.Length && text.Value[end] == '\r' && text.Value[next] == '\n')
                next++;
            Add(run, lines, text.Slice(start, keepEnds ? next : end));
            start = next;
        }

        return [.. lines];
    }

    /// <summary>Replaces tabs by blanks up to the next multiple of a width.</summary>
    public static Text ExpandTabs(Run run, Text text, int width)
    {
        var expanded = new TextBuilder(run.Meter);
        int column = 0;
        foreach (Text character in text.Characters())
        {
            if (character.Value == "\t")
            {
                int blanks = width <= 0 ? 0 : width - column % width;
                expanded.Append(' ', blanks);
                column += blanks;
                continue;
            }

            expanded.Append(character);
            column = character.Value is "\n" or "\r" ? 0 : column + 1;
        }

        return expanded.ToText();
    }

    private static object[] SplitAtSpace(Run run, Text text, int most)
    {
        var parts = new List<object>();
        Text rest = Strip(run, text, null, TextSides.Left);
        int start = 0;
        for (int at = 0; at < rest.Length && parts.Count != most;)
        {
            Rune rune = Rune.TryGetRuneAt(rest.Value, at, out Rune found) ? found : Rune.ReplacementChar;
            if (!IsSpace(rune))
            {
                at += Math.Max(1, found.Utf16SequenceLength);
                continue;
            }

            Add(run, parts, rest.Slice(start, at));
            while (at < rest.Length && Rune.TryGetRuneAt(rest.Value, at, out rune) && IsSpace(rune))
                at += rune.Utf16SequenceLength;
            start = at;
        }

        if (start < rest.Length)
            Add(run, parts, parts.Count == most ? Strip(run, rest.Slice(start, rest.Length), null, TextSides.Right) : rest.Slice(start, rest.Length));
        return [.. parts];
    }

    private static void Add(Run run, List<object> parts, Text part)
    {
        run.Meter.Steps(1);
        parts.Add(part);
    }

    private static void NotEmpty(Text separator)
    {
        if (separator.Length == 0)
            throw new RenderFault("empty separator");
    }
}
