using System.Text;

namespace Craton.Tokenizers.Templates;

/// <summary>Joins texts and keeps their origins; every character is paid for before it is stored.</summary>
internal sealed class TextBuilder(Meter meter)
{
    private readonly StringBuilder _value = new();
    private readonly List<TextRange> _trusted = [];
    private readonly List<TextRange> _generated = [];

    public int Length => _value.Length;

    public void Append(Text text)
    {
        Pay(text.Length);
        int at = _value.Length;
        foreach (TextRange range in text.Trusted)
            Trust(at + range.Start, at + range.End);
        foreach (TextRange range in text.Generated)
            _generated.Add(new(at + range.Start, at + range.End));
        _value.Append(text.Value);
    }

    /// <summary>Appends a part of a text.</summary>
    public void Append(Text text, int start, int end) => Append(text.Slice(start, end));

    /// <summary>Appends characters that are data.</summary>
    public void Append(ReadOnlySpan<char> value)
    {
        Pay(value.Length);
        _value.Append(value);
    }

    /// <summary>Appends a character that is data, many times.</summary>
    public void Append(char value, int count)
    {
        Pay(count);
        _value.Append(value, count);
    }

    public Text ToText() => _value.Length == 0 && _generated.Count == 0 ? Text.Empty : new(_value.ToString(), [.. _trusted], [.. _generated]);

    private void Pay(int length)
    {
        // The whole must stay within the limit of a text; only the new part costs steps.
        if (length > 0)
            meter.Text(length);
        meter.Total((long)_value.Length + length);
    }

    private void Trust(int start, int end)
    {
        if (_trusted.Count > 0 && _trusted[^1].End == start)
            _trusted[^1] = new(_trusted[^1].Start, end);
        else
            _trusted.Add(new(start, end));
    }
}
