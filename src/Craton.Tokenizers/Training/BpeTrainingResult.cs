namespace Craton.Tokenizers;

/// <summary>What training a byte-level vocabulary gave.</summary>
/// <param name="Tokenizer">The tokenizer.</param>
/// <param name="Merges">The merges in the order they were learnt, as pairs of byte strings.</param>
/// <param name="PieceCount">Number of different pieces of text that were counted.</param>
/// <param name="ReachedSize">
/// False when the corpus ran out of pairs that are frequent enough before the vocabulary had the size asked for.
/// </param>
public sealed record BpeTrainingResult(
    BpeTokenizer Tokenizer, IReadOnlyList<(byte[] Left, byte[] Right)> Merges, int PieceCount, bool ReachedSize);
