using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// Texts for an encoder, in one of two forms. As rows of equal length [B, T], some places of which may be padding; or packed, one text after
/// the other in one row [1, N], which costs no work for padding. A text gives the same bits in a packed row as alone.
/// </summary>
/// <param name="Ids">Token ids, I32 [B, T], or [1, N] when packed.</param>
/// <param name="TokenTypes">Number of the segment each token belongs to, I32, shaped like the ids; 0 when null.</param>
/// <param name="KeyPadding">Which places hold a token, Bool [B, T]; all when null. Not for packed texts.</param>
/// <param name="Positions">Position of each token, I32, shaped like the ids; counted by the family's rule when null.</param>
/// <param name="Lengths">Lengths of the packed texts, which add up to N; null for rows.</param>
public readonly record struct EncoderInput(
    Tensor Ids, Tensor? TokenTypes = null, Tensor? KeyPadding = null, Tensor? Positions = null, int[]? Lengths = null)
{
    /// <summary>Texts one after the other in one row.</summary>
    /// <param name="texts">Token ids of each text; none is empty.</param>
    /// <param name="tokenTypes">Segments of the tokens of each text; all 0 when null.</param>
    public static EncoderInput Pack(IReadOnlyList<int[]> texts, IReadOnlyList<int[]>? tokenTypes = null)
    {
        if (texts.Count == 0 || texts.Any(text => text.Length == 0))
            throw new CratonException("texts for an encoder: expected one or more, none without tokens; an empty text still has the tokens that frame it");
        return new EncoderInput(Row(texts), tokenTypes is null ? null : Row(tokenTypes), Lengths: [.. texts.Select(text => text.Length)]);

        static Tensor Row(IEnumerable<int[]> parts)
        {
            int[] all = [.. parts.SelectMany(part => part)];
            return Tensor.From(all, 1, all.Length);
        }
    }

    /// <summary>Number of texts.</summary>
    public int Texts => Lengths?.Length ?? Ids.Size(0);

    /// <summary>Most places of a text, padding among them.</summary>
    public int Longest => Lengths?.Max() ?? Ids.Size(1);

    /// <summary>Places of a text within all rows, one after the other.</summary>
    public (int First, int Count)[] Spans()
    {
        var spans = new (int First, int Count)[Texts];
        for (int i = 0, first = 0; i < spans.Length; first += spans[i].Count, i++) spans[i] = (first, Lengths?[i] ?? Ids.Size(1));
        return spans;
    }
}
