using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Models.Generation;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models.Tests;

public sealed class ModelDirectoryTests : IDisposable
{
    private static readonly ModelCard Card = new()
    {
        Kind = "pretrain",
        BaseModel = "base",
        Recipe = "steps: 3\n",
        License = "MIT",
        Hashes = new SortedDictionary<string, string> { ["data"] = "ab" },
        Metrics = new SortedDictionary<string, double> { ["val_loss"] = 1.5, ["diverged"] = double.NaN },
    };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<GptConfig> Configs => new(
        TestModels.Config,
        TestModels.Config with { TieWordEmbeddings = false, QkNorm = true, RopeTheta = 5e5, EosTokenId = null },
        TestModels.Config with { AttentionBias = true, MlpBias = true, RmsNormEps = 1e-6 });

    private string Model => _folder.At("model");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Configs))]
    public void AModelComesBackWithTheSameBits(GptConfig config)
    {
        Gpt saved = TestModels.Random(config);
        ModelDirectory.Save(Model, saved, TestModels.Bytes, Card);
        TextModel loaded = TextModel.Load(Model);
        Assert.Equal(config, loaded.Model.Config);
        Assert.Equal(ModelDirectory.HashWeights(saved), ModelDirectory.HashWeights(loaded.Model));
        Assert.Equal(TestModels.Bytes.Encode("héllo"), loaded.Tokenizer.Encode("héllo"));
        Assert.Null(loaded.Template);
        using SafetensorsModel weights = SafetensorsModel.Open(Model);
        Assert.Equal(!config.TieWordEmbeddings, weights.Names.Contains("lm_head.weight"));
    }

    [Fact]
    public void SavingTwiceGivesTheSameFilesAndReplacesTheFirst()
    {
        ModelDirectory.Save(Model, TestModels.Random(seed: 1), TestModels.Bytes, Card);
        ModelDirectory.Save(Model, TestModels.Random(seed: 2), TestModels.Bytes, Card);
        ModelDirectory.Save(_folder.At("other"), TestModels.Random(seed: 2), TestModels.Bytes, Card);
        string[] files = [.. Directory.EnumerateFiles(Model).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];
        Assert.Equal(["config.json", "craton.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"], files);
        foreach (string file in files)
            Assert.Equal(File.ReadAllBytes(Path.Combine(_folder.At("other"), file)), File.ReadAllBytes(Path.Combine(Model, file)));
    }

    [Fact]
    public void TheLineageComesBack()
    {
        Gpt model = TestModels.Random();
        ModelDirectory.Save(Model, model, null, Card);
        ModelCard card = ModelDirectory.LoadCard(Model)!;
        Assert.Equal(("pretrain", "base", "steps: 3\n", "MIT"), (card.Kind, card.BaseModel, card.Recipe, card.License));
        Assert.Equal("ab", card.Hashes["data"]);
        Assert.Equal(ModelDirectory.HashWeights(model), card.Hashes["weights"]);
        Assert.Equal([KeyValuePair.Create("val_loss", 1.5)], card.Metrics);
        Assert.False(string.IsNullOrEmpty(card.CodeVersion));
        File.WriteAllText(Path.Combine(Model, "craton.json"), "{}");
        Assert.Contains("craton.json", Assert.Throws<CratonException>(() => ModelDirectory.LoadCard(Model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AConversationalModelEndsItsTurns()
    {
        Tokenizer tokenizer = ByteTokenizer.Create("<|endoftext|>", "<|im_start|>", "<|im_end|>");
        tokenizer.ChatTemplate = ChatTemplate.ChatMlSource;
        ModelDirectory.Save(Model, TestModels.Random(), tokenizer, Card);
        TextModel loaded = TextModel.Load(Model);
        Assert.NotNull(loaded.Template);
        Assert.Equal([256, 258], loaded.Ends);
        Assert.Equal("[256,258]", JsonNode.Parse(File.ReadAllText(Path.Combine(Model, "generation_config.json")))!["eos_token_id"]!.ToJsonString());
    }

    [Fact]
    public void TheModelsOwnSamplingIsTheDefault()
    {
        ModelDirectory.Save(Model, TestModels.Random(), TestModels.Bytes, Card);
        Write("""{ "temperature": 0.5, "top_k": 7, "top_p": 0.9, "repetition_penalty": 1.1, "max_new_tokens": 33, "eos_token_id": [3, 4] }""");
        TextModel loaded = TextModel.Load(Model);
        Assert.Equal(new SamplingOptions { Temperature = 0.5, TopK = 7, TopP = 0.9, RepetitionPenalty = 1.1, MaxTokens = 33 } with { Stop = loaded.Defaults.Stop, Biases = loaded.Defaults.Biases }, loaded.Defaults);
        Assert.Equal([3, 4, 256], loaded.Ends);
        Write("""{ "typical_p": 0.5, "epsilon_cutoff": 0.01, "no_repeat_ngram_size": 3, "min_new_tokens": 2, "bad_words_ids": [[7, 8], [3]], "suppress_tokens": [9], "sequence_bias": [[[1, 2], -0.5]], "eos_token_id": 3 }""");
        loaded = TextModel.Load(Model);
        Assert.Equal((0.5, 0.01, 3, 2), (loaded.Defaults.TypicalP, loaded.Defaults.EpsilonCutoff, loaded.Defaults.NoRepeatNgram, loaded.Defaults.MinTokens));
        Assert.Equal(["7 8 -∞", "9 -∞", "1 2 -0.5"], loaded.Defaults.Biases.Select(bias => string.Create(CultureInfo.InvariantCulture, $"{string.Join(' ', bias.Sequence)} {bias.Bias}").Replace("-Infinity", "-∞", StringComparison.Ordinal)));
        string config = Path.Combine(Model, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"eos_token_id\": 256", "\"eos_token_id\": [256, 5]", StringComparison.Ordinal));
        Assert.Equal([3, 5, 256], TextModel.Load(Model).Ends);
        Write("""{ "do_sample": false }""");
        Assert.Equal(0, TextModel.Load(Model).Defaults.Temperature);
        foreach (string bad in new[] { """{ "top_p": 7 }""", """{ "top_k": "many" }""", """{ "bad_words_ids": 3 }""", """{ "sequence_bias": [[1, 2, 3]] }""", """{ "eos_token_id": "end" }""", "[]", "{" })
        {
            Write(bad);
            Assert.Contains("generation_config.json", Assert.Throws<CratonException>(() => TextModel.Load(Model)).Message, StringComparison.Ordinal);
        }

        void Write(string text) => File.WriteAllText(Path.Combine(Model, "generation_config.json"), text);
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void SixteenBitWeightsAreWidened(DType type)
    {
        Gpt model = TestModels.Random();
        Rewrite(model, all => [.. all.Select(t => Source(t.Name, t.Tensor, type))]);
        foreach (((string name, Tensor tensor), (_, Tensor read)) in model.NamedParameters().Zip(ModelDirectory.LoadModel(Model).NamedParameters()))
        {
            float[] expected = Array.ConvertAll(tensor.ToArray<float>(), value => type == DType.F16 ? (float)(Half)value : RoundToBrain(value));
            Assert.True(expected.AsSpan().SequenceEqual(read.ToArray<float>()), name);
        }
    }

    [Fact]
    public void WrongTensorsAreNamed()
    {
        Gpt model = TestModels.Random();
        Refuses("'model.norm.weight' is missing", all => [.. all.Where(t => t.Name != "model.norm.weight").Select(Source)]);
        Refuses("'model.embed_tokens.weight' is missing", all => [.. all.Where(t => t.Name != "model.embed_tokens.weight").Select(Source)]);
        Refuses("'model.extra' is not part", all => [.. all.Select(Source), Plain("model.extra", 3)]);
        Refuses("'model.norm.weight' has shape [3]", all => [.. all.Where(t => t.Name != "model.norm.weight").Select(Source), Plain("model.norm.weight", 3)]);
        Refuses("'model.embed_tokens.weight' has shape [3]", all => [.. all.Where(t => t.Name != "model.embed_tokens.weight").Select(Source), Plain("model.embed_tokens.weight", 3)]);

        // What other libraries leave in their files is no error.
        Rewrite(model, all => [.. all.Select(Source), Plain("model.layers.0.self_attn.rotary_emb.inv_freq", 4), Plain("lm_head.weight", 4)]);
        Assert.Equal(ModelDirectory.HashWeights(model), ModelDirectory.HashWeights(ModelDirectory.LoadModel(Model)));

        void Refuses(string part, Func<IEnumerable<(string Name, Tensor Tensor)>, TensorSource[]> change)
        {
            Rewrite(model, change);
            Assert.Contains(part, Assert.ThrowsAny<CratonException>(() => ModelDirectory.LoadModel(Model)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AConfigurationThatAsksForMoreThanTheWeightsHoldIsRefusedBeforeMemoryIsAskedFor()
    {
        foreach ((string name, int value) in new[] { ("vocab_size", 1 << 24), ("hidden_size", 1 << 17), ("intermediate_size", 1 << 20), ("num_hidden_layers", 1 << 10) })
        {
            ModelDirectory.Save(Model, TestModels.Random(), null, Card);
            string file = Path.Combine(Model, "config.json");
            JsonNode config = JsonNode.Parse(File.ReadAllText(file))!;
            config[name] = value;
            File.WriteAllText(file, config.ToJsonString());
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<CratonException>(() => ModelDirectory.LoadModel(Model));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
        }
    }

    [Fact]
    public void AFileThatWasChangedAddedOrLostIsFound()
    {
        ModelDirectory.Save(Model, TestModels.Random(), TestModels.Bytes, Card);
        ModelDirectory.Verify(Model);
        foreach (string file in Directory.GetFiles(Model).Where(f => Path.GetFileName(f) != "craton.json"))
        {
            byte[] content = File.ReadAllBytes(file);
            File.Delete(file);
            if (Path.GetFileName(file) != "config.json") Refused("is missing", file);
            File.WriteAllBytes(file, [.. content[..^1], (byte)(content[^1] ^ 1)]);
            Refused("was changed", file);
            File.WriteAllBytes(file, content);
        }
        string added = Path.Combine(Model, "chat_template.jinja");
        File.WriteAllText(added, "{{ messages }}");
        Refused("was added", added);
        File.Delete(added);
        ModelDirectory.Verify(Model);

        void Refused(string problem, string file) =>
            Assert.Contains($"{Path.GetFileName(file)}' {problem}", Assert.Throws<CratonException>(() => ModelDirectory.Verify(Model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FoldersThatAreNoModelsAreRefused()
    {
        Assert.Contains("no model directory", Assert.Throws<CratonException>(() => TextModel.Load(_folder.At("nothing"))).Message, StringComparison.Ordinal);
        ModelDirectory.Save(Model, TestModels.Random(), null, Card);
        Assert.Contains("holds no tokenizer", Assert.Throws<CratonException>(() => TextModel.Load(Model).Tokenizer.Encode("text")).Message, StringComparison.Ordinal);
        ModelDirectory.Save(Model, TestModels.Random(), ByteTokenizer.Create([.. Enumerable.Range(0, 9).Select(i => $"<|{i}|>")]), Card);
        Assert.Contains("265 ids", Assert.Throws<CratonException>(() => TextModel.Load(Model)).Message, StringComparison.Ordinal);

        File.WriteAllText(_folder.At("precious.txt"), "mine");
        Assert.Throws<CratonException>(() => ModelDirectory.Save(_folder.Path, TestModels.Random(), null, Card));
        Assert.Equal("mine", File.ReadAllText(_folder.At("precious.txt")));
    }

    [Fact]
    public void AModelLeftAsideByACrashIsFound()
    {
        Gpt model = TestModels.Random();
        ModelDirectory.Save(Model, model, TestModels.Bytes, Card);
        Directory.Move(Model, _folder.At(".model.old"));
        Assert.Equal(ModelDirectory.HashWeights(model), ModelDirectory.HashWeights(TextModel.Load(Model).Model));
    }

    // Written once; equal on every machine, register width and number of threads.
    [Fact]
    public void InitialWeightsArePinned() => Assert.StartsWith("4cba0c2ca344c6640a00ff5fb894d043", ModelDirectory.HashWeights(TestModels.Random()), StringComparison.Ordinal);

    private void Rewrite(Gpt model, Func<IEnumerable<(string Name, Tensor Tensor)>, TensorSource[]> change)
    {
        ModelDirectory.Save(Model, model, null, Card);
        SafetensorsWriter.Save(Path.Combine(Model, "model.safetensors"), change(model.NamedParameters()));
    }

    private static TensorSource Source((string Name, Tensor Tensor) t) => TensorFiles.Source(t.Name, t.Tensor);

    private static TensorSource Source(string name, Tensor tensor, DType type) =>
        TensorSource.FromFloats(name, Array.ConvertAll(tensor.Shape.ToArray(), size => (long)size), tensor.ToArray<float>(), type);

    private static TensorSource Plain(string name, int length) => TensorSource.FromFloats(name, [length], new float[length]);

    // Nearest, ties to even.
    private static float RoundToBrain(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }
}
