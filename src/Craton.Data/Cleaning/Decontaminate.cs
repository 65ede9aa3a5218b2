namespace Craton.Data;

/// <summary>
/// Drops training documents that share a run of words with an evaluation text (Brown et al. 2020, GPT-3, appendix C: 13-grams
/// without case and punctuation), so that a benchmark measures what was learnt and not what was memorised.
/// </summary>
public sealed class Decontaminate : DocumentRule
{
    private readonly HashSet<ulong> _grams = [];
    private readonly SortedSet<int> _sizes = [];

    /// <summary>Creates the rule.</summary>
    /// <param name="benchmarks">The evaluation texts: questions, contexts, answers.</param>
    /// <param name="n">Words in a run.</param>
    /// <param name="minWords">An evaluation text of fewer than <paramref name="n"/> words must occur whole; below this many words it is ignored, since it would match by chance.</param>
    public Decontaminate(IEnumerable<string> benchmarks, int n = 13, int minWords = 8) : base("decontaminate")
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        foreach (string text in benchmarks)
        {
            List<ulong> words = Words.Hashes(text);
            if (words.Count < Math.Min(minWords, n)) continue;
            _sizes.Add(Math.Min(n, words.Count));
            _grams.UnionWith(Words.Grams(words, n));
        }
    }

    /// <inheritdoc/>
    protected override Verdict Judge(Document document)
    {
        List<ulong> words = Words.Hashes(document.Text);
        foreach (int size in _sizes)
        {
            for (int i = 0; i + size <= words.Count; i++)
            {
                if (_grams.Contains(Words.Gram(words, i, size))) return Verdict.Drop("overlaps an evaluation text");
            }
        }

        return Verdict.Keep(document);
    }
}
