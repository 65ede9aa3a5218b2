using Craton.Inference.Constraints;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Tensors;

namespace Craton.Inference.Tests;

public sealed class ConstraintTests
{
    private static readonly TextModel Model = TestEngine.Random();

    [Theory]
    [InlineData(0, null)]
    [InlineData(1, null)]
    [InlineData(1, 3)]
    public async Task OnlyAllowedTokensAreChosen(double temperature, int? guesses)
    {
        EngineOptions options = TestEngine.Small with { Drafter = guesses is null ? null : new PromptLookup(guesses.Value) };
        using var engine = new InferenceEngine(Model, options);
        var request = new GenerationRequest(TestEngine.Prompt(20, 1)) { Sampling = new SamplingOptions { Temperature = temperature, MaxTokens = 30 }, Constraint = new Digits(8) };
        GenerationResult got = await engine.GenerateAsync(request);
        Assert.Matches("^[0-9]{8}$", got.Text);
        Assert.Equal(FinishReason.Stop, got.FinishReason);
    }

    [Fact]
    public async Task AConstraintThatAllowsNothingIsATypedError()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small);
        var request = new GenerationRequest([65]) { Sampling = new SamplingOptions { MaxTokens = 30 }, Constraint = new Nothing() };
        Assert.Contains("constraint", (await Assert.ThrowsAsync<CratonException>(() => engine.GenerateAsync(request))).Message, StringComparison.Ordinal);
    }

    private sealed class Digits(int count) : TokenConstraint
    {
        private int _left = count;

        public override bool IsComplete => _left == 0;

        public override void Allowed(Span<uint> mask)
        {
            mask.Clear();
            for (int id = '0'; id <= '9' && _left > 0; id++) mask[id >> 5] |= 1u << id;
        }

        public override void Accept(int token) => _left--;

        public override TokenConstraint Clone() => new Digits(_left);
    }

    private sealed class Nothing : TokenConstraint
    {
        public override bool IsComplete => false;

        public override void Allowed(Span<uint> mask) => mask.Clear();

        public override void Accept(int token) { }

        public override TokenConstraint Clone() => new Nothing();
    }
}
