using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Evaluation.Tests;

public sealed class LanguageModelEvaluationTests
{
    private const int End = 256;
    private static readonly Tokenizer s_bytes = ByteTokenizer.Create("<|endoftext|>");

    [Fact]
    public void AUniformModelNeedsTheSameBitsForEverySymbol()
    {
        TokenScorer uniform = tokens => [.. Enumerable.Repeat(Math.Log(257), tokens.Length - 1)];
        LanguageModelScore score = LanguageModelEvaluation.BitsPerByte(uniform, ["abc", "größe"], s_bytes, new(16));
        Assert.Equal((3 + 1 + 7 + 1) * Math.Log2(257), score.BitsPerByte.Bits, 10);
        Assert.Equal((10, 12, 2), (score.BitsPerByte.Bytes, score.Tokens, score.Documents));
        Assert.Equal(257, score.Perplexity, 9);
    }

    [Fact]
    public void AUnigramModelAgreesWithTheUnigramBaseline()
    {
        string[] documents = ["the cat sat on the mat", "a", "", new('x', 300)];
        UnigramBaseline unigram = UnigramBaseline.Train(["the mat", "a cat"], s_bytes);
        TokenScorer model = tokens => [.. tokens.Skip(1).Select(t => -Math.Log(unigram.Probability(t)))];
        BitsPerByte baseline = unigram.Measure(documents);
        LanguageModelScore score = LanguageModelEvaluation.BitsPerByte(model, documents, s_bytes, new(7) { Stride = 3 });
        Assert.Equal(baseline.Bytes, score.BitsPerByte.Bytes);
        Assert.Equal(baseline.Bits, score.BitsPerByte.Bits, 8);
        Assert.Equal(baseline.Bits, LanguageModelEvaluation.BitsPerByte(model, documents, s_bytes, new(7) { FirstToken = unigram }).BitsPerByte.Bits, 8);
    }

    [Theory]
    [InlineData(8, 8)]
    [InlineData(8, 4)]
    [InlineData(8, 3)]
    [InlineData(8, 1)]
    [InlineData(1, 1)]
    [InlineData(1000, 500)]
    public void WindowsScoreEveryTokenOnceWithEnoughContext(int context, int stride)
    {
        // The value of a token tells how much was before it in its window, so the sum tells the contexts of all tokens that counted.
        TokenScorer contexts = tokens =>
        {
            Assert.InRange(tokens.Length, 2, context + 1);
            return [.. Enumerable.Range(1, tokens.Length - 1).Select(i => (double)i)];
        };
        for (int length = 0; length < 40; length++)
        {
            LanguageModelScore score = LanguageModelEvaluation.BitsPerByte(contexts, [new string('a', length), "b"], s_bytes, new(context) { Stride = stride });
            double expected = 1 + Math.Min(2, context); // "b" and its end
            for (int target = 1; target <= length + 1; target++)
                expected += target <= context ? target : context - stride + 1 + (target - context - 1) % stride;
            Assert.Equal(expected, score.BitsPerByte.Bits * Math.Log(2), 9);
            Assert.Equal(length + 3, score.Tokens);
        }
    }

    [Fact]
    public void TheFirstTokenFollowsTheEndOrIsLeftToTheBaseline()
    {
        var seen = new List<int[]>();
        TokenScorer free = tokens =>
        {
            seen.Add(tokens);
            return new double[tokens.Length - 1];
        };
        Assert.Equal(0, LanguageModelEvaluation.BitsPerByte(free, ["ab"], s_bytes, new(8)).BitsPerByte.Bits);
        Assert.Equal([End, 'a', 'b', End], seen[^1]);

        var first = new UnigramBaseline(s_bytes);
        Assert.Equal(Math.Log2(257), LanguageModelEvaluation.BitsPerByte(free, ["ab"], s_bytes, new(8) { FirstToken = first }).BitsPerByte.Bits, 12);
        Assert.Equal(['a', 'b', End], seen[^1]);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(-0.5)]
    public void RefusesValuesThatAreNoProbability(double value) =>
        Assert.Contains("token 1 of a document", Fails(tokens => [.. Enumerable.Repeat(value, tokens.Length - 1)], ["ab"], new(8)), StringComparison.Ordinal);

    [Fact]
    public void RefusesWhatCannotBeMeasured()
    {
        TokenScorer right = tokens => new double[tokens.Length - 1];
        Assert.Contains("3 here, got 4", Fails(tokens => new double[tokens.Length], ["ab"], new(8)), StringComparison.Ordinal);
        Assert.Contains("at least one byte", Fails(right, [""], new(8)), StringComparison.Ordinal);
        Assert.Contains("stride 9 and context 8", Fails(right, ["ab"], new(8) { Stride = 9 }), StringComparison.Ordinal);
        Assert.Contains("context 0", Fails(right, ["ab"], new(0)), StringComparison.Ordinal);
    }

    private static string Fails(TokenScorer scorer, string[] documents, LanguageModelEvaluationOptions options) =>
        Assert.Throws<CratonException>(() => LanguageModelEvaluation.BitsPerByte(scorer, documents, s_bytes, options)).Message;
}
