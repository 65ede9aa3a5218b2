using System.Buffers;

namespace Craton.Tokenizers.Templates;

/// <summary>
/// Turns rendered conversations into ids. A control token is one where the template wrote all of it; in the words of a message it is ordinary
/// characters, however they were put together. Safe for many threads.
/// </summary>
public sealed class RenderedTextEncoder
{
    private readonly Tokenizer _tokenizer;
    private readonly AddedToken[] _controls;
    private readonly SearchValues<string> _contents;

    /// <summary>Prepares the control tokens of a tokenizer.</summary>
    public RenderedTextEncoder(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        // Where several begin at one place, the longest is meant.
        _controls = [.. tokenizer.AddedTokens.Where(t => t.Special && t.Content.Length > 0).OrderByDescending(t => t.Content.Length)];
        _contents = SearchValues.Create([.. _controls.Select(t => t.Content)], StringComparison.Ordinal);
    }

    /// <summary>Encodes a rendered conversation.</summary>
    /// <returns>The tokens, with their places in UTF-16 units.</returns>
    public TokenSpan[] Encode(RenderedText rendered)
    {
        string text = rendered.Text;
        var spans = new List<TokenSpan>(text.Length / 3 + 4);
        int done = 0, range = 0;
        for (int at = 0; at < text.Length;)
        {
            int found = _controls.Length == 0 ? -1 : text.AsSpan(at).IndexOfAny(_contents);
            if (found < 0)
                break;
            int start = at + found;
            AddedToken control = Array.Find(_controls, c => string.CompareOrdinal(text, start, c.Content, 0, c.Content.Length) == 0)!;
            int end = start + control.Content.Length;
            while (range < rendered.Trusted.Count && rendered.Trusted[range].End < end)
                range++;
            bool isTrusted = range < rendered.Trusted.Count && rendered.Trusted[range].Start <= start;
            at = end;
            Add(spans, text, done, isTrusted && control.LeftStrip ? done + text.AsSpan(done, start - done).TrimEnd().Length : start);
            if (isTrusted)
                spans.Add(new TokenSpan(control.Id, start, end));
            else
                Add(spans, text, start, end); // a piece of its own, as in other libraries
            done = isTrusted && control.RightStrip ? end + text.AsSpan(end).Length - text.AsSpan(end).TrimStart().Length : end;
            at = Math.Max(at, done);
        }

        Add(spans, text, done, text.Length);
        return [.. spans];
    }

    private void Add(List<TokenSpan> spans, string text, int start, int end)
    {
        if (end <= start)
            return;
        foreach (TokenSpan span in _tokenizer.EncodeWithOffsets(text.AsSpan(start, end - start)))
            spans.Add(new TokenSpan(span.Id, start + span.Start, start + span.End));
    }
}
