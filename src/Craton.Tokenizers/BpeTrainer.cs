using System.Text;
using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Files;
using Craton.Tokenizers.Training;

namespace Craton.Tokenizers;

/// <summary>
/// Trains byte-level byte-pair encoding (Sennrich et al. 2016, Radford et al. 2019): the most frequent neighbouring pair becomes a
/// token, again and again. Ids are the special tokens, the 256 bytes in the order of the byte-level alphabet, then the merges; the
/// result equals that of Hugging Face <c>tokenizers</c> and does not depend on the number of threads.
/// </summary>
public static class BpeTrainer
{
    /// <summary>Trains on texts, each a sequence of its own; they are read once, as they come.</summary>
    /// <exception cref="TokenizerException">The options contradict each other.</exception>
    public static BpeTrainingResult Train(IEnumerable<string> texts, BpeTrainerOptions options) =>
        Train(texts.Select(t => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(t)), options);

    /// <summary>
    /// Trains on UTF-8 texts; invalid sequences count as U+FFFD. The memory of a text must stay as it is while it is counted.
    /// </summary>
    /// <exception cref="TokenizerException">The options contradict each other.</exception>
    public static BpeTrainingResult Train(IEnumerable<ReadOnlyMemory<byte>> texts, BpeTrainerOptions options)
    {
        Check(options);
        Components components = Components.ByteLevel(options.Pattern, options.AddPrefixSpace, options.Nfc);
        PieceCounts pieces = new PieceCounter(options).Count(texts);

        List<AddedToken> special = [.. options.SpecialTokens.Select((token, id) => new AddedToken(id, token) { Special = true })];
        List<byte[]> tokens = [.. special.Select(t => ByteLevelAlphabet.Decode(t.Content))];
        tokens.AddRange(ByteLevelAlphabet.BytesInSymbolOrder.Select(b => new[] { b }));
        List<Merge> merges = new PairMerger(Spell(pieces, special.Count), tokens, new PairMergerOptions
        {
            VocabularySize = options.VocabularySize,
            SpecialTokens = special.Count,
            MinFrequency = options.MinFrequency,
            MaxTokenLength = options.MaxTokenLength,
            Ties = options.Ties,
        }).Run();

        IReadOnlyList<string?> spellings =
            [.. special.Select(t => t.Content), .. tokens.Skip(special.Count).Select(t => ByteLevelAlphabet.ToSymbols(t))];
        var tokenizer = new BpeTokenizer(
            "trained tokenizer", BpeVocabulary.Create(spellings, special), merges, ignoreMerges: false, special, components)
        {
            BosToken = options.SpecialTokens.Contains(Tokenizer.BetweenTexts) ? Tokenizer.BetweenTexts : null,
            EosToken = options.SpecialTokens.Contains(Tokenizer.BetweenTexts) ? Tokenizer.BetweenTexts : null,
        };
        return new BpeTrainingResult(
            tokenizer, [.. merges.Select(m => (tokens[m.Left], tokens[m.Right]))], pieces.Count, tokens.Count >= options.VocabularySize);
    }

    /// <summary>The pieces as sequences of the ids of their bytes.</summary>
    private static TrainingPieces Spell(PieceCounts pieces, int firstId)
    {
        var byteIds = new int[256];
        for (int i = 0; i < 256; i++)
            byteIds[ByteLevelAlphabet.BytesInSymbolOrder[i]] = firstId + i;
        var symbols = new int[pieces.Bytes];
        var places = new (int Start, int Length, long Count)[pieces.Count];
        int start = 0;
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = (start, pieces[i].Length, pieces.Times(i));
            foreach (byte b in pieces[i])
                symbols[start++] = byteIds[b];
        }

        return new TrainingPieces(symbols, places);
    }

    private static void Check(BpeTrainerOptions options)
    {
        int smallest = 256 + options.SpecialTokens.Count;
        if (options.VocabularySize < smallest)
        {
            throw new TokenizerException(
                $"VocabularySize is {options.VocabularySize}, expected at least {smallest}: 256 bytes and special tokens; ask for more.");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string token in options.SpecialTokens)
        {
            if (ByteLevelAlphabet.Decode(token).Length < 2 || !seen.Add(token))
            {
                throw new TokenizerException(
                    $"The special token \"{token}\" is a single byte, empty or a repetition; choose another spelling.");
            }
        }
    }
}
