namespace Craton.Tokenizers.Templates;

/// <summary>The filter <c>wordwrap</c>: breaks lines at blanks and behind hyphens.</summary>
internal static class WordWrap
{
    public static Text Apply(Run run, Text text, int width, bool breakLong, Text lineEnd, bool atHyphens)
    {
        if (width <= 0)
            throw new RenderFault($"wordwrap: the width must be positive, got {width}");
        var wrapped = new TextBuilder(run.Meter);
        bool first = true;
        foreach (Text paragraph in TextParts.Lines(run, text, keepEnds: false).Cast<Text>())
        {
            if (!first)
                wrapped.Append(lineEnd);
            first = false;
            Wrap(run, paragraph, width, breakLong, lineEnd, atHyphens, wrapped);
        }

        return wrapped.ToText();
    }

    private static void Wrap(Run run, Text line, int width, bool breakLong, Text lineEnd, bool atHyphens, TextBuilder wrapped)
    {
        // A line that is open: [start, end) without the blanks at its end.
        int start = 0, end = 0;
        bool isFirst = true;
        foreach ((int from, int to) in Chunks(line, atHyphens))
        {
            run.Meter.Steps(1);
            bool isBlank = char.IsWhiteSpace(line.Value[from]);
            if (to - start <= width || (isBlank && end > start))
            {
                end = isBlank ? end : to;
                continue;
            }

            if (end > start)
                Flush(start, end);
            (start, end) = isBlank ? (to, to) : (from, to);
            while (breakLong && end - start > width)
            {
                Flush(start, start + width);
                start += width;
            }
        }

        if (end > start)
            Flush(start, end);

        void Flush(int from, int to)
        {
            while (!isFirst && from < to && char.IsWhiteSpace(line.Value[from]))
                from++;
            if (!isFirst)
                wrapped.Append(lineEnd);
            isFirst = false;
            wrapped.Append(line, from, to);
        }
    }

    // Runs of blanks, and words, which end behind a hyphen between letters.
    private static IEnumerable<(int From, int To)> Chunks(Text line, bool atHyphens)
    {
        string value = line.Value;
        for (int from = 0, to; from < value.Length; from = to)
        {
            to = from + 1;
            bool isBlank = char.IsWhiteSpace(value[from]);
            while (to < value.Length && char.IsWhiteSpace(value[to]) == isBlank
                && !(atHyphens && value[to - 1] == '-' && to - from > 1 && char.IsLetter(value[to - 2]) && char.IsLetter(value[to])))
            {
                to++;
            }

            yield return (from, to);
        }
    }
}
