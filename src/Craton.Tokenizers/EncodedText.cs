namespace Craton.Tokenizers;

/// <summary>One token of an <see cref="EncodedText"/>.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Text">How the vocabulary spells it; for an added token the characters that it matched.</param>
/// <param name="Start">First UTF-16 unit of the original text; 0 for a token that is not in the text.</param>
/// <param name="End">One past the last UTF-16 unit.</param>
public readonly record struct EncodedToken(int Id, string Text, int Start, int End)
{
    /// <summary>Number of the word (piece of the text, or item of a list of words) it belongs to; null when it is not in the text.</summary>
    public int? Word { get; init; }

    /// <summary>0 for the first of two texts, 1 for the second; null when it is in neither.</summary>
    public int? Sequence { get; init; }

    /// <summary>The kind of text that the template says it belongs to: for most models 0 for the first text, 1 for the second.</summary>
    public int TypeId { get; init; }

    /// <summary>Was added around the text (by the template or as padding).</summary>
    public bool IsAdded { get; init; }

    /// <summary>Fills the row up and is not to be looked at.</summary>
    public bool IsPadding { get; init; }
}

/// <summary>A text, or a pair of texts, ready for a model: what <see cref="Tokenizer.EncodeText(string, string?, EncodeOptions?)"/> gives.</summary>
public sealed class EncodedText
{
    internal EncodedText(IReadOnlyList<EncodedToken> tokens, IReadOnlyList<EncodedText>? overflowing = null)
    {
        Tokens = tokens;
        Overflowing = overflowing ?? [];
        Ids = [.. tokens.Select(t => t.Id)];
        TypeIds = [.. tokens.Select(t => t.TypeId)];
        AttentionMask = [.. tokens.Select(t => t.IsPadding ? 0 : 1)];
    }

    /// <summary>All that is known of each token.</summary>
    public IReadOnlyList<EncodedToken> Tokens { get; }

    /// <summary>The ids.</summary>
    public IReadOnlyList<int> Ids { get; }

    /// <summary>The type of each token (<c>token_type_ids</c>).</summary>
    public IReadOnlyList<int> TypeIds { get; }

    /// <summary>1 for a token to look at, 0 for padding.</summary>
    public IReadOnlyList<int> AttentionMask { get; }

    /// <summary>What truncation has cut off, in pieces of the same maximal length that overlap by the stride.</summary>
    public IReadOnlyList<EncodedText> Overflowing { get; }

    /// <summary>Number of tokens.</summary>
    public int Count => Tokens.Count;

    /// <summary>The same with every token changed, in the overflow too unless said otherwise.</summary>
    internal EncodedText Select(Func<EncodedToken, int, EncodedToken> change, bool changesOverflow = true) =>
        new([.. Tokens.Select(change)], changesOverflow ? [.. Overflowing.Select(o => o.Select(change))] : Overflowing);

    /// <summary>One text behind the other; each overflow of the one is joined with the other and with each of its overflows.</summary>
    internal EncodedText Then(EncodedText next)
    {
        var overflowing = new List<EncodedText>();
        foreach (EncodedText cut in Overflowing)
        {
            overflowing.Add(cut.Then(new EncodedText(next.Tokens)));
            overflowing.AddRange(next.Overflowing.Select(cut.Then));
        }

        var own = new EncodedText(Tokens);
        overflowing.AddRange(next.Overflowing.Select(own.Then));
        return new EncodedText([.. Tokens, .. next.Tokens], overflowing);
    }

    /// <summary>Cuts to a length; the rest becomes overflow, in pieces that repeat <paramref name="stride"/> tokens of the one before.</summary>
    internal EncodedText Truncate(int length, int stride, Side side)
    {
        int count = Tokens.Count;
        if (length >= count)
            return this;
        if (length == 0)
            return new EncodedText([], [this]);
        if (stride >= length)
            throw new TokenizerException($"The stride is {stride}, expected less than the {length} tokens that are left for a text; lower it.");

        var parts = new List<EncodedText>();
        for (int done = 0, step = 0; done < count; step += length - stride)
        {
            done = Math.Min(step + length, count);
            Range range = side == Side.Right ? step..done : (count - done)..(count - step);
            parts.Add(new EncodedText([.. Tokens.Take(range)]));
        }

        return new EncodedText(parts[0].Tokens, parts[1..]);
    }

    /// <summary>Fills up to a length, the overflow too.</summary>
    internal EncodedText Pad(int length, Padding padding)
    {
        EncodedText[] overflowing = [.. Overflowing.Select(o => o.Pad(length, padding))];
        var fill = new EncodedToken(padding.Id, padding.Token, 0, 0) { TypeId = padding.TypeId, IsAdded = true, IsPadding = true };
        IEnumerable<EncodedToken> filling = Enumerable.Repeat(fill, Math.Max(0, length - Count));
        return new EncodedText(padding.Side == Side.Right ? [.. Tokens, .. filling] : [.. filling, .. Tokens], overflowing);
    }
}
