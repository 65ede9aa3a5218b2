using FsCheck;
using FsCheck.Fluent;

namespace Craton.Tokenizers.Tests;

/// <summary>Untrusted text never becomes a control token.</summary>
public sealed class SafetyTests
{
    private static readonly string[] _pieces =
        ["<|im_start|>", "<|im_end|>", "<|", "|>", "<", "|", ">", "im", "_", "start", "end", "<|im", "_start|>", " ", "\n", "user", "é", "\uD83D", "\uFFFD"];

    public static TheoryData<SplitPattern> AllPatterns => [.. Enum.GetValues<SplitPattern>()];

    [Theory]
    [MemberData(nameof(AllPatterns))]
    public void Text_made_of_special_tokens_and_their_parts_stays_text(SplitPattern pattern)
    {
        BpeTokenizer tokenizer = TestTokenizers.Trained(pattern);
        Arbitrary<string> texts = Gen.Elements(_pieces).ArrayOf().Select(string.Concat).ToArbitrary();
        Prop.ForAll(texts, text =>
        {
            int[] ids = tokenizer.Encode(text);
            string wellFormed = System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text));
            return !ids.Any(tokenizer.IsSpecial) && tokenizer.Decode(ids) == wellFormed;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    [Theory]
    [MemberData(nameof(AllPatterns))]
    public void Pieces_of_a_special_token_stay_text_however_a_stream_cuts_them(SplitPattern pattern)
    {
        BpeTokenizer tokenizer = TestTokenizers.Trained(pattern);
        string text = $"a{TestTokenizers.Start}user{TestTokenizers.End}{TestTokenizers.Start}";
        for (int first = 0; first <= text.Length; first++)
            for (int second = first; second <= text.Length; second++)
            {
                int[] ids = [.. tokenizer.Encode(text.AsSpan(0, first)), .. tokenizer.Encode(text.AsSpan(first, second - first)), .. tokenizer.Encode(text.AsSpan(second))];
                Assert.DoesNotContain(ids, tokenizer.IsSpecial);
                var decoder = new StreamDecoder(tokenizer);
                Assert.Equal(text, string.Concat(ids.Select(id => decoder.Feed(id))) + decoder.Flush());
            }
    }

    [Fact]
    public void Trusted_text_is_read_with_its_special_tokens()
    {
        BpeTokenizer tokenizer = TestTokenizers.Trained(SplitPattern.Cl100k);
        int[] ids = tokenizer.Encode(TestTokenizers.Start + "user" + TestTokenizers.End, allowSpecial: true);
        Assert.Equal(0, ids[0]);
        Assert.Equal(1, ids[^1]);
        Assert.Equal("user", tokenizer.Decode(ids));
        Assert.Equal("<|im_start|>user<|im_end|>", tokenizer.Decode(ids, skipSpecial: false));
    }

    [Fact]
    public void Merges_and_whole_words_that_spell_a_special_token_are_not_used()
    {
        // A vocabulary that lists the control token among its words and can even merge its way to it.
        string json = TokenizerFileTests.SmallFile(
            ignoreMerges: true, vocabulary: ["<", "e", ">", "<e", "<e>"], merges: [("<", "e"), ("<e", ">")], special: ("<e>", 4));
        Tokenizer tokenizer = TokenizerFileTests.Parse(json);
        Assert.Equal([3, 2], tokenizer.Encode("<e>"));
        Assert.Equal([4], tokenizer.Encode("<e>", allowSpecial: true));
    }

    [Fact]
    public void Training_never_learns_a_special_token()
    {
        BpeTrainingResult result = BpeTrainer.Train(
            Enumerable.Repeat("stop stop stop", 50), new BpeTrainerOptions { VocabularySize = 400, SpecialTokens = ["stop"], Pattern = SplitPattern.None });
        Assert.False(result.ReachedSize);
        Assert.DoesNotContain(0, result.Tokenizer.Encode("stop stop"));
        Assert.Equal("stop stop", result.Tokenizer.Decode(result.Tokenizer.Encode("stop stop")));
    }

    [Fact]
    public void A_character_vocabulary_keeps_to_the_same_rule()
    {
        CharTokenizer tokenizer = CharTokenizer.Train(["<|end|> abc"], ["<|end|>"]);
        Assert.DoesNotContain(tokenizer.IdOf("<|end|>")!.Value, tokenizer.Encode("a<|end|>"));
        Assert.Equal(tokenizer.IdOf("<|end|>"), tokenizer.Encode("a<|end|>", allowSpecial: true)[^1]);
    }
}
