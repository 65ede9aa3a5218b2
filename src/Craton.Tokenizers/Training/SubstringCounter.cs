using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers.Training;

/// <summary>Substrings that occur several times, by a sorted list of the suffixes of all words (Manber and Myers 1990).</summary>
internal static class SubstringCounter
{
    /// <summary>
    /// The substrings of two to <paramref name="longest"/> characters that occur at least twice and are followed by different things
    /// (the end of a word is one thing), with the number of places.
    /// </summary>
    public static List<(int[] Text, int Count)> Repeated(IReadOnlyList<int[]> words, int longest)
    {
        var suffixes = new List<(int Word, int Start)>();
        for (int w = 0; w < words.Count; w++)
        {
            for (int start = 0; start < words[w].Length; start++)
                suffixes.Add((w, start));
        }

        suffixes.Sort((a, b) => SuffixOf(a).SequenceCompareTo(SuffixOf(b)));
        var found = new List<(int[], int)>();
        // The common prefixes that are open: their length, and where they begin.
        var open = new Stack<(int Length, int First)>();
        for (int i = 1; i <= suffixes.Count; i++)
        {
            int common = i < suffixes.Count ? SuffixOf(suffixes[i - 1]).CommonPrefixLength(SuffixOf(suffixes[i])) : 0;
            int first = i - 1, last = SuffixOf(suffixes[i - 1]).Length;
            while (open.Count > 0 && open.Peek().Length > common)
            {
                (int length, first) = open.Pop();
                // The longest suffix is the last one; where even that ends, all are followed by the same.
                if (length >= 2 && length <= longest && last > length)
                    found.Add((SuffixOf(suffixes[first])[..length].ToArray(), i - first));
            }

            if (open.Count == 0 || open.Peek().Length < common)
                open.Push((common, first));
        }

        return found;

        ReadOnlySpan<int> SuffixOf((int Word, int Start) suffix) => words[suffix.Word].AsSpan(suffix.Start);
    }

    /// <summary>The code points of words.</summary>
    public static int[][] Codes(IEnumerable<string> words) => [.. words.Select(AlignedText.CodesOf)];
}
