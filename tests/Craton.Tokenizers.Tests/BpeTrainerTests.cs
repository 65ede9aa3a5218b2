namespace Craton.Tokenizers.Tests;

public sealed class BpeTrainerTests
{
    [Fact]
    public void The_number_of_threads_and_the_order_of_texts_change_nothing()
    {
        List<string> corpus = [.. Enumerable.Range(0, 40).SelectMany(_ => TestTokenizers.Corpus())];
        var options = new BpeTrainerOptions { VocabularySize = 500, Pattern = SplitPattern.O200k, Threads = 1 };
        IEnumerable<string> one = Merges(BpeTrainer.Train(corpus, options));
        Assert.Equal(one, Merges(BpeTrainer.Train(corpus, options with { Threads = 4 })));
        corpus.Reverse();
        Assert.Equal(one, Merges(BpeTrainer.Train(corpus, options with { Threads = 3 })));
    }

    [Fact]
    public void The_most_frequent_pair_comes_first_and_ties_follow_the_rule()
    {
        // ab and cd are seen equally often, xy more often.
        string[] corpus = ["ab cd xy", "ab cd xy xy"];
        var options = new BpeTrainerOptions { VocabularySize = 259, Pattern = SplitPattern.None };
        Assert.Equal("x+y", Merges(BpeTrainer.Train(corpus, options)).First());
        options = options with { VocabularySize = 258, Pattern = SplitPattern.Gpt2 };
        string[] tied = ["ab", "cd"];
        Assert.Equal(["a+b", "c+d"], Merges(BpeTrainer.Train(tied, options)));
        Assert.Equal(["c+d", "a+b"], Merges(BpeTrainer.Train(tied, options with { Ties = MergeTieRule.GreaterBytes })));
    }

    [Fact]
    public void Training_ends_early_and_says_so()
    {
        BpeTrainingResult result = BpeTrainer.Train(["aaaa bb"], new BpeTrainerOptions { VocabularySize = 5000, MinFrequency = 2 });
        Assert.False(result.ReachedSize);
        Assert.Equal(["a+a"], Merges(result));
        Assert.Equal(257, result.Tokenizer.VocabularySize);
        Assert.Empty(BpeTrainer.Train(Array.Empty<string>(), new BpeTrainerOptions { VocabularySize = 300 }).Merges);
    }

    [Fact]
    public void Contradictory_options_are_named()
    {
        Assert.Contains("258", Refusal(new BpeTrainerOptions { VocabularySize = 257, SpecialTokens = ["<a>", "<b>"] }), StringComparison.Ordinal);
        Assert.Contains("\"a\"", Refusal(new BpeTrainerOptions { VocabularySize = 300, SpecialTokens = ["a"] }), StringComparison.Ordinal);
        Assert.Contains("<a>", Refusal(new BpeTrainerOptions { VocabularySize = 300, SpecialTokens = ["<a>", "<a>"] }), StringComparison.Ordinal);
        Assert.Contains("O200k", Refusal(new BpeTrainerOptions { VocabularySize = 300, Pattern = SplitPattern.O200k, AddPrefixSpace = true }), StringComparison.Ordinal);
    }

    private static string Refusal(BpeTrainerOptions options) => Assert.Throws<TokenizerException>(() => BpeTrainer.Train(["x"], options)).Message;

    private static IEnumerable<string> Merges(BpeTrainingResult result) =>
        result.Merges.Select(m => $"{ByteLevelAlphabet.ToSymbols(m.Left)}+{ByteLevelAlphabet.ToSymbols(m.Right)}");
}
