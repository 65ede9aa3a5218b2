using Craton.Models.Generation;
using Craton.Tensors;

namespace Craton.Models.Tests.Generation;

public sealed class SamplerTests
{
    [Fact]
    public void ZeroTemperatureTakesTheFirstOfTheGreatest()
    {
        var sampler = new Sampler(new SamplingOptions { Temperature = 0 }, 4, []);
        Assert.Equal(1, sampler.Next([0, 3, 3, 2]));
        Assert.Equal(1, sampler.Next([0, 3, 3, 2]));
    }

    [Fact]
    public void FrequenciesAreTheProbabilities()
    {
        const int draws = 20_000;
        float[] logits = [1, 0, -1, float.NegativeInfinity];
        var sampler = new Sampler(new SamplingOptions { Temperature = 1, Seed = 5 }, 4, []);
        int[] counts = new int[4];
        for (int i = 0; i < draws; i++) counts[sampler.Next(logits)]++;
        double sum = logits.Sum(l => Math.Exp(l));
        for (int i = 0; i < 3; i++)
        {
            double p = Math.Exp(logits[i]) / sum, deviation = Math.Sqrt(draws * p * (1 - p));
            Assert.InRange(counts[i], draws * p - 4 * deviation, draws * p + 4 * deviation);
        }
        Assert.Equal(0, counts[3]);
    }

    [Fact]
    public void ChoicesDependOnSeedAndStepAlone()
    {
        float[] logits = new float[100];
        Assert.Equal(Draw(seed: 1), Draw(seed: 1));
        Assert.NotEqual(Draw(seed: 1), Draw(seed: 2));
        Assert.True(Draw(seed: 1).Distinct().Count() > 10);

        int[] Draw(ulong seed)
        {
            var sampler = new Sampler(new SamplingOptions { Temperature = 1, Seed = seed }, logits.Length, []);
            return [.. Enumerable.Range(0, 40).Select(_ => sampler.Next(logits))];
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void OnlyAllowedTokensAreChosen(double temperature)
    {
        var sampler = new Sampler(new SamplingOptions { Temperature = temperature }, 40, []);
        float[] logits = [.. Enumerable.Range(0, 40).Select(i => -(float)i)];
        Assert.Equal(33, sampler.Next(logits, [0, 1 << 1]));
        Assert.Contains("constraint", Assert.Throws<CratonException>(() => sampler.Next(logits, [0, 0])).Message, StringComparison.Ordinal);
    }

    // Written once; equal on every machine, register width and number of threads.
    [Fact]
    public void ChoicesArePinned()
    {
        float[] logits = [.. Enumerable.Range(0, 50).Select(i => (i * 37 % 50) / 12.5f)];
        var sampler = new Sampler(new SamplingOptions { Temperature = 0.9, TopK = 30, TopP = 0.9, MinP = 0.01, Seed = 11 }, 50, []);
        Assert.Equal("35 40 16 24 47 28 27 16 9 27 16 39", string.Join(' ', Enumerable.Range(0, 12).Select(_ => sampler.Next(logits))));
    }

    [Fact]
    public void TopPKeepsTheSmallerOfEqualIds()
    {
        using var scope = TensorScope.Open("test");
        Tensor scores = Tensor.From<float>([1, 1, 1, 1], 4);
        LogitProcessors.TopP(scores, 0.5);
        Assert.Equal([1, 1, float.NegativeInfinity, float.NegativeInfinity], scores.ToArray<float>());
    }

    [Fact]
    public void TheLowestTemperatureStillGivesATokenOfTheGreatestScore()
    {
        var sampler = new Sampler(new SamplingOptions { Temperature = 1e-300, TopP = 0.9 }, 3, []);
        for (int i = 0; i < 20; i++) Assert.Equal(2, sampler.Next([-5, 1e30f, 2e30f]));
    }

    [Fact]
    public void PenaltiesCountThePromptOnlyForRepetition()
    {
        var repetition = new Sampler(new SamplingOptions { Temperature = 0, RepetitionPenalty = 2 }, 2, [1]);
        Assert.Equal(0, repetition.Next([1, 1.5f]));
        var presence = new Sampler(new SamplingOptions { Temperature = 0, PresencePenalty = 1 }, 2, [1]);
        Assert.Equal([1, 0, 1], [presence.Next([1, 1.5f]), presence.Next([1, 1.5f]), presence.Next([1, 1.5f])]);
    }

    [Theory]
    [InlineData(float.NaN, 0.0)]
    [InlineData(float.NaN, 1.0)]
    [InlineData(float.PositiveInfinity, 1.0)]
    public void ScoresThatAreNoNumbersAreRefused(float bad, double temperature)
    {
        var sampler = new Sampler(new SamplingOptions { Temperature = temperature }, 3, []);
        var error = Assert.Throws<CratonException>(() => sampler.Next([0, bad, 0]));
        Assert.Contains("token 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OptionsOutOfRangeAreNamed()
    {
        (SamplingOptions, string)[] bad =
        [
            (new() { Temperature = -1 }, "temperature"), (new() { Temperature = double.NaN }, "temperature"), (new() { TopK = -1 }, "top_k"),
            (new() { TopP = 0 }, "top_p"), (new() { MinP = 2 }, "min_p"), (new() { RepetitionPenalty = 0 }, "repetition_penalty"),
            (new() { FrequencyPenalty = double.NaN }, "frequency_penalty"), (new() { PresencePenalty = 1000 }, "presence_penalty"),
            (new() { MaxTokens = -1 }, "max_tokens"), (new() { LogProbs = -1 }, "logprobs"), (new() { Stop = [""] }, "stop"),
        ];
        foreach ((SamplingOptions options, string name) in bad)
            Assert.StartsWith(name, Assert.Throws<CratonException>(options.Validate).Message, StringComparison.Ordinal);
    }
}
