using System.Globalization;
using System.Text;

namespace Craton.Tokenizers.Pipeline;

/// <summary>
/// Replaces by a <see cref="Charsmap"/> as Hugging Face <c>tokenizers</c> does: a short grapheme by what its shortest prefix gives,
/// else each of its characters.
/// </summary>
internal sealed class CharsmapNormalizer(Charsmap map) : Normalizer
{
    private const int LongestGrapheme = 5;

    public override AlignedText Apply(AlignedText text)
    {
        var result = new List<(int Code, int Change)>(text.Length);
        string whole = text.ToString();
        for (int start = 0; start < whole.Length;)
        {
            int length = StringInfo.GetNextTextElementLength(whole.AsSpan(start));
            AddGrapheme(whole.AsSpan(start, length), result);
            start += length;
        }

        return text.Transform(result);
    }

    private void AddGrapheme(ReadOnlySpan<char> grapheme, List<(int Code, int Change)> result)
    {
        if (Encoding.UTF8.GetByteCount(grapheme) <= LongestGrapheme && TryReplace(grapheme, result))
            return;
        Span<char> units = stackalloc char[2];
        foreach (Rune rune in grapheme.EnumerateRunes())
        {
            if (!TryReplace(units[..rune.EncodeToUtf16(units)], result))
                result.Add((rune.Value, 0));
        }
    }

    private bool TryReplace(ReadOnlySpan<char> part, List<(int Code, int Change)> result)
    {
        Span<byte> utf8 = stackalloc byte[3 * LongestGrapheme];
        if (map.Find(utf8[..Encoding.UTF8.GetBytes(part, utf8)], longest: false, out _) is not { } replacement)
            return false;
        int before = 0;
        foreach (Rune _ in part.EnumerateRunes())
            before++;
        int[] codes = AlignedText.CodesOf(replacement);
        for (int i = 0; i < codes.Length; i++)
            result.Add((codes[i], i < before ? 0 : 1));
        // What has become fewer is gone with the last character.
        if (codes.Length < before && result.Count > 0)
            result[^1] = (result[^1].Code, result[^1].Change - (before - codes.Length));
        return true;
    }
}
