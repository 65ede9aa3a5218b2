using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Pipeline;

/// <summary>The cleaning that comes before the words of BERT (Devlin et al. 2019).</summary>
/// <param name="cleanText">No control characters, every white space a blank.</param>
/// <param name="spaceIdeographs">Blanks around Chinese characters.</param>
/// <param name="stripAccents">Decomposes and leaves nonspacing marks out.</param>
/// <param name="lowercase">Small letters.</param>
internal sealed class BertNormalizer(bool cleanText, bool spaceIdeographs, bool stripAccents, bool lowercase) : Normalizer
{
    private const uint ControlCategories = 0b1111u << (int)System.Globalization.UnicodeCategory.Control;
    private const uint NonSpacingMark = 1u << (int)System.Globalization.UnicodeCategory.NonSpacingMark;

    private static readonly FormNormalizer _decompose = new(compose: false, compatibility: false);
    private static readonly LowercaseNormalizer _lowercase = new();

    public override AlignedText Apply(AlignedText text)
    {
        if (cleanText)
            text = text.Select(Clean);
        if (spaceIdeographs)
            text = SpaceIdeographs(text);
        if (stripAccents)
            text = _decompose.Apply(text).Select(c => CharProperty.IsIn(c, NonSpacingMark) ? null : c);
        return lowercase ? _lowercase.Apply(text) : text;
    }

    private static int? Clean(int c)
    {
        if (CharProperty.IsWhiteSpace(c) && (c is '\t' or '\n' or '\r' || !CharProperty.IsIn(c, ControlCategories)))
            return ' ';
        return c is 0 or 0xFFFD || CharProperty.IsIn(c, ControlCategories) ? null : c;
    }

    private static AlignedText SpaceIdeographs(AlignedText text)
    {
        var result = new List<(int, int)>(text.Length);
        foreach (AlignedChar c in text.Chars)
        {
            if (IsIdeograph(c.Code))
                result.AddRange([(' ', 0), (c.Code, 1), (' ', 1)]);
            else
                result.Add((c.Code, 0));
        }

        return text.Transform(result);
    }

    private static bool IsIdeograph(int c) => c is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF)
        or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF)
        or (>= 0x2F800 and <= 0x2FA1F);
}
