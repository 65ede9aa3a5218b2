namespace Craton.Tokenizers.Tests;

/// <summary>Small tokenizers for tests, trained on text that is generated here.</summary>
internal static class TestTokenizers
{
    public const string Start = "<|im_start|>";
    public const string End = "<|im_end|>";

    private static readonly Dictionary<SplitPattern, BpeTokenizer> _trained = [];

    /// <summary>A vocabulary of 600 with the pattern, on English-like text, code, digits and other scripts.</summary>
    public static BpeTokenizer Trained(SplitPattern pattern)
    {
        lock (_trained)
        {
            if (!_trained.TryGetValue(pattern, out BpeTokenizer? tokenizer))
            {
                var options = new BpeTrainerOptions { VocabularySize = 600, SpecialTokens = [Start, End], Pattern = pattern };
                _trained.Add(pattern, tokenizer = BpeTrainer.Train(Corpus(), options).Tokenizer);
            }

            return tokenizer;
        }
    }

    /// <summary>Lines of words, numbers, code and several scripts; always the same.</summary>
    public static List<string> Corpus()
    {
        string[] words =
            ["the", "value", "returns", "don't", "We'LL", "12345", "naïve", "日本語", "привет", "{", "};", "  ", "\t", "\r\n", "x=1", "😀", "im_start", "ſ's", "ǅ", "é́"];
        var random = new Random(17);
        return [.. Enumerable.Range(0, 200).Select(_ => string.Join(random.Next(4) == 0 ? "" : " ", Enumerable.Range(0, 12).Select(_ => words[random.Next(words.Length)])))];
    }

    /// <summary>Text made of the given pieces in random order.</summary>
    public static string Mix(Random random, int count, params string[] pieces) =>
        string.Concat(Enumerable.Range(0, count).Select(_ => pieces[random.Next(pieces.Length)]));
}
