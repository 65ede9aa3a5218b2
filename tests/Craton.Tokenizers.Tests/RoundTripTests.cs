using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Craton.Tokenizers.Tests;

public sealed class RoundTripTests
{
    public static TheoryData<SplitPattern> AllPatterns => [.. Enum.GetValues<SplitPattern>()];

    [Theory]
    [MemberData(nameof(AllPatterns))]
    public void Any_bytes_come_back(SplitPattern pattern)
    {
        BpeTokenizer tokenizer = TestTokenizers.Trained(pattern);
        Prop.ForAll<byte[]>(bytes => Bytes(tokenizer, bytes).SequenceEqual(bytes)).QuickCheckThrowOnFailure();
    }

    [Theory]
    [MemberData(nameof(AllPatterns))]
    public void Any_text_comes_back_with_offsets_that_cover_it(SplitPattern pattern)
    {
        BpeTokenizer tokenizer = TestTokenizers.Trained(pattern);
        Prop.ForAll<string?>(text =>
        {
            string wellFormed = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text ?? ""));
            int[] ids = tokenizer.Encode(wellFormed);
            TokenSpan[] spans = tokenizer.EncodeWithOffsets(wellFormed);
            bool covered = spans.Length == 0 ? wellFormed.Length == 0 : spans[0].Start == 0 && spans[^1].End == wellFormed.Length;
            for (int i = 1; i < spans.Length; i++)
                covered &= spans[i].Start <= spans[i - 1].End && spans[i].End >= spans[i - 1].End;
            return covered && tokenizer.Decode(ids) == wellFormed && spans.Select(s => s.Id).SequenceEqual(ids);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Streamed_pieces_are_valid_text_and_join_to_the_whole()
    {
        BpeTokenizer tokenizer = TestTokenizers.Trained(SplitPattern.Gpt2);
        Arbitrary<int[]> ids = Gen.Choose(0, tokenizer.VocabularySize - 1).ArrayOf().ToArbitrary();
        Prop.ForAll(ids, sequence =>
        {
            var decoder = new StreamDecoder(tokenizer);
            string[] pieces = [.. sequence.Select(id => decoder.Feed(id)), decoder.Flush()];
            return pieces.All(p => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(p)) == p) && string.Concat(pieces) == tokenizer.Decode(sequence);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_lone_surrogate_is_read_as_the_replacement_character()
    {
        BpeTokenizer tokenizer = TestTokenizers.Trained(SplitPattern.Cl100k);
        Assert.Equal("a\uFFFDb😀\uFFFD", tokenizer.Decode(tokenizer.Encode("a\uD800b\uD83D\uDE00\uDC00")));
        Assert.Equal(6, tokenizer.EncodeWithOffsets("a\uD800b\uD83D\uDE00\uDC00")[^1].End);
    }

    [Fact]
    public void The_cache_of_words_changes_nothing()
    {
        BpeTokenizer warm = TestTokenizers.Trained(SplitPattern.Cl100k);
        string text = string.Join('\n', TestTokenizers.Corpus());
        int[] first = warm.Encode(text);
        var cold = BpeTrainer.Train(TestTokenizers.Corpus(), new BpeTrainerOptions
        {
            VocabularySize = 600,
            SpecialTokens = [TestTokenizers.Start, TestTokenizers.End],
            Pattern = SplitPattern.Cl100k,
            Threads = 1,
        }).Tokenizer;
        Assert.Equal(first, warm.Encode(text));
        Assert.Equal(first, cold.Encode(text));
        Parallel.For(0, 8, _ => Assert.Equal(first, warm.Encode(text)));
    }

    private static List<byte> Bytes(BpeTokenizer tokenizer, byte[] bytes)
    {
        var ids = new List<int>();
        tokenizer.EncodeUtf8(bytes, ids);
        return [.. ids.SelectMany(id => tokenizer.TokenBytes(id).ToArray())];
    }
}
