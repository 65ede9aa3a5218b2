using Craton.Models.Generation;
using Craton.Tensors;

namespace Craton.Models.Tests.Generation;

public sealed class TextGeneratorTests
{
    private static readonly SamplingOptions Sampled = new() { Temperature = 1, Seed = 3, MaxTokens = 60 };

    private readonly Gpt _model = TestModels.Random();

    [Fact]
    public void TheSameRequestGivesTheSameAnswerAndPiecesMakeTheText()
    {
        var pieces = new List<string>();
        GenerationResult first = Generator().Generate("Hello", Sampled, pieces.Add), second = Generator().Generate("Hello", Sampled);
        Assert.Equal(first.Tokens, second.Tokens);
        Assert.Equal(first.Text, string.Concat(pieces));
        Assert.Equal(TestModels.Bytes.Decode([.. first.Tokens]), first.Text);
        Assert.NotEqual(first.Tokens, Generator().Generate("Hello", Sampled with { Seed = 4 }).Tokens);
    }

    [Fact]
    public void WhatAGeneratorDidBeforeChangesNothing()
    {
        TextGenerator used = Generator();
        string prompt = new('x', 200); // more than one piece of a prompt
        used.Generate(prompt + "abc", Sampled);
        foreach (string next in new[] { prompt + "abd", prompt, "other", prompt + "abc" })
            Assert.Equal(Generator().Generate(next, Sampled).Tokens, used.Generate(next, Sampled).Tokens);
    }

    [Fact]
    public void GreedyTokensAreTheBestOfTheUncachedModel()
    {
        IReadOnlyList<int> tokens = Generator().Generate([72, 105], new SamplingOptions { Temperature = 0, MaxTokens = 12 }).Tokens;
        Assert.NotEmpty(tokens);
        int[] all = [72, 105, .. tokens];
        using var scope = TensorScope.Open("test");
        float[] logits = _model.Forward(Tensor.From(all, 1, all.Length)).ToArray<float>();
        int v = _model.Config.VocabSize;
        for (int i = 0; i < tokens.Count; i++) Assert.Equal(tokens[i], LogitProcessors.First(logits.AsSpan((i + 1) * v, v)));
    }

    [Fact]
    public void AStopTextEndsTheAnswerBeforeIt()
    {
        GenerationResult whole = Generator().Generate("Hello", Sampled);
        string stop = whole.Text.Substring(whole.Text.Length / 2, 2);
        var pieces = new List<string>();
        GenerationResult cut = Generator().Generate("Hello", Sampled with { Stop = ["never to be seen", stop] }, pieces.Add);
        Assert.Equal(FinishReason.Stop, cut.FinishReason);
        Assert.Equal(whole.Text[..whole.Text.IndexOf(stop, StringComparison.Ordinal)], cut.Text);
        Assert.Equal(cut.Text, string.Concat(pieces));
        Assert.True(cut.Tokens.Count < whole.Tokens.Count);
    }

    [Fact]
    public void AnEndTokenEndsTheAnswerAndIsNotPartOfIt()
    {
        GenerationResult whole = Generator().Generate([72], Sampled);
        int end = whole.Tokens[5], at = whole.Tokens.ToList().IndexOf(end);
        GenerationResult cut = Generator().Generate([72], Sampled, ends: [end]);
        Assert.Equal(FinishReason.Stop, cut.FinishReason);
        Assert.Equal(whole.Tokens.Take(at), cut.Tokens);
    }

    [Fact]
    public void LengthEndsTheAnswer()
    {
        GenerationResult result = Generator().Generate([72], new SamplingOptions { Temperature = 0, MaxTokens = 3, LogProbs = 2 });
        Assert.Equal(FinishReason.Length, result.FinishReason);
        Assert.Equal((3, 3), (result.Tokens.Count, result.LogProbs.Count));
    }

    [Fact]
    public void WhatDoesNotFitTheContextIsRefusedBeforeAnythingRuns()
    {
        int context = _model.Config.MaxPositionEmbeddings;
        int[] prompt = [.. Enumerable.Repeat(65, context - 10)];
        var heard = new List<string>();
        var error = Assert.Throws<ContextOverflowException>(() => Generator().Generate(prompt, Sampled with { MaxTokens = 11 }, heard.Add));
        Assert.Contains($"context of {context}", error.Message, StringComparison.Ordinal);
        Assert.Contains("at most 10 tokens", error.Message, StringComparison.Ordinal);
        Assert.Empty(heard);
        Assert.Equal(10, Generator().Generate(prompt, Sampled with { MaxTokens = 10, Temperature = 0 }).Tokens.Count);
        Assert.Throws<ContextOverflowException>(() => Generator().Generate([.. prompt, .. prompt], Sampled with { MaxTokens = 0 }));
        Assert.Throws<CratonException>(() => Generator().Generate([], Sampled));
        Assert.Contains("token 9999", Assert.Throws<CratonException>(() => Generator().Generate([9999], Sampled)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CancellingEndsWithinOneToken()
    {
        using var cancel = new CancellationTokenSource();
        int heard = 0;
        GenerationResult result = Generator().Generate([72], Sampled with { Temperature = 0 }, _ => cancel.CancelAfterFirst(ref heard), cancel: cancel.Token);
        Assert.Equal(FinishReason.Cancelled, result.FinishReason);
        Assert.Equal(1, heard);
        Assert.True(result.Tokens.Count < 60);

        GenerationResult none = Generator().Generate([72], Sampled, cancel: new CancellationToken(canceled: true));
        Assert.Equal(FinishReason.Cancelled, none.FinishReason);
        Assert.Empty(none.Tokens);
    }

    [Fact]
    public void LogProbabilitiesAreThoseOfTheUncachedModel()
    {
        int[] prompt = [.. Enumerable.Range(0, 150).Select(i => 60 + i * 7 % 40)];
        GenerationResult result = Generator().Generate(prompt, Sampled with { LogProbs = 3, Echo = true, MaxTokens = 5 });
        int[] all = [.. prompt, .. result.Tokens];
        Assert.Equal(all, result.PromptLogProbs.Concat(result.LogProbs).Select(p => p.Token));
        Assert.True(double.IsNaN(result.PromptLogProbs[0].LogProb));

        using var scope = TensorScope.Open("test");
        float[] expected = Ops.LogSoftmax(_model.Forward(Tensor.From(all, 1, all.Length))).ToArray<float>();
        int v = _model.Config.VocabSize, at = 0;
        foreach (TokenLogProb actual in result.PromptLogProbs.Skip(1).Concat(result.LogProbs))
        {
            float[] row = expected[(at * v)..(++at * v)];
            Assert.Equal(row[actual.Token], actual.LogProb);
            Assert.Equal(Enumerable.Range(0, v).OrderByDescending(i => row[i]).ThenBy(i => i).Take(3).Select(i => (i, (double)row[i])), actual.Top);
        }
    }

    [Fact]
    public void AModelThatDivergedIsNamedInsteadOfAnswering()
    {
        _model.NamedParameters().Single(p => p.Name == "model.embed_tokens.weight").Tensor.AsSpan<float>()[0] = float.NaN;
        Assert.Contains("diverged", Assert.Throws<CratonException>(() => Generator().Generate([72], Sampled)).Message, StringComparison.Ordinal);
    }

    private TextGenerator Generator() => new(_model, TestModels.Bytes);
}

internal static class Cancelling
{
    public static void CancelAfterFirst(this CancellationTokenSource source, ref int heard)
    {
        heard++;
        source.Cancel();
    }
}
