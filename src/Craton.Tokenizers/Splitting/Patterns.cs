namespace Craton.Tokenizers.Splitting;

/// <summary>The split patterns by name and by the spellings found in tokenizer files.</summary>
internal static class Patterns
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Rest = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Cl100k = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + Rest;
    private const string Qwen2 = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + Rest;
    private const string O200k =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + Contractions + "?"
        + @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + Contractions + "?"
        + @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The last of the three patterns of DeepSeek; the others are numbers by three, and Chinese characters with kana.</summary>
    internal const string DeepSeek =
        @"[!\""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
        + @"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    // "$" is the end of a line in some engines and of the text in others; after a possessive \s++ the two cannot differ.
    private const string TiktokenCl100k =
        @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";

    private static readonly (string Regex, SplitPattern Pattern)[] _spellings =
    [
        (Gpt2, SplitPattern.Gpt2),
        (@"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", SplitPattern.Gpt2),
        (@"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s", SplitPattern.Gpt2),
        (Cl100k, SplitPattern.Cl100k),
        (Qwen2, SplitPattern.Qwen2),
        (O200k, SplitPattern.O200k),
        (TiktokenCl100k, SplitPattern.TiktokenCl100k),
    ];

    /// <summary>The regular expression that is written into files for a pattern.</summary>
    public static string RegexOf(SplitPattern pattern) => _spellings.First(s => s.Pattern == pattern).Regex;

    /// <summary>The pattern that a regular expression spells, or null for one that is not known.</summary>
    public static SplitPattern? Find(string regex)
    {
        foreach ((string known, SplitPattern pattern) in _spellings)
        {
            if (known == regex)
                return pattern;
        }

        return null;
    }

    /// <summary>The splitter for a regular expression, a whole pattern or a part of one; null for one that is not known.</summary>
    public static Splitter? FindSplitter(string regex) => regex switch
    {
        @"\p{N}{1,3}" => new Splitter<ThreeDigitScanner>(),
        "[0-9][0-9][0-9]" => new Splitter<DigitTripleScanner>(),
        "[一-龥\u3040-ゟ゠-ヿ]+" => new Splitter<CjkScanner>(),
        DeepSeek => new Splitter<DeepSeekScanner>(),
        _ => Find(regex) is { } pattern ? Create(pattern) : null,
    };

    /// <summary>The splitter of a pattern.</summary>
    public static Splitter Create(SplitPattern pattern) => pattern switch
    {
        SplitPattern.Gpt2 => new Splitter<Gpt2Scanner>(),
        SplitPattern.Cl100k => new Splitter<Cl100kScanner>(),
        SplitPattern.TiktokenCl100k => new Splitter<TiktokenCl100kScanner>(),
        SplitPattern.Qwen2 => new Splitter<Qwen2Scanner>(),
        SplitPattern.O200k => new Splitter<O200kScanner>(),
        _ => throw new ArgumentOutOfRangeException(nameof(pattern), pattern, "This pattern does not split."),
    };
}
