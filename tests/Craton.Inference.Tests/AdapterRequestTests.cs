using System.Text.Json.Nodes;
using Craton.Models;
using Craton.Models.Adapters;
using Craton.Models.Generation;
using Craton.Models.Tests;
using Craton.Tensors;

namespace Craton.Inference.Tests;

/// <summary>Requests that are computed with adapters of their own, in one engine.</summary>
public sealed class AdapterRequestTests
{
    private const int Kinds = 5;

    [Fact]
    public async Task AnAnswerIsTheSameAloneAndAmongRequestsWithOtherAdapters()
    {
        TextModel model = TestEngine.Random(packed: false);
        PeftAdapter?[] adapters = [null, Lora(model, 1), Lora(model, 2), Lora(model, 3, dora: true), Lora(model, 4, saved: "lm_head")];
        model.Model.PackWeights();
        Assert.Equal(Kinds, adapters.Length);
        // Prompts of one beginning, so that pages could be taken for another adapter's.
        GenerationRequest[] requests = [.. Enumerable.Range(0, 6 * Kinds).Select(i => new GenerationRequest(TestEngine.Prompt(12 + 9 * (i / Kinds), 3))
        {
            Adapter = adapters[i % Kinds],
            Sampling = new SamplingOptions { Temperature = i / Kinds % 2, Seed = 5, MaxTokens = 12, LogProbs = 2, Echo = i / Kinds == 4 },
        })];
        GenerationResult[] alone = [.. requests.Select(request => Alone(model, request))];
        for (int i = 0; i < requests.Length; i += Kinds)
            Assert.Equal(Kinds, alone.Skip(i).Take(Kinds).Select(answer => string.Join(' ', answer.LogProbs)).Distinct().Count());

        using var engine = new InferenceEngine(model, TestEngine.Small);
        for (int round = 0; round < 2; round++) // new pages, then filled ones
        {
            GenerationResult[] got = await Task.WhenAll(requests.Select(request => engine.GenerateAsync(request)));
            for (int i = 0; i < got.Length; i++) TestEngine.AssertSame(alone[i], got[i]);
        }
        Assert.True(engine.Statistics.CachedTokens > 0);
        Assert.All(adapters.OfType<PeftAdapter>(), adapter => Assert.False(adapter.IsAttached));
    }

    [Fact]
    public async Task AdaptersThatCannotServeOneRequestAreRefused()
    {
        TextModel model = TestEngine.Random();
        using var engine = new InferenceEngine(model, TestEngine.Small);
        await Refused(engine, Lora(TestEngine.Random(), 1), "loaded for another model");
        LayerAdapters attached = Lora(model, 1);
        attached.Attach();
        await Refused(engine, attached, "attached to the model");
        attached.Detach();
        await engine.GenerateAsync(new GenerationRequest([1]) { Adapter = attached, Sampling = new SamplingOptions { MaxTokens = 1 } });

        TextModel gpt2 = Peft("gpt2");
        PeftAdapter prompt = Adapter("gpt2-prompt-tuning", gpt2), second = Adapter("gpt2-prompt-tuning", gpt2);
        using (var other = new InferenceEngine(gpt2, TestEngine.Small))
            Assert.Contains("context", (await Assert.ThrowsAsync<ContextOverflowException>(() => other.GenerateAsync(Request(gpt2.Model.Context - 4, prompt)))).Message, StringComparison.Ordinal);
        prompt.Attach();
        using var prompted = new InferenceEngine(gpt2, TestEngine.Small);
        await Refused(prompted, second, "tuned prompt already");
    }

    // Vectors in the place of token embeddings, and keys and values; with learned and with rotary positions.
    [Theory]
    [InlineData("gpt2", "gpt2-prompt-tuning")]
    [InlineData("llama", "llama-prefix-tuning")]
    public async Task AnAnswerWithATunedPromptIsTheSameAloneAndAmongOthers(string family, string name)
    {
        TextModel model = Peft(family);
        PeftAdapter prompt = Adapter(name, model);
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => Request(3 + 2 * (i / 2), i % 2 == 0 ? prompt : null, echo: i > 8))];
        GenerationResult[] alone = [.. requests.Select(request => Alone(model, request))];
        Assert.All(Enumerable.Range(0, 6), i => Assert.NotEqual(Scores(alone[2 * i]), Scores(alone[2 * i + 1])));
        using (var engine = new InferenceEngine(model, TestEngine.Small with { MaxStepTokens = 32 }))
            for (int round = 0; round < 2; round++) // new pages, then filled ones
            {
                GenerationResult[] got = await Task.WhenAll(requests.Select(request => engine.GenerateAsync(request)));
                for (int i = 0; i < got.Length; i++) TestEngine.AssertSame(alone[i], got[i]);
            }
        Assert.False(prompt.IsAttached);

        prompt.Attach(); // for good: a model that was loaded with it
        using var always = new InferenceEngine(model, TestEngine.Small);
        GenerationResult[] all = await Task.WhenAll(requests.Select(request => always.GenerateAsync(request with { Adapter = null })));
        for (int i = 0; i < all.Length; i += 2) TestEngine.AssertSame(alone[i], all[i]);
    }

    private static string Scores(GenerationResult answer) => string.Join(' ', answer.LogProbs);

    private static TextModel Peft(string family)
    {
        CausalLanguageModel model = ModelDirectory.LoadModel(Path.Combine(Fixtures.Folder("peft"), "base", family));
        return new(model, TestEngine.Bytes, null, new SamplingOptions(), [model.Config.EosTokenId!.Value]);
    }

    private static PeftAdapter Adapter(string name, TextModel model) => AdapterDirectory.Load(Path.Combine(Fixtures.Folder("peft"), name), model.Model);

    private static GenerationRequest Request(int length, PeftAdapter? adapter, bool echo = false) =>
        new([.. TestEngine.Prompt(length, 3).Select(id => id % 90)]) { Adapter = adapter, Sampling = new SamplingOptions { Temperature = 1, Seed = 6, MaxTokens = 8, LogProbs = 2, Echo = echo } };

    private static async Task Refused(InferenceEngine engine, PeftAdapter adapter, string why)
    {
        var request = new GenerationRequest([1, 2, 3]) { Adapter = adapter, Sampling = new SamplingOptions { MaxTokens = 2 } };
        CratonException error = await Assert.ThrowsAsync<CratonException>(() => engine.GenerateAsync(request));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    private static GenerationResult Alone(TextModel model, GenerationRequest request)
    {
        request.Adapter?.Attach();
        try
        {
            return model.Alone(request);
        }
        finally
        {
            request.Adapter?.Detach();
        }
    }

    private static LayerAdapters Lora(TextModel model, ulong seed, bool dora = false, string? saved = null)
    {
        JsonObject config = new LoraConfig { Rank = 3, UseDora = dora }.ToJson(null, ["q_proj", "v_proj", "down_proj"]);
        if (saved is not null) config["modules_to_save"] = new JsonArray(saved);
        LayerAdapters adapter = LayerAdapters.NewLora(model.Model, config, seed);
        int number = 0;
        foreach ((string name, Tensor tensor) in adapter.NamedParameters())
        {
            if (!name.Contains("magnitude", StringComparison.Ordinal)) new CounterRandom(seed, 1, (uint)number++).FillNormal(tensor.AsSpan<float>());
            tensor.Freeze();
        }
        return adapter;
    }
}
