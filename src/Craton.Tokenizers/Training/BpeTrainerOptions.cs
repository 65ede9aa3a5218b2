namespace Craton.Tokenizers;

/// <summary>Which of several equally frequent pairs is merged first.</summary>
public enum MergeTieRule
{
    /// <summary>The smaller left id, then the smaller right id: Hugging Face <c>tokenizers</c>.</summary>
    SmallerIds,

    /// <summary>The greater pair of byte strings, in lexicographic order: the rule of many textbooks and courses.</summary>
    GreaterBytes,
}

/// <summary>How a byte-level vocabulary is trained.</summary>
public sealed record BpeTrainerOptions
{
    /// <summary>The size to reach: special tokens, the 256 bytes, and merges.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Control tokens; they get the first ids in this order, and text never forms them.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = [];

    /// <summary>Pairs that are seen less often are not merged.</summary>
    public long MinFrequency { get; init; }

    /// <summary>How text is cut; merges stay within a piece.</summary>
    public SplitPattern Pattern { get; init; } = SplitPattern.Gpt2;

    /// <summary>Put a blank before text that does not begin with one.</summary>
    public bool AddPrefixSpace { get; init; }

    /// <summary>Compose characters first (Unicode NFC).</summary>
    public bool Nfc { get; init; }

    /// <summary>
    /// Bounds the length of tokens, in bytes: a pair that a merge brings together counts only when it is shorter than this, as in
    /// Hugging Face <c>tokenizers</c>. Null: no bound.
    /// </summary>
    public int? MaxTokenLength { get; init; }

    /// <summary>Which of several equally frequent pairs is merged first.</summary>
    public MergeTieRule Ties { get; init; }

    /// <summary>Threads that count pieces; the result does not depend on it.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}
