using System.Text.Json;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Models.Tests;
using Craton.Tensors;
using Xunit.Abstractions;

namespace Craton.Inference.Tests;

/// <summary>Checkpoints of other libraries in the engine, all their texts at once.</summary>
[Trait("Category", "Golden")]
public sealed class DecoderFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public async Task ContinuationsOfManyTextsAtOnce()
    {
        var tally = new Tally(output);
        foreach (JsonElement item in Fixtures.Json(Path.Combine(Fixtures.Folder("decoders"), "manifest.json")).GetProperty("cases").EnumerateArray())
        {
            string id = item.Text("id"), folder = Path.Combine(Fixtures.Folder("decoders"), id);
            if (item.Text("kind") != "decoder")
            {
                tally.Skip(id, "no decoder");
                continue;
            }
            tally.Case();
            JsonElement generate = Fixtures.Json(Path.Combine(folder, "expect.json")).GetProperty("generate");
            await Check(id, ModelDirectory.LoadModel(folder), generate, tally);
        }
        tally.Finish("continuations in the engine");
    }

    // What the other library writes, and beyond it, up to the end of the context, what the simple generator does: rotary positions of some models
    // turn otherwise once a text is long.
    private static async Task Check(string id, CausalLanguageModel model, JsonElement generate, Tally tally)
    {
        var text = new TextModel(model, TestEngine.Bytes, null, new SamplingOptions(), model.Config.EosTokenId is { } end ? [end] : []);
        using var engine = new InferenceEngine(text, TestEngine.Small with { MaxStepTokens = 40, CacheTokens = 2 * Math.Min(512, model.Config.MaxPositionEmbeddings) });
        int count = generate.GetProperty("max_new_tokens").GetInt32();
        var asked = new List<(int[] Expected, Task<GenerationResult> Got)>();
        foreach (JsonElement item in generate.GetProperty("items").EnumerateArray())
        {
            int[] prompt = item.GetProperty("prompt").Ints();
            Ask(prompt, item.GetProperty("greedy").Ints(), new SamplingOptions { Temperature = 0, MaxTokens = count });
            Ask(prompt, item.GetProperty("greedy_repetition_penalty").Ints(), new SamplingOptions { Temperature = 0, MaxTokens = count, RepetitionPenalty = generate.Number("repetition_penalty") });
            var longer = new SamplingOptions { Temperature = 1, MaxTokens = Math.Min(60, Math.Min(512, model.Config.MaxPositionEmbeddings) - prompt.Length) };
            Ask(prompt, [.. text.Alone(new GenerationRequest(prompt) { Sampling = longer }).Tokens], longer);
        }
        foreach ((int[] expected, Task<GenerationResult> got) in asked) tally.Same(id, expected, (await got).Tokens);

        void Ask(int[] prompt, int[] expected, SamplingOptions options) => asked.Add((expected, engine.GenerateAsync(new GenerationRequest(prompt) { Sampling = options })));
    }
}
