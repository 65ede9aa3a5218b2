using System.Text;
using System.Text.Json;
using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Files;
using Craton.Tokenizers.Pipeline;
using Craton.Tokenizers.Training;

namespace Craton.Tokenizers;

/// <summary>
/// Trains vocabularies over the characters of words: byte-pair encoding, WordPiece, Unigram and whole words, each as Hugging Face
/// <c>tokenizers</c> does. Where the reference depends on the order of a hash table, characters and words go in code point order here.
/// Byte-level vocabularies are trained faster by <see cref="BpeTrainer"/>.
/// </summary>
public static class VocabularyTrainer
{
    private const string WordPiecePrefix = "##";
    private const int LongestWordPieceWord = 100;

    /// <summary>Trains byte-pair encoding over characters (Sennrich et al. 2016).</summary>
    /// <exception cref="TokenizerException">The options contradict each other.</exception>
    public static PipelineTokenizer TrainBpe(IEnumerable<string> texts, VocabularyTrainerOptions options)
    {
        (List<string> tokens, List<Merge> merges) = Merge(texts, options, options.ContinuingPrefix, options.EndOfWordSuffix);
        var settings = new BpeTextOptions
        {
            Unknown = options.UnknownToken,
            Prefix = options.ContinuingPrefix.Length > 0 ? options.ContinuingPrefix : null,
            Suffix = options.EndOfWordSuffix.Length > 0 ? options.EndOfWordSuffix : null,
        };
        return Create(new BpeTextModel([.. tokens], merges, settings), options);
    }

    /// <summary>Trains a WordPiece vocabulary: the merges of byte-pair encoding with <c>##</c> before what continues a word.</summary>
    /// <exception cref="TokenizerException">The options contradict each other.</exception>
    public static PipelineTokenizer TrainWordPiece(IEnumerable<string> texts, VocabularyTrainerOptions options)
    {
        (List<string> tokens, _) = Merge(texts, options, WordPiecePrefix, suffix: "");
        return Create(new WordPieceModel([.. tokens], options.UnknownToken ?? "[UNK]", WordPiecePrefix, LongestWordPieceWord), options);
    }

    /// <summary>Trains a unigram language model (Kudo 2018).</summary>
    /// <exception cref="TokenizerException">The options contradict each other, or the characters alone are more than the vocabulary.</exception>
    public static PipelineTokenizer TrainUnigram(IEnumerable<string> texts, VocabularyTrainerOptions options)
    {
        List<(string Word, long Count)> words = CountWords(texts, options);
        List<(string Piece, double Score)> pieces = new UnigramTrainer(words, options).Run();
        string[] tokens = [.. options.SpecialTokens, .. pieces.Select(p => p.Piece)];
        double[] scores = [.. options.SpecialTokens.Select(_ => 0.0), .. pieces.Select(p => p.Score)];
        int? unknown = options.UnknownToken is null ? null : Array.IndexOf(tokens, options.UnknownToken);
        return Create(new UnigramModel(tokens, scores, unknown, byteFallback: false), options);
    }

    /// <summary>Makes a vocabulary of the most frequent words, of equals the first in code point order.</summary>
    /// <exception cref="TokenizerException">The options contradict each other.</exception>
    public static PipelineTokenizer TrainWordLevel(IEnumerable<string> texts, VocabularyTrainerOptions options)
    {
        IEnumerable<string> words = CountWords(texts, options).Where(w => w.Count >= options.MinFrequency)
            .OrderByDescending(w => w.Count).Select(w => w.Word).Except(options.SpecialTokens);
        string[] tokens = [.. options.SpecialTokens.Concat(words).Take(options.VocabularySize)];
        return Create(new WordLevelModel(tokens, options.UnknownToken ?? "<unk>"), options);
    }

    private static PipelineTokenizer Create(TokenModel model, VocabularyTrainerOptions options)
    {
        AddedToken[] special = [.. options.SpecialTokens.Select((token, id) => new AddedToken(id, token) { Special = true })];
        return new PipelineTokenizer("trained tokenizer", model, special, ComponentsOf(options) with { Unknown = options.UnknownToken });
    }

    /// <summary>The alphabet, and the pairs that are merged.</summary>
    private static (List<string> Tokens, List<Merge> Merges) Merge(
        IEnumerable<string> texts, VocabularyTrainerOptions options, string prefix, string suffix)
    {
        List<(string Word, long Count)> words = CountWords(texts, options);
        var alphabet = new TrainingAlphabet(words, options, prefix, suffix);
        List<byte[]> tokens = alphabet.Tokens.ConvertAll(t => Encoding.UTF8.GetBytes(t));
        List<Merge> merges = new PairMerger(alphabet.Pieces, tokens, new PairMergerOptions
        {
            VocabularySize = options.VocabularySize,
            SpecialTokens = options.SpecialTokens.Count,
            MinFrequency = options.MinFrequency,
            MaxTokenLength = options.MaxTokenLength,
            Prefix = Encoding.UTF8.GetBytes(prefix),
        }).Run();
        return (tokens.ConvertAll(t => Encoding.UTF8.GetString(t)), merges);
    }

    /// <summary>The words of all texts in code point order, and how often each was seen.</summary>
    private static List<(string Word, long Count)> CountWords(IEnumerable<string> texts, VocabularyTrainerOptions options)
    {
        if (options.UnknownToken is { } unknown && !options.SpecialTokens.Contains(unknown))
            throw new TokenizerException($"UnknownToken is \"{unknown}\", expected one of SpecialTokens; add it there.");
        Components components = ComponentsOf(options);
        Normalizer normalizer = NormalizerReader.Read(Components.Fields("options", components.Normalizer, "normalizer"));
        PreTokenizer preTokenizer = PreTokenizerReader.Read(Components.Fields("options", components.PreTokenizer, "pre_tokenizer"));
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string text in texts)
        {
            foreach (AlignedText word in preTokenizer.Split(normalizer.Apply(AlignedText.Of(text))))
                counts[word.ToString()] = counts.GetValueOrDefault(word.ToString()) + 1;
        }

        List<(string Word, long Count)> words = [.. counts.Select(c => (c.Key, c.Value))];
        words.Sort((a, b) => Encoding.UTF8.GetBytes(a.Word).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b.Word)));
        return words;
    }

    private static Components ComponentsOf(VocabularyTrainerOptions options)
    {
        try
        {
            return new Components
            {
                Normalizer = options.Normalizer is { } normalizer ? JsonElement.Parse(normalizer) : default,
                PreTokenizer = options.PreTokenizer is { } preTokenizer ? JsonElement.Parse(preTokenizer) : default,
                Decoder = options.Decoder is { } decoder ? JsonElement.Parse(decoder) : default,
            };
        }
        catch (JsonException e)
        {
            throw new TokenizerException($"Normalizer, PreTokenizer or Decoder is no valid JSON ({e.Message.TrimEnd('.')}).", e);
        }
    }
}
