using System.Runtime.InteropServices;
using System.Text;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers;

/// <summary>Unicode operations that give the same result whatever the globalization settings of the process.</summary>
public static class UnicodeText
{
    /// <summary>
    /// Normalisation form C (Unicode Standard Annex 15): <c>e</c> with a combining acute accent becomes <c>é</c>.
    /// <see cref="string.Normalize()"/> does nothing when globalization is invariant. An unpaired surrogate becomes U+FFFD.
    /// </summary>
    /// <returns>The same instance when it is composed already.</returns>
    public static string Compose(string text)
    {
        if (IsComposed(text))
            return text;
        var codes = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            codes.Add(rune.Value);
        var composed = new StringBuilder(text.Length);
        Span<char> units = stackalloc char[2];
        foreach ((int code, _) in NormalizationForms.Apply(CollectionsMarshal.AsSpan(codes), compose: true, compatibility: false))
            composed.Append(units[..new Rune(code).EncodeToUtf16(units)]);
        return composed.ToString();
    }

    private static bool IsComposed(string text)
    {
        // Below U+0300 every character is its own composition.
        if (!text.AsSpan().ContainsAnyInRange('\u0300', '\uFFFF'))
            return true;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune == Rune.ReplacementChar || CanonicalData.MayChangeUnderNfc(rune.Value))
                return false;
        }

        return true;
    }
}
