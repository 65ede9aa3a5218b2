using System.Text.Json.Nodes;
using Craton.Models.Generation;
using Craton.Tensors;

namespace Craton.Models.Tests.Generation;

public sealed class BeamSearchTests
{
    private static readonly int[] Prompt = [1, 5, 9];

    // The cache is put in another order at every token, and filled anew where positions turn by the length of the text.
    [Theory]
    [InlineData("gpt2", "{}")]
    [InlineData("qwen3", "{}")]
    [InlineData("falcon", """{ "alibi": true }""")]
    [InlineData("llama", """{ "rope_scaling": { "type": "dynamic", "factor": 2.0 }, "max_position_embeddings": 6 }""")]
    [InlineData("phi3", """{ "rope_scaling": { "type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [4, 5, 6, 7] }, "original_max_position_embeddings": 6 }""")]
    public void ScoresAreThoseOfTheTextsReadAtOnce(string family, string change)
    {
        JsonObject config = TestConfigs.Of(family);
        foreach ((string name, JsonNode? value) in JsonNode.Parse(change)!.AsObject()) config[name] = value?.DeepClone();
        CausalLanguageModel model = TestConfigs.Model(config);
        IReadOnlyList<Beam> beams = new BeamSearch(model).Run(Prompt, new SamplingOptions { MaxTokens = 8 }, new BeamOptions { Beams = 3, LengthPenalty = 0.5 }, ends: [0]);
        Assert.Equal(3, beams.Count);
        foreach (Beam beam in beams) Assert.Equal(Score(model, beam.Tokens) / Math.Sqrt(beam.Tokens.Count), beam.Score, 1e-4);
        Assert.Equal(beams.OrderByDescending(b => b.Score), beams);
        Assert.Equal(3, beams.Select(b => string.Join(' ', b.Tokens)).Distinct().Count());
    }

    [Fact]
    public void OneBeamTakesTheBestTokenAlways()
    {
        CausalLanguageModel model = TestConfigs.Model(TestConfigs.Of("llama"));
        var options = new SamplingOptions { Temperature = 0, MaxTokens = 12, RepetitionPenalty = 1, NoRepeatNgram = 2 };
        Assert.Equal(
            new TextGenerator(model, TestModels.Bytes).Generate(Prompt, options).Tokens,
            new BeamSearch(model).Run(Prompt, options, new BeamOptions { Beams = 1 })[0].Tokens);
    }

    [Fact]
    public void FewerTextsAreReturnedWhenAsked() => Assert.Equal(2, new BeamSearch(TestConfigs.Model(TestConfigs.Of("llama")))
        .Run(Prompt, new SamplingOptions { MaxTokens = 4 }, new BeamOptions { Beams = 5, Returned = 2 }).Count);

    [Fact]
    public void BiasesAndLeastLengthsHoldForBeams()
    {
        CausalLanguageModel model = TestConfigs.Model(TestConfigs.Of("llama"));
        int[] first = [.. new BeamSearch(model).Run(Prompt, new SamplingOptions { MaxTokens = 4 }, new BeamOptions())[0].Tokens];
        var options = new SamplingOptions { MaxTokens = 6, MinTokens = 3, Biases = [new SequenceBias([first[0]], double.NegativeInfinity)] };
        Assert.All(new BeamSearch(model).Run(Prompt, options, new BeamOptions(), ends: [first[1], first[2]]), beam =>
        {
            Assert.DoesNotContain(first[0], beam.Tokens);
            Assert.InRange(beam.Tokens.Count, 4, 6);
        });
    }

    [Theory]
    [InlineData(0, 1, 0, "beams")]
    [InlineData(21, 1, 0, "at most 20")]
    [InlineData(2, double.NaN, 0, "length_penalty")]
    [InlineData(2, 1, 3, "returned")]
    public void OptionsOutOfRangeAreNamed(int count, double penalty, int returned, string part)
    {
        var beams = new BeamOptions { Beams = count, LengthPenalty = penalty, Returned = returned };
        BeamSearch search = new(TestConfigs.Model(TestConfigs.Of("llama")));
        Assert.Contains(part, Assert.Throws<CratonException>(() => search.Run(Prompt, new SamplingOptions { MaxTokens = 4 }, beams)).Message, StringComparison.Ordinal);
    }

    private static double Score(CausalLanguageModel model, IReadOnlyList<int> tokens)
    {
        using var scope = TensorScope.Open("test");
        double sum = 0;
        int[] text = [.. Prompt, .. tokens];
        for (int at = Prompt.Length; at < text.Length; at++)
            sum += Ops.LogSoftmax(model.Forward(Tensor.From(text[..at], 1, at))).ToArray<float>()[^(model.Config.VocabSize - text[at])];
        return sum;
    }
}
