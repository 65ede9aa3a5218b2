namespace Craton.Data;

/// <summary>Thresholds of <see cref="GopherQuality"/>; the defaults are the published ones.</summary>
public sealed record GopherQualityOptions
{
    /// <summary>Fewest words.</summary>
    public int MinWords { get; init; } = 50;

    /// <summary>Most words.</summary>
    public int MaxWords { get; init; } = 100_000;

    /// <summary>Lowest mean length of a word in characters.</summary>
    public double MinMeanWordLength { get; init; } = 3;

    /// <summary>Highest mean length of a word in characters.</summary>
    public double MaxMeanWordLength { get; init; } = 10;

    /// <summary>Most <c>#</c> and ellipses per word.</summary>
    public double MaxSymbolsPerWord { get; init; } = 0.1;

    /// <summary>Largest share of lines that begin with a bullet.</summary>
    public double MaxBulletLines { get; init; } = 0.9;

    /// <summary>Largest share of lines that end in an ellipsis.</summary>
    public double MaxEllipsisLines { get; init; } = 0.3;

    /// <summary>Smallest share of words that hold a letter.</summary>
    public double MinAlphabeticWords { get; init; } = 0.8;

    /// <summary>Fewest different stop words out of <see cref="StopWords"/>.</summary>
    public int MinStopWords { get; init; } = 2;

    /// <summary>The stop words looked for, in lower case; choose others for another language.</summary>
    public IReadOnlyList<string> StopWords { get; init; } = ["the", "be", "to", "of", "and", "that", "have", "with"];

    /// <summary>The published thresholds, for web pages.</summary>
    public static GopherQualityOptions Web { get; } = new();

    /// <summary>For short reference texts: a page of 5 words with one long member name is fine.</summary>
    public static GopherQualityOptions Docs { get; } = new() { MinWords = 5, MaxMeanWordLength = 40, MinAlphabeticWords = 0.5, MinStopWords = 0, MaxSymbolsPerWord = 0.5, MaxEllipsisLines = 0.6 };
}

/// <summary>The quality filter of MassiveWeb (Rae et al. 2021, "Scaling Language Models: Methods, Analysis and Insights from Training Gopher", A.1.1).</summary>
public sealed class GopherQuality : DocumentRule
{
    private readonly GopherQualityOptions _options;

    /// <summary>Creates the rule.</summary>
    public GopherQuality(GopherQualityOptions? options = null) : base("gopher-quality") => _options = options ?? GopherQualityOptions.Web;

    /// <inheritdoc/>
    protected override Verdict Judge(Document document) => Fault(document.Text) is { } fault ? Verdict.Drop(fault) : Verdict.Keep(document);

    private string? Fault(string text)
    {
        List<Range> words = Words.Split(text);
        if (words.Count < _options.MinWords) return "too few words";
        if (words.Count > _options.MaxWords) return "too many words";
        long letters = 0, alphabetic = 0;
        int stopWords = 0;
        foreach (Range range in words)
        {
            ReadOnlySpan<char> word = text.AsSpan(range);
            letters += word.Length;
            foreach (char c in word)
            {
                if (!char.IsLetter(c)) continue;
                alphabetic++;
                break;
            }

            for (int k = 0; k < _options.StopWords.Count; k++)
            {
                if (word.Equals(_options.StopWords[k], StringComparison.OrdinalIgnoreCase)) stopWords |= 1 << k;
            }
        }

        double mean = (double)letters / words.Count;
        if (mean < _options.MinMeanWordLength || mean > _options.MaxMeanWordLength) return "mean word length";
        if (alphabetic < _options.MinAlphabeticWords * words.Count) return "words without letters";
        if (int.PopCount(stopWords) < _options.MinStopWords) return "too few stop words";
        if (Symbols(text) > _options.MaxSymbolsPerWord * words.Count) return "symbols";
        return LineFault(text);
    }

    private static int Symbols(ReadOnlySpan<char> text) => text.Count('#') + text.Count('\u2026') + text.Count("...");

    private string? LineFault(ReadOnlySpan<char> text)
    {
        int lines = 0, bullets = 0, ellipses = 0;
        foreach (ReadOnlySpan<char> raw in text.EnumerateLines())
        {
            ReadOnlySpan<char> line = raw.Trim();
            if (line.Length == 0) continue;
            lines++;
            if (line[0] is '-' or '*' or '\u2022' or '\u2023' or '\u25E6') bullets++;
            if (line[^1] == '\u2026' || line.EndsWith("...")) ellipses++;
        }

        return bullets > _options.MaxBulletLines * lines ? "bullet lines" : ellipses > _options.MaxEllipsisLines * lines ? "ellipsis lines" : null;
    }
}
