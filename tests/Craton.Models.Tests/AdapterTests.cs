using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models.Adapters;
using Craton.Models.Generation;
using Craton.Models.Gguf;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;

namespace Craton.Models.Tests;

/// <summary>Adapters that are made here, and files that are wrong.</summary>
public sealed class AdapterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TensorScope _scope = TensorScope.Open("test");

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(false, "all-linear")]
    [InlineData(true, "all-linear")]
    [InlineData(true, "embed_tokens", "v_proj")]
    public void ANewAdapterBeginsAsNothing(bool dora, params string[] targets)
    {
        Gpt model = TestModels.Random();
        float[] plain = Logits(model);
        LayerAdapters adapter = New(model, new LoraConfig { UseDora = dora }, targets);
        adapter.Attach();
        float[] begun = Logits(model);
        if (!dora) Assert.Equal(plain, begun);
        Assert.All(plain.Zip(begun), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Fact]
    public void AllLinearIsEveryLinearLayerButTheOutput()
    {
        Gpt model = TestModels.Random(TestModels.Config with { TieWordEmbeddings = false });
        LayerAdapters adapter = New(model, new LoraConfig(), "all-linear");
        Assert.Equal(2 * 7, adapter.Adapters.Count);
        Assert.DoesNotContain(adapter.NamedParameters(), p => p.Name.Contains("lm_head", StringComparison.Ordinal));
    }

    [Fact]
    public void WhatWasTrainedIsWrittenReadAndMerged()
    {
        Gpt model = TestModels.Random(), other = TestModels.Random();
        LayerAdapters adapter = New(model, new LoraConfig { Rank = 3, UseRsLora = true }, "q_proj", "down_proj");
        foreach ((_, Tensor tensor) in adapter.NamedParameters()) new CounterRandom(5).FillNormal(tensor.AsSpan<float>(), 0, 0.1f);
        adapter.Attach();
        float[] expected = Logits(model);
        AdapterDirectory.Save(_folder.At("adapter"), adapter);
        PeftAdapter read = AdapterDirectory.Load(_folder.At("adapter"), other);
        read.Attach();
        Assert.Equal(expected, Logits(other));
        read.Merge();
        Assert.False(read.IsAttached);
        Assert.All(expected.Zip(Logits(other)), pair => Assert.Equal(pair.First, pair.Second, 1e-3f));
    }

    // What the adapter changes is what it changes in the model of floats, but for the rounding.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WeightsInBlocksAreAdaptedAsTheyAre(bool dora)
    {
        Gpt model = TestModels.Random();
        ModelDirectory.Save(_folder.At("model"), model, TestModels.Bytes, new ModelCard { Kind = "pretrain" });
        ModelExport.ToGguf(_folder.At("model"), _folder.At("model.gguf"), BlockType.Q8_0);
        LayerAdapters adapter = New(model, new LoraConfig { UseDora = dora }, "q_proj", "o_proj");
        foreach (Lora lora in adapter.Adapters.Cast<Lora>()) new CounterRandom(6).FillNormal(lora.B.AsSpan<float>(), 0, 0.1f);
        AdapterDirectory.Save(_folder.At("adapter"), adapter);
        float[] plain = Logits(model);
        adapter.Attach();
        float[] expected = Logits(model);
        CausalLanguageModel rounded = TextModel.LoadForInference(_folder.At("model.gguf"), _folder.At("adapter")).Model;
        Assert.InRange(Distance(expected, Logits(rounded)), 0, 0.2 * Distance(expected, plain));

        static double Distance(float[] a, float[] b) => Math.Sqrt(a.Zip(b).Average(pair => Math.Pow(pair.First - pair.Second, 2)));
    }

    [Fact]
    public void AnUpdateWithABiasIsMergedIntoTheLayersBias()
    {
        var config = new Gpt2Config(96, 32, 24, 2, 3);
        Gpt2 model = new Gpt2(config).Initialize(4);
        LayerAdapters adapter = LayerAdapters.NewLora(model, new LoraConfig { LoraBias = true, Alpha = 4 }.ToJson("base", ["c_attn", "wpe"]), 3);
        foreach ((_, Tensor tensor) in adapter.NamedParameters()) new CounterRandom(5).FillNormal(tensor.AsSpan<float>(), 0, 0.1f);
        adapter.Attach();
        Tensor ids = Tensor.From([1, 2, 3, 4, 5], 1, 5);
        float[] expected = model.Forward(ids).ToArray<float>();
        adapter.Merge();
        Assert.All(expected.Zip(model.Forward(ids).ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Gpt without = TestModels.Random();
        Assert.Contains("a layer without one", Assert.Throws<CratonException>(New(without, new LoraConfig { LoraBias = true }, "q_proj").Merge).Message, StringComparison.Ordinal);
    }

    // The same bits whether activations are kept or computed again, and nothing left out when the model is used.
    [Fact]
    public void DropoutDependsOnItsKeyAlone()
    {
        Gpt model = TestModels.Random();
        foreach ((_, Tensor weight) in model.NamedParameters()) weight.Freeze();
        LayerAdapters adapter = New(model, new LoraConfig { Dropout = 0.5, UseDora = true }, "q_proj", "up_proj");
        foreach (Lora lora in adapter.Adapters.Cast<Lora>()) new CounterRandom(6).FillNormal(lora.B.AsSpan<float>(), 0, 0.1f);
        adapter.Attach();
        float[] used = Logits(model);
        adapter.DrawDropout(new CounterRandom(1, 1));
        float[] gradient = Gradients();
        model.CheckpointActivations = true;
        Assert.Equal(gradient, Gradients());
        adapter.DrawDropout(new CounterRandom(1, 2));
        Assert.NotEqual(gradient, Gradients());
        adapter.DrawDropout(null);
        Assert.Equal(used, Logits(model));

        float[] Gradients()
        {
            using Tape tape = Tape.Start();
            tape.Backward(model.Loss(Ids(), Ids()));
            float[] all = [.. adapter.NamedParameters().SelectMany(p => p.Tensor.Grad!.ToArray<float>())];
            foreach ((_, Tensor tensor) in adapter.NamedParameters()) tensor.ClearGrad();
            return all;
        }
    }

    // What is one weight in the model are two modules to an adapter, which changes one of them.
    [Theory]
    [InlineData("embed_tokens")]
    [InlineData("lm_head")]
    public void ATiedWeightIsAdaptedInOnePlaceAndNotMerged(string target)
    {
        Gpt tied = TestModels.Random(), own = new(TestModels.Config with { TieWordEmbeddings = false });
        Dictionary<string, Tensor> weights = tied.NamedParameters().ToDictionary(p => p.Name, p => p.Tensor);
        foreach ((string name, Tensor weight) in own.NamedParameters()) weight.Assign(weights[name == "lm_head.weight" ? "model.embed_tokens.weight" : name]);
        LayerAdapters adapter = New(tied, new LoraConfig(), target);
        foreach ((_, Tensor tensor) in adapter.NamedParameters()) new CounterRandom(5).FillNormal(tensor.AsSpan<float>(), 0, 0.1f);
        AdapterDirectory.Save(_folder.At("adapter"), adapter);
        AdapterDirectory.Load(_folder.At("adapter"), own).Attach();
        adapter.Attach();
        Assert.Equal(Logits(own), Logits(tied));
        Assert.Equal(own.Loss(Ids(), Ids()).Item(), tied.Loss(Ids(), Ids()).Item());
        Assert.Contains("tie_word_embeddings", Assert.Throws<CratonException>(adapter.Merge).Message, StringComparison.Ordinal);
    }

    // One pass, many steps, and a second prompt that shares its beginning with the first.
    [Theory]
    [InlineData("PROMPT_TUNING")]
    [InlineData("PREFIX_TUNING")]
    public void VirtualTokensAreReadOnceAndLearnt(string type)
    {
        Gpt model = TestModels.Random();
        PromptAdapter prompt = NewPrompt(model, type);
        int[] ids = [5, 7, 11, 13, 200, 3], other = [5, 7, 11, 90, 91];
        float[] plain = Next(ids);
        prompt.Attach();
        Assert.Equal(TestModels.Config.MaxPositionEmbeddings - 3, model.Context);
        Assert.NotEqual(plain, Next(ids));
        KvCache cache = model.NewCache(capacity: 16);
        float[] pieces = [.. ids.SelectMany(id => model.Forward(Tensor.From([id], 1, 1), default, cache).ToArray<float>())];
        Assert.Equal(model.Forward(Tensor.From(ids, 1, ids.Length)).ToArray<float>(), pieces);
        var reader = new CachedReader(model);
        Assert.Equal(Next(ids), Last(reader, ids, 0));
        Assert.Equal(Next(other), Last(reader, other, 3));

        using (Tape tape = Tape.Start())
            tape.Backward(model.Loss(Ids(), Ids()));
        Tensor vectors = prompt.NamedParameters().Single().Tensor;
        float[] gradient = vectors.Grad!.ToArray<float>();
        int steepest = Array.FindIndex(gradient, g => Math.Abs(g) == gradient.Max(Math.Abs));
        const float step = 1e-3f;
        double[] losses = [.. new[] { step, -2 * step }.Select(by => { vectors.AsSpan<float>()[steepest] += by; return model.Loss(Ids(), Ids()).Item(); })];
        Assert.Equal((losses[0] - losses[1]) / (2 * step), gradient[steepest], Math.Abs(gradient[steepest]) * 0.02);

        Assert.Throws<CratonException>(NewPrompt(model, type).Attach);
        Assert.Throws<CratonException>(() => model.Hidden(Ids(), new DecoderInput(Documents: Ids())));
        prompt.Detach();
        Assert.Equal(plain, Next(ids));

        float[] Next(int[] text) => model.Logits(model.Hidden(Tensor.From(text, 1, text.Length)).Slice(1, text.Length - 1)).ToArray<float>();

        float[] Last(CachedReader reader, int[] text, int shared)
        {
            Assert.Equal(shared, reader.Begin(text, text.Length + 2));
            Tensor hidden = reader.Read(text.AsSpan(shared));
            return model.Logits(hidden.Slice(1, hidden.Size(1) - 1)).ToArray<float>();
        }
    }

    private static PromptAdapter NewPrompt(Gpt model, string type)
    {
        var config = new JsonObject { ["peft_type"] = type, ["num_virtual_tokens"] = 3 };
        var prompt = (PromptAdapter)AdapterDirectory.Create(model, config, AdapterDirectory.Reader("prompt", config), _ => false);
        new CounterRandom(8).FillNormal(prompt.NamedParameters().Single().Tensor.AsSpan<float>());
        return prompt;
    }

    [Theory]
    [InlineData("\"use_qalora\": true", "use_qalora is set")]
    [InlineData("\"something_new\": {\"a\": 1}", "something_new is set")]
    [InlineData("\"init_lora_weights\": \"pissa\"", "changed the weights of the base model")]
    [InlineData("\"bias\": \"some\"", "bias is 'some'")]
    [InlineData("\"r\": 0", "expected a rank of 1")]
    [InlineData("\"r\": 2000000000", "expected a rank of 1")]
    [InlineData("\"r\": 4", "has shape [8, 32]")]
    [InlineData("\"lora_dropout\": 2", "expected a probability")]
    [InlineData("\"target_modules\": null", "target_modules: expected names")]
    [InlineData("\"target_modules\": \"((\"", "is no pattern")]
    [InlineData("\"target_modules\": \"(.*)*(.*)*(.*)*(.*)*(.*)*(.*)*x\"", "takes too long")]
    [InlineData("\"target_modules\": [\"self_attn\"]", "which is a GroupedAttention")]
    [InlineData("\"target_modules\": [\"c_attn\"]", "names no module")]
    [InlineData("\"target_modules\": [\"v_proj\"]", "is missing")]
    [InlineData("\"modules_to_save\": [\"model.norm\"]", "'base_model.model.model.norm.weight' is missing")]
    [InlineData("\"layers_to_transform\": [0]", "belongs to no part")]
    [InlineData("\"rank_pattern\": {\"q_proj\": 2.5}", "expected a rank")]
    [InlineData("\"peft_type\": \"LOHA\"", "peft_type is 'LOHA'")]
    [InlineData("\"peft_type\": \"PROMPT_TUNING\"", "r is set")]
    public void WrongSettingsAreNamed(string setting, string problem)
    {
        Gpt model = TestModels.Random();
        AdapterDirectory.Save(_folder.At("adapter"), New(model, new LoraConfig(), "q_proj"));
        string file = _folder.At("adapter/adapter_config.json");
        var config = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        foreach ((string name, JsonNode? value) in JsonNode.Parse("{" + setting + "}")!.AsObject()) config[name] = value?.DeepClone();
        File.WriteAllText(file, config.ToJsonString());
        CratonException error = Assert.Throws<CratonException>(() => AdapterDirectory.Load(_folder.At("adapter"), model));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.At("adapter"), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ValuesThatAreNotFiniteAreRefused()
    {
        Gpt model = TestModels.Random();
        LayerAdapters adapter = New(model, new LoraConfig(), "q_proj");
        ((Lora)adapter.Adapters[1]).B.AsSpan<float>()[3] = float.NaN;
        AdapterDirectory.Save(_folder.At("adapter"), adapter);
        Assert.Contains("not finite", Assert.Throws<CratonException>(() => AdapterDirectory.Load(_folder.At("adapter"), model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAdapterOfAnotherModelIsRefused()
    {
        AdapterDirectory.Save(_folder.At("adapter"), New(TestModels.Random(), new LoraConfig(), "q_proj"));
        Gpt wider = TestModels.Random(TestModels.Config with { HiddenSize = 40 }), deeper = TestModels.Random(TestModels.Config with { NumHiddenLayers = 3 });
        Assert.Contains("belongs to another model", Assert.Throws<CratonException>(() => AdapterDirectory.Load(_folder.At("adapter"), wider)).Message, StringComparison.Ordinal);
        Assert.Contains("belongs to another model", Assert.Throws<CratonException>(() => AdapterDirectory.Load(_folder.At("adapter"), deeper)).Message, StringComparison.Ordinal);
        Assert.Throws<ModelFileException>(() =>
        {
            File.Delete(_folder.At("adapter/adapter_model.safetensors"));
            AdapterDirectory.Load(_folder.At("adapter"), wider);
        });
    }

    [Fact]
    public void MutationsOfAConfigurationGiveAnAdapterOrTheTypedException()
    {
        Gpt model = TestModels.Random();
        string[] sources =
        [
            """{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj","v_proj"],"rank_pattern":{"q_proj":2},"alpha_pattern":{},"layers_to_transform":[1],"modules_to_save":null,"bias":"none"}""",
            """{"peft_type":"LORA","r":4,"target_modules":".*_proj","use_dora":true,"exclude_modules":"x","init_lora_weights":true,"lora_dropout":0.1,"use_rslora":false}""",
            """{"peft_type":"IA3","target_modules":["k_proj","down_proj"],"feedforward_modules":["down_proj"],"modules_to_save":["norm"]}""",
            """{"peft_type":"PREFIX_TUNING","num_virtual_tokens":3,"token_dim":32,"num_layers":2,"num_attention_heads":2}""",
        ];
        int valid = 0;
        var random = new CounterRandom(11);
        for (int i = 0; i < 100_000; i++)
        {
            byte[] text = Encoding.UTF8.GetBytes(sources[i % sources.Length]);
            for (int change = 0; change <= i % 3; change++) text[random.NextInt(4L * i + change, text.Length)] = (byte)random.NextInt(4L * i + change + 400_000, 128);
            try
            {
                using JsonDocument document = JsonDocument.Parse(text);
                if (document.RootElement.ValueKind != JsonValueKind.Object) continue;
                _ = AdapterDirectory.Create(model, [], new ConfigReader("config", document.RootElement), _ => false);
                valid++;
            }
            catch (Exception e) when (e is CratonException or JsonException)
            {
            }
        }
        Assert.InRange(valid, 1000, 99_000);
    }

    private static LayerAdapters New(Gpt model, LoraConfig config, params string[] targets) => LayerAdapters.NewLora(model, config.ToJson("base", targets), 3);

    private static float[] Logits(CausalLanguageModel model) => model.Forward(Ids()).ToArray<float>();

    private static Tensor Ids() => Tensor.From([5, 7, 11, 13, 200, 3, 5, 90], 2, 4);
}
