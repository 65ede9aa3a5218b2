namespace Craton.Tokenizers;

/// <summary>How a vocabulary of words or their parts is trained by <see cref="VocabularyTrainer"/>.</summary>
public sealed record VocabularyTrainerOptions
{
    /// <summary>The size to reach, special tokens included.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Control tokens; they get the first ids in this order.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = [];

    /// <summary>The special token for what the vocabulary cannot express; one of <see cref="SpecialTokens"/>, or null for none.</summary>
    public string? UnknownToken { get; init; }

    /// <summary>The <c>normalizer</c> as it would stand in a tokenizer.json; null for none.</summary>
    public string? Normalizer { get; init; }

    /// <summary>The <c>pre_tokenizer</c> as it would stand in a tokenizer.json; null for none.</summary>
    public string? PreTokenizer { get; init; }

    /// <summary>The <c>decoder</c> as it would stand in a tokenizer.json; null for none.</summary>
    public string? Decoder { get; init; }

    /// <summary>BPE, WordPiece and words: what is seen less often is no token.</summary>
    public long MinFrequency { get; init; }

    /// <summary>BPE and WordPiece: the most different characters to keep, the rarest go first; null: all.</summary>
    public int? AlphabetLimit { get; init; }

    /// <summary>BPE, WordPiece and Unigram: characters that are kept even where no text has them.</summary>
    public string InitialAlphabet { get; init; } = "";

    /// <summary>BPE: bounds the length of merged tokens in characters; null: no bound.</summary>
    public int? MaxTokenLength { get; init; }

    /// <summary>BPE: what marks a token that does not begin a word; empty for nothing. WordPiece always marks with <c>##</c>.</summary>
    public string ContinuingPrefix { get; init; } = "";

    /// <summary>BPE: what marks a token that ends a word; empty for nothing.</summary>
    public string EndOfWordSuffix { get; init; } = "";

    /// <summary>Unigram: the longest piece in characters.</summary>
    public int MaxPieceLength { get; init; } = 16;

    /// <summary>Unigram: the share of the pieces that each round of pruning keeps, above 0 and below 1.</summary>
    public double ShrinkingFactor { get; init; } = 0.75;

    /// <summary>Unigram: rounds of expectation and maximisation between prunings.</summary>
    public int SubIterations { get; init; } = 2;

    /// <summary>Unigram: the most pieces to begin with.</summary>
    public int SeedSize { get; init; } = 1_000_000;
}
