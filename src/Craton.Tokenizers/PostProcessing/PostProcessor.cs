namespace Craton.Tokenizers;

/// <summary>What is done with texts when they are encoded: offsets are trimmed, tokens added, types given.</summary>
internal abstract class PostProcessor
{
    /// <summary>Changes nothing.</summary>
    public static PostProcessor None { get; } = new SequenceProcessor([]);

    /// <summary>The number of tokens that are added to one text or to a pair.</summary>
    public abstract int Added(bool pair);

    /// <summary>Takes one or two texts and gives the parts of the row in order.</summary>
    public abstract List<EncodedText> Process(List<EncodedText> texts, bool addSpecialTokens);
}

/// <summary>One after the other.</summary>
internal sealed class SequenceProcessor(IReadOnlyList<PostProcessor> steps) : PostProcessor
{
    public override int Added(bool pair) => steps.Sum(s => s.Added(pair));

    public override List<EncodedText> Process(List<EncodedText> texts, bool addSpecialTokens) =>
        steps.Aggregate(texts, (all, step) => step.Process(all, addSpecialTokens));
}

/// <summary>Leaves the blanks at the edges of byte-level tokens out of their offsets.</summary>
/// <param name="keepsFirst">The first blank of a text was added and takes no place in it.</param>
internal sealed class TrimProcessor(bool keepsFirst) : PostProcessor
{
    private static readonly char _blank = ByteLevelAlphabet.ToSymbols(" "u8)[0];

    public override int Added(bool pair) => 0;

    public override List<EncodedText> Process(List<EncodedText> texts, bool addSpecialTokens) => texts.ConvertAll(t => t.Select(Trim));

    private EncodedToken Trim(EncodedToken token, int index)
    {
        int leading = token.Text.TakeWhile(IsBlank).Count();
        int trailing = token.Text.Reverse().TakeWhile(IsBlank).Count();
        if (leading == 1 && keepsFirst && (index == 0 || token.Start == 0))
            leading = 0;
        int start = Math.Min(token.Start + leading, token.End);
        // A token of blanks alone is empty; where its only blank was added, it had the place of the first character.
        int end = trailing == token.Text.Length ? start : Math.Max(token.End - trailing, start);
        return token with { Start = start, End = end };
    }

    private static bool IsBlank(char c) => c == _blank || char.IsWhiteSpace(c);
}

/// <summary>One piece of a template: a text (by its number), or the ids of a special token.</summary>
internal sealed record TemplatePiece(int TypeId, int Sequence, IReadOnlyList<EncodedToken> Added);

/// <summary>Puts special tokens around one text or a pair.</summary>
/// <param name="single">The template of one text.</param>
/// <param name="pair">The template of a pair.</param>
/// <param name="typesOverflow">Gives types to what truncation has cut off, too, where tokens are added; else it keeps 0 and 1.</param>
internal sealed class TemplateProcessor(TemplatePiece[] single, TemplatePiece[] pair, bool typesOverflow = false) : PostProcessor
{
    /// <summary>All ids that are added.</summary>
    public IEnumerable<int> Ids => single.Concat(pair).SelectMany(p => p.Added).Select(t => t.Id);

    public override int Added(bool pair) => Template(pair).Sum(p => p.Added.Count);

    public override List<EncodedText> Process(List<EncodedText> texts, bool addSpecialTokens)
    {
        var parts = new List<EncodedText>();
        foreach (TemplatePiece piece in Template(texts.Count == 2))
        {
            if (piece.Sequence >= 0)
                parts.Add(texts[piece.Sequence].Select((t, _) => t with { TypeId = piece.TypeId }, typesOverflow && addSpecialTokens));
            else if (addSpecialTokens)
                parts.Add(new EncodedText(piece.Added));
        }

        return parts.Count > 0 ? parts : [new EncodedText([])];
    }

    private TemplatePiece[] Template(bool isPair) => isPair ? pair : single;
}
