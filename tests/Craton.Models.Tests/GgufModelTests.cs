using Craton.Models.Gguf;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;
using Microsoft.Win32.SafeHandles;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Models through GGUF: written, read, damaged.</summary>
public sealed class GgufModelTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(BlockType.F32, 0)]
    [InlineData(BlockType.F16, 0.01)]
    [InlineData(BlockType.BF16, 0.05)]
    [InlineData(BlockType.Q8_0, 0.1)]
    [InlineData(BlockType.Q6_K, 0.2)]
    [InlineData(BlockType.Q5_K, 0.4)]
    [InlineData(BlockType.Q4_K, 0.8)]
    [InlineData(BlockType.Q4_0, 1.2)]
    public void AModelIsNearlyTheSameInFewerBits(BlockType type, double tolerance)
    {
        Gpt model = Small();
        ModelDirectory.Save(_folder.At("model"), model, TestModels.Bytes, new ModelCard { Kind = "pretrain" });
        string file = _folder.At("model.gguf");
        ModelExport.ToGguf(_folder.At("model"), file, type);
        CausalLanguageModel quantized = GgufModel.Load(file);
        using var scope = TensorScope.Open("test");
        Tensor ids = Tensor.From(Enumerable.Range(0, 20).ToArray(), 1, 20);
        float[] expected = model.Forward(ids).ToArray<float>(), got = quantized.Forward(ids).ToArray<float>();
        double deviation = Math.Sqrt(expected.Average(v => (double)v * v));
        for (int i = 0; i < got.Length; i++) Assert.InRange(got[i], expected[i] - tolerance * deviation, expected[i] + tolerance * deviation);
        bool isKept = quantized.NamedParameters().Any(p => p.Tensor.Quantized is not null);
        Assert.Equal(type is not (BlockType.F32 or BlockType.F16 or BlockType.BF16), isKept);
    }

    // One pass and many steps, alone and in a batch: the same bits, as with floats.
    [Fact]
    public void QuantisedDecodingGivesTheSameBitsAsOnePass()
    {
        Gpt model = Small();
        ModelDirectory.Save(_folder.At("model"), model, TestModels.Bytes, new ModelCard { Kind = "pretrain" });
        ModelExport.ToGguf(_folder.At("model"), _folder.At("model.gguf"), BlockType.Q8_0);
        CausalLanguageModel quantized = GgufModel.Load(_folder.At("model.gguf"));
        using var scope = TensorScope.Open("test");
        int[] ids = [.. Enumerable.Range(0, 13).Select(i => i * 7 % 256)];
        float[] whole = quantized.Forward(Tensor.From(ids, 1, 13)).ToArray<float>();
        var cache = quantized.NewCache();
        float[] pieces = [.. ids.SelectMany(id => quantized.Forward(Tensor.From([id], 1, 1), default, cache).ToArray<float>())];
        Assert.Equal(whole, pieces);
        float[] batch = quantized.Forward(Tensor.From([.. ids, .. ids.Reverse(), .. ids], 3, 13)).ToArray<float>();
        Assert.Equal(whole, batch[..whole.Length]);
        Assert.Equal(whole, batch[^whole.Length..]);
    }

    [Fact]
    public void ATrainedWeightCannotBeInBlocks()
    {
        ModelDirectory.Save(_folder.At("model"), Small(), TestModels.Bytes, new ModelCard { Kind = "pretrain" });
        ModelExport.ToGguf(_folder.At("model"), _folder.At("model.gguf"), BlockType.Q8_0);
        CausalLanguageModel model = GgufModel.Load(_folder.At("model.gguf"));
        Assert.Contains("blocks", Assert.Throws<CratonException>(() => ModelDirectory.HashWeights(model)).Message, StringComparison.Ordinal);
        CausalLanguageModel floats = GgufModel.Load(_folder.At("model.gguf"), keepBlocks: false);
        Assert.NotEmpty(ModelDirectory.HashWeights(floats));
    }

    [Fact]
    public void WhatIsNoModelSaysSo()
    {
        Assert.Contains("no model", Assert.Throws<CratonException>(() => ModelWeights.Open(_folder.Path)).Message, StringComparison.Ordinal);
        GgufWriter.Save(_folder.At("a.gguf"), [], []);
        Assert.Contains("general.architecture", Assert.Throws<CratonException>(() => TextModel.Load(_folder.At("a.gguf"))).Message, StringComparison.Ordinal);
        GgufWriter.Save(_folder.At("b.gguf"), [new("general.architecture", "rwkv")], []);
        Assert.Contains("'rwkv'", Assert.Throws<CratonException>(() => TextModel.Load(_folder.At("b.gguf"))).Message, StringComparison.Ordinal);
        GgufWriter.Save(_folder.At("c.gguf"), [new("general.architecture", "llama"), new("llama.block_count", 1_000_000u)], []);
        Assert.Contains("block_count", Assert.Throws<CratonException>(() => TextModel.Load(_folder.At("c.gguf"))).Message, StringComparison.Ordinal);
        File.WriteAllText(_folder.At("full.txt"), "");
        Assert.Contains("holds files", Assert.Throws<CratonException>(() => ModelExport.ToDirectory(_folder.At("a.gguf"), _folder.Path)).Message, StringComparison.Ordinal);
    }

    /// <summary>F1 for what stands behind the container: sizes, heads, names and vocabularies that do not fit together.</summary>
    [Fact]
    public void DamagedModelsGiveNothingButTypedErrors()
    {
        const int seed = 20261126, count = 2_000;
        ModelDirectory.Save(_folder.At("model"), Small(), TestModels.Bytes, new ModelCard { Kind = "pretrain" });
        string path = _folder.At("model.gguf"), damaged = _folder.At("damaged.gguf");
        ModelExport.ToGguf(_folder.At("model"), path, BlockType.Q8_0);
        byte[] good = File.ReadAllBytes(path);
        int header;
        using (GgufFile model = GgufFile.Open(path)) header = (int)model.Tensors.Min(t => t.Offset);
        using SafeFileHandle file = File.OpenHandle(damaged, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        var random = new Random(seed);
        int refused = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] mutant = [.. good];
            for (int n = random.Next(1, 4); n > 0; n--) mutant[random.Next(header)] = (byte)random.Next(256);
            RandomAccess.Write(file, mutant, 0);
            try
            {
                _ = TextModel.Load(damaged);
            }
            catch (CratonException)
            {
                refused++;
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}, mutation {i}", error);
            }
        }
        output.WriteLine($"seed {seed}: {refused} of {count} refused");
        Assert.InRange(refused, count / 10, count);
    }

    private static Gpt Small() => new Gpt(new GptConfig
    {
        VocabSize = TestModels.Bytes.VocabularySize,
        HiddenSize = 256,
        IntermediateSize = 256,
        NumHiddenLayers = 1,
        NumAttentionHeads = 4,
        NumKeyValueHeads = 2,
        HeadDim = 64,
        MaxPositionEmbeddings = 64,
        TieWordEmbeddings = false,
    }).Initialize(3);
}
