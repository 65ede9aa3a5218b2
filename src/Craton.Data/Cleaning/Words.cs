namespace Craton.Data;

/// <summary>Divides text the way the cleaning rules count it.</summary>
internal static class Words
{
    /// <summary>The words of a text: whatever white space separates.</summary>
    public static List<Range> Split(ReadOnlySpan<char> text)
    {
        var words = new List<Range>(text.Length / 5 + 1);
        for (int i = 0; i < text.Length;)
        {
            while (i < text.Length && char.IsWhiteSpace(text[i])) i++;
            int start = i;
            while (i < text.Length && !char.IsWhiteSpace(text[i])) i++;
            if (i > start) words.Add(start..i);
        }

        return words;
    }

    /// <summary>
    /// Hashes of the words of a text without case and punctuation, so that texts which differ only in these are equal. Letters of
    /// scripts that are written without spaces (CJK, Thai) are words of their own.
    /// </summary>
    public static List<ulong> Hashes(ReadOnlySpan<char> text)
    {
        var hashes = new List<ulong>(text.Length / 5 + 1);
        Span<char> word = stackalloc char[64];
        int length = 0;
        ulong prefix = 0;
        foreach (char c in text)
        {
            bool alone = c is >= '\u0E00' and <= '\u0EFF' or >= '\u3040' and <= '\u9FFF';
            if (alone || !(char.IsLetterOrDigit(c) || char.IsSurrogate(c)))
            {
                End(word, ref length, ref prefix, hashes);
                if (alone && char.IsLetterOrDigit(c)) hashes.Add(StableHash.Of([c]));
                continue;
            }

            if (length == word.Length)
            {
                prefix = StableHash.Of(word, prefix + 1);
                length = 0;
            }

            word[length++] = char.ToLowerInvariant(c);
        }

        End(word, ref length, ref prefix, hashes);
        return hashes;
    }

    /// <summary>Hashes of all runs of <paramref name="n"/> words; of a shorter text the hash of the whole (none for a text without words).</summary>
    public static ulong[] Grams(List<ulong> words, int n)
    {
        if (words.Count == 0) return [];
        int size = Math.Min(n, words.Count);
        ulong[] grams = new ulong[words.Count - size + 1];
        for (int i = 0; i < grams.Length; i++) grams[i] = Gram(words, i, size);
        return grams;
    }

    /// <summary>The hash of one run of words.</summary>
    public static ulong Gram(List<ulong> words, int start, int size)
    {
        ulong gram = (ulong)size;
        for (int k = 0; k < size; k++) gram = StableHash.Combine(gram, words[start + k]);
        return gram;
    }

    private static void End(Span<char> word, ref int length, ref ulong prefix, List<ulong> hashes)
    {
        if (length > 0 || prefix != 0) hashes.Add(StableHash.Of(word[..length], prefix));
        length = 0;
        prefix = 0;
    }
}
