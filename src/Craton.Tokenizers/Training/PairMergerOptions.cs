namespace Craton.Tokenizers.Training;

/// <summary>Words, or other pieces that merges stay within, as sequences of tokens.</summary>
/// <param name="Symbols">The tokens of all pieces one after the other.</param>
/// <param name="Pieces">Where each piece is, and how often it was seen.</param>
internal sealed record TrainingPieces(int[] Symbols, (int Start, int Length, long Count)[] Pieces);

/// <summary>How <see cref="PairMerger"/> merges.</summary>
internal sealed record PairMergerOptions
{
    /// <summary>The number of tokens to reach.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>How many of the first tokens are special and never the result of a merge.</summary>
    public required int SpecialTokens { get; init; }

    /// <summary>Pairs that are seen less often are not merged.</summary>
    public long MinFrequency { get; init; }

    /// <summary>A pair that a merge brings together counts only when it has fewer symbols than this; null: no bound.</summary>
    public int? MaxTokenLength { get; init; }

    /// <summary>Which of several equally frequent pairs is merged first.</summary>
    public MergeTieRule Ties { get; init; }

    /// <summary>What marks a token that does not begin a word; the right part of a merge loses it.</summary>
    public byte[] Prefix { get; init; } = [];
}
