using System.Text;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Pipeline;

/// <summary>A normalisation form: NFC, NFD, NFKC or NFKD.</summary>
internal sealed class FormNormalizer(bool compose, bool compatibility) : Normalizer
{
    public override AlignedText Apply(AlignedText text) => text.Transform(NormalizationForms.Apply(text.Codes, compose, compatibility));

    public override bool Keeps(ReadOnlySpan<byte> utf8)
    {
        // Below U+00A0 no form changes anything; from 0xCC on, U+0300, a character may also be composed with others.
        if (utf8.IndexOfAnyInRange(compose && !compatibility ? (byte)0xCC : (byte)0xC2, (byte)0xFF) < 0)
            return true;
        return compose && !compatibility && All(utf8, rune => !CanonicalData.MayChangeUnderNfc(rune.Value));
    }
}

/// <summary>Small letters, character by character.</summary>
internal sealed class LowercaseNormalizer : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        var result = new List<(int, int)>(text.Length);
        foreach (AlignedChar c in text.Chars)
        {
            // The only character whose small form is two: i and a dot above.
            result.Add((c.Code == 0x130 ? 'i' : Rune.ToLowerInvariant(new Rune(c.Code)).Value, 0));
            if (c.Code == 0x130)
                result.Add((0x307, 1));
        }

        return text.Transform(result);
    }

    public override bool Keeps(ReadOnlySpan<byte> utf8) => All(utf8, rune => Rune.ToLowerInvariant(rune) == rune && rune.Value != 0x130);
}

/// <summary>Leaves marks out, and so the accents of decomposed text.</summary>
internal sealed class StripAccentsNormalizer : Normalizer
{
    public override AlignedText Apply(AlignedText text) => text.Select(c => CharProperty.IsIn(c, CodePointClass.Mark) ? null : c);
}

/// <summary>Writes each byte as its character in the byte-level alphabet.</summary>
internal sealed class ByteLevelNormalizer : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        var result = new List<(int, int)>(text.Length);
        Span<byte> bytes = stackalloc byte[4];
        foreach (AlignedChar c in text.Chars)
        {
            int length = new Rune(c.Code).EncodeToUtf8(bytes);
            string symbols = ByteLevelAlphabet.ToSymbols(bytes[..length]);
            for (int i = 0; i < length; i++)
                result.Add((symbols[i], i > 0 ? 1 : 0));
        }

        return text.Transform(result);
    }
}
