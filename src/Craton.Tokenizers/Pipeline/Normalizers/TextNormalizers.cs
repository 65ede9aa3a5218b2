namespace Craton.Tokenizers.Pipeline;

/// <summary>Leaves white space at the ends out.</summary>
internal sealed class StripNormalizer(bool left, bool right) : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        int start = 0, end = text.Length;
        while (left && start < end && CharProperty.IsWhiteSpace(text.Chars[start].Code))
            start++;
        while (right && end > start && CharProperty.IsWhiteSpace(text.Chars[end - 1].Code))
            end--;
        return text.Slice(start, end);
    }
}

/// <summary>Puts characters in front of a text that has any.</summary>
internal sealed class PrependNormalizer(string prefix) : Normalizer
{
    private readonly int[] _prefix = AlignedText.CodesOf(prefix);

    public override AlignedText Apply(AlignedText text) => text.Prepend(_prefix);
}

/// <summary>Replaces what a pattern matches.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, string content) : Normalizer
{
    private readonly int[] _content = AlignedText.CodesOf(content);

    public override AlignedText Apply(AlignedText text) => text.Replace(pattern, _content);
}

/// <summary>The rules of the translation models before SentencePiece: no control characters, one kind of blank.</summary>
internal sealed class NmtNormalizer : Normalizer
{
    public override AlignedText Apply(AlignedText text) => text.Select(c => c switch
    {
        (>= 0x1 and <= 0x8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or 0x8F or 0x9F => null,
        0x9 or 0xA or 0xC or 0xD or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD => ' ',
        _ => c,
    });
}
