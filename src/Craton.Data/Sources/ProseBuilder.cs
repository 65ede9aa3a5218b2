using System.Text;

namespace Craton.Data;

/// <summary>
/// Collects text out of markup: runs of white space become one space, an empty line or a block tag becomes a paragraph break,
/// and neither begins or ends the result. Reusable after <see cref="Take"/>.
/// </summary>
internal sealed class ProseBuilder
{
    private enum Gap { None, Space, Line, Paragraph }

    private readonly StringBuilder _text = new();
    private Gap _gap;

    /// <summary>Adds flowing text.</summary>
    public void Append(ReadOnlySpan<char> text)
    {
        while (text.Length > 0)
        {
            int blank = 0, lines = 0;
            for (; blank < text.Length && char.IsWhiteSpace(text[blank]); blank++) lines += text[blank] == '\n' ? 1 : 0;
            if (blank > 0) Need(lines > 1 ? Gap.Paragraph : Gap.Space);
            int word = blank;
            while (word < text.Length && !char.IsWhiteSpace(text[word])) word++;
            if (word > blank) Write(text[blank..word]);
            text = text[word..];
        }
    }

    /// <summary>Adds text whose lines and indentation stay, as a paragraph of its own (code).</summary>
    public void AppendBlock(string code)
    {
        Need(Gap.Paragraph);
        string[] lines = code.ReplaceLineEndings("\n").TrimEnd().Split('\n');
        int first = Array.FindIndex(lines, l => l.AsSpan().Trim().Length > 0);
        if (first < 0) return;
        int indent = lines.Skip(first).Where(l => l.AsSpan().Trim().Length > 0).Min(l => l.Length - l.TrimStart().Length);
        Write(string.Join('\n', lines.Skip(first).Select(l => l.Length >= indent ? l[indent..].TrimEnd() : "")));
        Need(Gap.Paragraph);
    }

    /// <summary>Ends the line.</summary>
    public void Line() => Need(Gap.Line);

    /// <summary>Ends the paragraph.</summary>
    public void Paragraph() => Need(Gap.Paragraph);

    /// <summary>The text so far; the builder is empty afterwards.</summary>
    public string Take()
    {
        string text = _text.ToString();
        _text.Clear();
        _gap = Gap.None;
        return text;
    }

    private void Need(Gap gap) => _gap = gap > _gap ? gap : _gap;

    private void Write(ReadOnlySpan<char> text)
    {
        if (_text.Length > 0) _text.Append(_gap switch { Gap.None => "", Gap.Space => " ", Gap.Line => "\n", _ => "\n\n" });
        _gap = Gap.None;
        _text.Append(text);
    }
}
