namespace Craton.Tokenizers;

public abstract partial class Tokenizer
{
    private static readonly EncodeOptions _defaultOptions = new();

    /// <summary>
    /// Encodes a text, or a pair of texts, with all that a model takes beside the ids: the tokens of the template, type ids,
    /// attention mask, offsets, words, truncation and padding as in Hugging Face <c>tokenizers</c>.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="pair">The second text of a pair.</param>
    /// <param name="options">How; by default with special tokens around, those written in the text being text.</param>
    /// <exception cref="TokenizerException">The options cannot be met, or a text cannot be encoded.</exception>
    public EncodedText EncodeText(string text, string? pair = null, EncodeOptions? options = null)
    {
        options ??= _defaultOptions;
        IReadOnlyList<EncodedToken> first = Tokenize(text, options.AllowSpecial);
        IReadOnlyList<EncodedToken>? second = pair is null ? null : Tokenize(pair, options.AllowSpecial);
        return PadAll([Complete(first, second, options)], options.Padding)[0];
    }

    /// <summary>Encodes texts, or pairs of texts, and pads them to one length where padding asks for the longest.</summary>
    /// <param name="texts">The texts, each with the second text of its pair or null.</param>
    /// <param name="options">How, as for <see cref="EncodeText(string, string?, EncodeOptions?)"/>.</param>
    /// <exception cref="TokenizerException">The options cannot be met, or a text cannot be encoded.</exception>
    public IReadOnlyList<EncodedText> EncodeTexts(IEnumerable<(string Text, string? Pair)> texts, EncodeOptions? options = null)
    {
        options ??= _defaultOptions;
        return PadAll([.. texts.Select(t => EncodeText(t.Text, t.Pair, options with { Padding = null }))], options.Padding);
    }

    /// <summary>Encodes texts that are given as lists of words; offsets count within each word.</summary>
    /// <param name="texts">The texts, each with the second text of its pair or null.</param>
    /// <param name="options">How, as for <see cref="EncodeText(string, string?, EncodeOptions?)"/>.</param>
    /// <exception cref="TokenizerException">The options cannot be met, or a text cannot be encoded.</exception>
    public IReadOnlyList<EncodedText> EncodeWords(
        IEnumerable<(IReadOnlyList<string> Words, IReadOnlyList<string>? Pair)> texts, EncodeOptions? options = null)
    {
        options ??= _defaultOptions;
        return PadAll([.. texts.Select(t => Complete(Words(t.Words), t.Pair is null ? null : Words(t.Pair), options))], options.Padding);

        EncodedToken[] Words(IReadOnlyList<string> words) =>
            [.. words.SelectMany((word, i) => Tokenize(word, options.AllowSpecial).Select(t => t with { Word = i }))];
    }

    /// <summary>What the file says is to be done with encoded texts.</summary>
    internal virtual PostProcessor PostProcessor => PostProcessor.None;

    /// <summary>The tokens of a text alone: ids, spellings, offsets and words.</summary>
    internal virtual IReadOnlyList<EncodedToken> Tokenize(string text, bool allowSpecial) =>
        [.. EncodeWithOffsets(text, allowSpecial).Select((s, i) => new EncodedToken(s.Id, TokenText(s.Id), s.Start, s.End) { Word = i })];

    /// <summary>How the vocabulary spells a token.</summary>
    internal virtual string TokenText(int id) => System.Text.Encoding.UTF8.GetString(TokenBytes(id));

    /// <summary>Truncates, and adds the tokens of the template.</summary>
    private EncodedText Complete(IReadOnlyList<EncodedToken> first, IReadOnlyList<EncodedToken>? second, EncodeOptions options)
    {
        List<EncodedText> texts = [new([.. first.Select(t => t with { Sequence = 0 })])];
        if (second is not null)
            texts.Add(new([.. second.Select(t => t with { Sequence = 1, TypeId = 1 })]));
        if (options.Truncation is { } truncation)
            Truncate(texts, truncation, options.AddSpecialTokens);
        return PostProcessor.Process(texts, options.AddSpecialTokens).Aggregate((all, next) => all.Then(next));
    }

    private void Truncate(List<EncodedText> texts, Truncation truncation, bool addSpecialTokens)
    {
        int alone = truncation.MaxLength - PostProcessor.Added(pair: false);
        if (alone >= 0 && truncation.Stride > alone)
        {
            throw new TokenizerException(
                $"The stride is {truncation.Stride}, expected at most the {alone} tokens of a text that fit into {truncation.MaxLength}; lower it.");
        }

        int most = truncation.MaxLength - (addSpecialTokens ? PostProcessor.Added(texts.Count == 2) : 0);
        int length = texts.Sum(t => t.Count);
        if (most < 0 || (length <= most && most > 0))
            return; // where not even the template fits, texts stay whole
        int target = truncation.Strategy == TruncationStrategy.OnlySecond ? 1 : 0;
        if (most == 0)
        {
            Cut([.. texts.Select(_ => 0)]);
        }
        else if (truncation.Strategy == TruncationStrategy.LongestFirst)
        {
            Cut(texts.Count == 1 ? [most] : Share(texts[0].Count, texts[1].Count, most));
        }
        else
        {
            if (target >= texts.Count)
                throw new TokenizerException("Truncation is to cut the second text, but there is only one; choose LongestFirst or OnlyFirst.");
            int left = texts[target].Count - (length - most);
            if (left <= 0)
            {
                throw new TokenizerException(
                    $"Text {target + 1} has {texts[target].Count} tokens, too few to cut {length - most} from it alone; choose LongestFirst.");
            }

            Cut([.. texts.Select((t, i) => i == target ? left : t.Count)]);
        }

        void Cut(int[] lengths)
        {
            for (int i = 0; i < texts.Count; i++)
                texts[i] = texts[i].Truncate(lengths[i], truncation.Stride, truncation.Side);
        }
    }

    /// <summary>The lengths of two texts that are to fit together: the shorter one is only cut when halves are not enough.</summary>
    private static int[] Share(int first, int second, int most)
    {
        (int small, int large) = (Math.Min(first, second), Math.Max(first, second));
        large = small > most ? small : Math.Max(small, most - small);
        if (small + large > most)
            (small, large) = (most / 2, most / 2 + most % 2);
        return first > second ? [large, small] : [small, large];
    }

    private static EncodedText[] PadAll(EncodedText[] texts, Padding? padding)
    {
        if (padding is null || texts.Length == 0)
            return texts;
        int length = padding.Length ?? texts.Max(t => t.Count);
        if (padding.MultipleOf is > 0 and int multiple)
            length = (length + multiple - 1) / multiple * multiple;
        return [.. texts.Select(t => t.Pad(length, padding))];
    }
}
