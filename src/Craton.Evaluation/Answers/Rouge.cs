namespace Craton.Evaluation;

/// <summary>
/// ROUGE-N and ROUGE-L (Lin 2004) without stemming. Words are the runs of a-z and 0-9 of the lower-cased text, so text in other
/// scripts scores 0.
/// </summary>
public static class Rouge
{
    /// <summary>Overlap of the n-grams, each counted as often as it occurs in both.</summary>
    /// <param name="prediction">The text.</param>
    /// <param name="reference">What it should be like.</param>
    /// <param name="n">Words of an n-gram.</param>
    public static Overlap N(string prediction, string reference, int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        List<string> predicted = Grams(Words(prediction), n), expected = Grams(Words(reference), n);
        return new Overlap(Multiset.Common(predicted, expected), predicted.Count, expected.Count);
    }

    /// <summary>Overlap by the longest common subsequence of words. Time is the product of both lengths.</summary>
    public static Overlap L(string prediction, string reference)
    {
        List<string> predicted = Words(prediction), expected = Words(reference);
        var longest = new int[expected.Count + 1]; // [j]: of the words of the prediction so far and the first j of the reference
        foreach (string word in predicted)
        {
            int diagonal = 0;
            for (int j = 1; j <= expected.Count; j++)
            {
                int above = longest[j];
                longest[j] = word == expected[j - 1] ? diagonal + 1 : Math.Max(above, longest[j - 1]);
                diagonal = above;
            }
        }
        return new Overlap(longest[^1], predicted.Count, expected.Count);
    }

    private static List<string> Grams(List<string> words, int n) =>
        [.. Enumerable.Range(0, Math.Max(0, words.Count - n + 1)).Select(i => string.Join(' ', words[i..(i + n)]))];

    private static List<string> Words(string text)
    {
        var words = new List<string>();
        string lower = text.ToLowerInvariant();
        for (int i = 0; i < lower.Length; i++)
        {
            int start = i;
            while (i < lower.Length && (char.IsAsciiLetterLower(lower[i]) || char.IsAsciiDigit(lower[i]))) i++;
            if (i > start) words.Add(lower[start..i]);
        }
        return words;
    }
}
