using Craton.Inference.Constraints;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Tensors;

namespace Craton.Inference.Tests;

/// <summary>Answers under a grammar, in the engine.</summary>
public sealed class ConstraintTests
{
    private static readonly TextModel Model = TestEngine.Random();

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public async Task OnlyAllowedTokensAreChosen(double temperature, bool guesses)
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small with { Drafter = guesses ? new DraftModel(Model, Model) : null });
        TokenGrammar digits = Grammar.FromRegex("[0-9]{8}").Bind(engine.Vocabulary), words = Grammar.FromRegex("([a-z]{1,3} ){2,9}end").Bind(engine.Vocabulary);
        GenerationResult[] got = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => engine.GenerateAsync(Request(i, i % 2 == 0 ? digits : words, temperature))));
        for (int i = 0; i < got.Length; i++)
        {
            Assert.Matches(i % 2 == 0 ? "^[0-9]{8}$" : "^([a-z]{1,3} ){2,9}end$", got[i].Text);
            Assert.Equal(FinishReason.Stop, got[i].FinishReason);
        }
    }

    [Fact]
    public async Task GuessesChangeNoConstrainedAnswer()
    {
        using InferenceEngine plain = new(Model, TestEngine.Small), guessing = new(Model, TestEngine.Small with { Drafter = new PromptLookup() });
        TokenGrammar grammar = Grammar.FromRegex("([ab]{3},)*").Bind(plain.Vocabulary);
        for (int i = 0; i < 10; i++) TestEngine.AssertSame(await plain.GenerateAsync(Request(i, grammar, 1)), await guessing.GenerateAsync(Request(i, grammar, 1)));
        Assert.True(guessing.Statistics.Steps < plain.Statistics.Steps);
    }

    [Fact]
    public async Task AGrammarOfAnotherVocabularyIsRefused()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small);
        TokenGrammar foreign = Grammar.AnyJson.Bind(new ConstraintVocabulary(TestEngine.Bytes, size: 9999));
        await Assert.ThrowsAsync<CratonException>(() => engine.GenerateAsync(Request(0, foreign, 0)));
    }

    private static GenerationRequest Request(int number, TokenGrammar grammar, double temperature) => new(TestEngine.Prompt(20, number))
    {
        Sampling = new SamplingOptions { Temperature = temperature, Seed = (ulong)number, MaxTokens = 60, LogProbs = 1 },
        Grammar = grammar,
    };
}
