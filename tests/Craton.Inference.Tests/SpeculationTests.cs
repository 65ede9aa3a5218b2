using Craton.Models;
using Craton.Models.Generation;

namespace Craton.Inference.Tests;

/// <summary>Guessing makes fewer passes of the same answer.</summary>
public sealed class SpeculationTests
{
    private static readonly TextModel Model = TestEngine.Random();

    public static TheoryData<string> Drafters => ["lookup", "the model itself", "another model"];

    [Theory]
    [MemberData(nameof(Drafters))]
    public async Task AnswersAreTheSameWithGuesses(string name)
    {
        Drafter drafter = name switch
        {
            "lookup" => new PromptLookup(),
            "the model itself" => new DraftModel(Model, Model),
            _ => new DraftModel(TestEngine.Random(seed: 8), Model),
        };
        using var engine = new InferenceEngine(Model, TestEngine.Small with { Drafter = drafter, CacheTokens = 500 });
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => new GenerationRequest([.. TestEngine.Prompt(10, i), .. TestEngine.Prompt(10, i)])
        {
            Sampling = new SamplingOptions { Temperature = i % 3 * 0.5, Seed = (ulong)i, MaxTokens = 50, LogProbs = 1, FrequencyPenalty = i % 5 * 0.1 },
        })];
        GenerationResult[] got = await Task.WhenAll(requests.Select(r => engine.GenerateAsync(r)));
        for (int i = 0; i < got.Length; i++) TestEngine.AssertSame(Model.Alone(requests[i]), got[i]);
        Assert.True(engine.Statistics.GuessedTokens > 0);
    }

    [Fact]
    public async Task RightGuessesSavePasses()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small with { Drafter = new DraftModel(Model, Model), DraftTokens = 4 });
        GenerationResult got = await engine.GenerateAsync(new GenerationRequest(TestEngine.Prompt(10, 1)) { Sampling = new SamplingOptions { Temperature = 0, MaxTokens = 50 } });
        Assert.InRange(engine.Statistics.Steps, 1, 2 + (got.Tokens.Count + 4) / 5);
    }

    [Theory]
    [InlineData(new[] { 1, 2, 3, 9, 1, 2, 3 }, new[] { 9, 1, 2, 3 })]
    [InlineData(new[] { 5, 5, 5 }, new[] { 5 })]
    [InlineData(new[] { 3, 7, 3, 8, 3 }, new[] { 8, 3 })]
    [InlineData(new[] { 1, 2, 3 }, new int[0])]
    [InlineData(new[] { 1 }, new int[0])]
    public void LookupFindsTheLatestPlaceOfTheLongestEnd(int[] text, int[] expected)
    {
        int[] guess = new int[4];
        int count = new PromptLookup().Begin(100).Propose(text, guess);
        Assert.Equal(expected, guess[..count]);
    }
}
