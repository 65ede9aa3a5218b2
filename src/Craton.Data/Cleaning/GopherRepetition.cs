namespace Craton.Data;

/// <summary>Thresholds of <see cref="GopherRepetition"/>; the defaults are the published ones (fractions of lines, paragraphs or characters).</summary>
public sealed record GopherRepetitionOptions
{
    /// <summary>Texts with fewer words are not judged.</summary>
    public int MinWords { get; init; }

    /// <summary>Largest share of lines that repeat another.</summary>
    public double MaxDuplicateLines { get; init; } = 0.30;

    /// <summary>Largest share of paragraphs that repeat another.</summary>
    public double MaxDuplicateParagraphs { get; init; } = 0.30;

    /// <summary>Largest share of characters in lines that repeat another.</summary>
    public double MaxDuplicateLineCharacters { get; init; } = 0.20;

    /// <summary>Largest share of characters in paragraphs that repeat another.</summary>
    public double MaxDuplicateParagraphCharacters { get; init; } = 0.20;

    /// <summary>Largest share of characters covered by the most frequent n-gram, from n = 2 on.</summary>
    public IReadOnlyList<double> MaxTopGramCharacters { get; init; } = [0.20, 0.18, 0.16];

    /// <summary>Largest share of characters covered by n-grams that occur more than once, from n = 5 on.</summary>
    public IReadOnlyList<double> MaxDuplicateGramCharacters { get; init; } = [0.15, 0.14, 0.13, 0.12, 0.11, 0.10];

    /// <summary>The published thresholds, for web pages.</summary>
    public static GopherRepetitionOptions Web { get; } = new();

    /// <summary>For reference texts, which say the same of several parameters: only lines and the top n-grams of longer texts.</summary>
    public static GopherRepetitionOptions Docs { get; } = new()
    {
        MinWords = 40,
        MaxDuplicateLines = 0.5,
        MaxDuplicateParagraphs = 0.5,
        MaxDuplicateLineCharacters = 0.5,
        MaxDuplicateParagraphCharacters = 0.5,
        MaxTopGramCharacters = [0.35, 0.35, 0.35],
        MaxDuplicateGramCharacters = [],
    };
}

/// <summary>The repetition filter of MassiveWeb (Rae et al. 2021, A.1.1, table A1).</summary>
public sealed class GopherRepetition : DocumentRule
{
    private readonly GopherRepetitionOptions _options;

    /// <summary>Creates the rule.</summary>
    public GopherRepetition(GopherRepetitionOptions? options = null) : base("gopher-repetition") => _options = options ?? GopherRepetitionOptions.Web;

    /// <inheritdoc/>
    protected override Verdict Judge(Document document) => Fault(document.Text) is { } fault ? Verdict.Drop(fault) : Verdict.Keep(document);

    private string? Fault(string text)
    {
        List<Range> words = Words.Split(text);
        if (words.Count < Math.Max(1, _options.MinWords)) return null;
        (double count, double characters) = Repeated(text, "\n");
        if (count > _options.MaxDuplicateLines || characters > _options.MaxDuplicateLineCharacters) return "duplicate lines";
        (count, characters) = Repeated(text, "\n\n");
        if (count > _options.MaxDuplicateParagraphs || characters > _options.MaxDuplicateParagraphCharacters) return "duplicate paragraphs";
        return GramFault(text, words);
    }

    private string? GramFault(string text, List<Range> words)
    {
        ulong[] hashes = new ulong[words.Count];
        int[] lengths = new int[words.Count];
        int characters = 0;
        for (int i = 0; i < hashes.Length; i++)
        {
            ReadOnlySpan<char> word = text.AsSpan(words[i]);
            (hashes[i], lengths[i]) = (StableHash.Of(word), word.Length);
            characters += word.Length;
        }

        var counts = new Dictionary<ulong, int>();
        for (int k = 0; k < _options.MaxTopGramCharacters.Count; k++)
        {
            if (TopGram(hashes, lengths, k + 2, counts) > _options.MaxTopGramCharacters[k] * characters) return $"top {k + 2}-gram";
        }

        for (int k = 0; k < _options.MaxDuplicateGramCharacters.Count; k++)
        {
            if (DuplicateGrams(hashes, lengths, k + 5, counts) > _options.MaxDuplicateGramCharacters[k] * characters) return $"duplicate {k + 5}-grams";
        }

        return null;
    }

    /// <summary>The share of repeated parts, and of characters in them. The first occurrence does not count as repeated.</summary>
    private static (double Count, double Characters) Repeated(string text, string separator)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        int parts = 0, repeated = 0, characters = 0;
        foreach (string part in text.Split(separator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            parts++;
            if (seen.Add(part)) continue;
            repeated++;
            characters += part.Length;
        }

        return parts == 0 ? (0, 0) : ((double)repeated / parts, (double)characters / text.Length);
    }

    /// <summary>Characters covered by the most frequent n-gram that occurs at least twice (of equally frequent ones, the longest).</summary>
    private static int TopGram(ulong[] words, int[] lengths, int n, Dictionary<ulong, int> counts)
    {
        counts.Clear();
        int most = 1, covered = 0;
        for (int i = 0; i + n <= words.Length; i++)
        {
            int count = counts[Gram(words, i, n)] = counts.GetValueOrDefault(Gram(words, i, n)) + 1;
            if (count == 1) continue;
            int size = count * lengths.AsSpan(i, n).Sum();
            if (count > most) (most, covered) = (count, size);
            else if (count == most) covered = Math.Max(covered, size);
        }

        return covered;
    }

    /// <summary>Characters in words that belong to a repeated n-gram, each word once.</summary>
    private static int DuplicateGrams(ulong[] words, int[] lengths, int n, Dictionary<ulong, int> seen)
    {
        seen.Clear();
        int covered = 0, until = 0;
        for (int i = 0; i + n <= words.Length; i++)
        {
            if (seen.TryAdd(Gram(words, i, n), i)) continue;
            for (int k = Math.Max(i, until); k < i + n; k++) covered += lengths[k];
            until = i + n;
        }

        return covered;
    }

    private static ulong Gram(ulong[] words, int start, int n)
    {
        ulong hash = 0;
        for (int k = 0; k < n; k++) hash = StableHash.Combine(hash, words[start + k]);
        return hash;
    }
}

file static class Sums
{
    public static int Sum(this Span<int> values)
    {
        int sum = 0;
        foreach (int value in values) sum += value;
        return sum;
    }
}
