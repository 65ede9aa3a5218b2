namespace Craton.Tokenizers.Unicode;

/// <summary>The four normalisation forms: decompose, order marks by combining class, compose (Unicode Standard Annex 15).</summary>
internal static class NormalizationForms
{
    private const int SyllableBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    private const int Leads = 19, Vowels = 21, Tails = 28, Syllables = Leads * Vowels * Tails;

    /// <summary>
    /// Normalises code points. The change of a result says how it came about: 0 one for one, +1 added to what is before it,
    /// -n together with the n original code points after its own.
    /// </summary>
    /// <param name="codePoints">The text.</param>
    /// <param name="compose">Forms C and KC, else D and KD.</param>
    /// <param name="compatibility">Forms KC and KD: what only looks different becomes the same.</param>
    public static List<(int Code, int Change)> Apply(ReadOnlySpan<int> codePoints, bool compose, bool compatibility)
    {
        var text = new List<(int Code, int Change)>(codePoints.Length);
        foreach (int code in codePoints)
        {
            int first = text.Count;
            Decompose(code, compatibility, text);
            for (int i = first + 1; i < text.Count; i++)
                text[i] = (text[i].Code, 1);
        }

        OrderMarks(text);
        return compose ? Recompose(text) : text;
    }

    private static void Decompose(int code, bool compatibility, List<(int Code, int Change)> text)
    {
        int syllable = code - SyllableBase;
        if (syllable is >= 0 and < Syllables)
        {
            text.Add((LeadBase + syllable / (Vowels * Tails), 0));
            text.Add((VowelBase + syllable / Tails % Vowels, 0));
            if (syllable % Tails != 0)
                text.Add((TailBase + syllable % Tails, 0));
        }
        else if ((CanonicalData.Decompose(code) ?? (compatibility ? CompatibilityData.Decompose(code) : null)) is { } parts)
        {
            foreach (int part in parts)
                Decompose(part, compatibility, text);
        }
        else
        {
            text.Add((code, 0));
        }
    }

    private static void OrderMarks(List<(int Code, int Change)> text)
    {
        for (int start = 0; start < text.Count; start++)
        {
            int end = start;
            while (end < text.Count && CanonicalData.ClassOf(text[end].Code) != 0)
                end++;
            if (end - start > 1)
            {
                List<(int Code, int Change)> ordered = [.. text[start..end].OrderBy(c => CanonicalData.ClassOf(c.Code))];
                for (int i = start; i < end; i++)
                    text[i] = ordered[i - start];
            }

            start = end;
        }
    }

    private static List<(int Code, int Change)> Recompose(List<(int Code, int Change)> text)
    {
        var result = new List<(int Code, int Change)>(text.Count);
        int starter = -1, lastClass = 0;
        foreach ((int code, int change) in text)
        {
            int combiningClass = CanonicalData.ClassOf(code);
            // A mark is blocked from the starter by one of its own or a higher class between them, a starter by any mark.
            bool adjacent = starter >= 0 && (starter == result.Count - 1 || (lastClass != 0 && lastClass < combiningClass));
            if (adjacent && Pair(result[starter].Code, code) is int composed)
            {
                result[starter] = (composed, result[starter].Change + change - 1);
                continue;
            }

            if (combiningClass == 0)
                starter = result.Count;
            lastClass = combiningClass;
            result.Add((code, change));
        }

        return result;
    }

    private static int? Pair(int first, int second)
    {
        int lead = first - LeadBase, vowel = second - VowelBase;
        if (lead is >= 0 and < Leads && vowel is >= 0 and < Vowels)
            return SyllableBase + (lead * Vowels + vowel) * Tails;
        int syllable = first - SyllableBase, tail = second - TailBase;
        if (syllable is >= 0 and < Syllables && syllable % Tails == 0 && tail is > 0 and < Tails)
            return first + tail;
        return CanonicalData.Compose(first, second);
    }
}
