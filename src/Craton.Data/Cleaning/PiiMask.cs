using System.Text;

namespace Craton.Data;

/// <summary>
/// Masks personal data with <c>[EMAIL]</c>, <c>[PHONE]</c>, <c>[IP]</c>, <c>[CARD]</c>, <c>[IBAN]</c> and <c>[KEY]</c>, also where
/// it is written with spaces or full-width characters. Linear time; masking twice changes nothing more. A scanner of patterns
/// misses what has no pattern (names, addresses): it lowers the risk and does not remove it.
/// </summary>
public sealed class PiiMask : DocumentRule
{
    /// <summary>Creates the rule.</summary>
    public PiiMask() : base("pii-mask") { }

    /// <inheritdoc/>
    protected override Verdict Judge(Document document)
    {
        string masked = Mask(document.Text, out string kinds);
        return kinds.Length == 0 ? Verdict.Keep(document) : Verdict.Change(document, masked, kinds);
    }

    /// <summary>Masks one text.</summary>
    public static string Mask(string text) => Mask(text, out _);

    private static string Mask(string text, out string kinds)
    {
        List<PiiSpan> spans = PiiScanner.Find(text);
        kinds = string.Join(" ", spans.Select(s => s.Kind).Distinct().Order(StringComparer.Ordinal));
        if (spans.Count == 0) return text;
        var masked = new StringBuilder(text.Length);
        int at = 0;
        foreach (PiiSpan span in spans)
        {
            masked.Append(text, at, span.Start - at).Append('[').Append(span.Kind).Append(']');
            at = span.End;
        }

        return masked.Append(text, at, text.Length - at).ToString();
    }
}
