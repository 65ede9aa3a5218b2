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

        string peft = Fixtures.Folder("peft");
        CausalLanguageModel gpt2 = ModelDirectory.LoadModel(Path.Combine(peft, "base", "gpt2"));
        using var other = new InferenceEngine(new TextModel(gpt2, TestEngine.Bytes, null, new SamplingOptions(), []), TestEngine.Small);
        await Refused(other, AdapterDirectory.Load(Path.Combine(peft, "gpt2-prompt-tuning"), gpt2), "tuned prompt");
    }

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
