using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Tests;

/// <summary>Directories of encoders as older versions and other tools write them.</summary>
public sealed class EncoderDirectoryTests : IDisposable
{
    private static readonly string s_bert = Path.Combine(Fixtures.Folder("encoders"), "text", "bert-pretraining");

    private readonly TemporaryFolder _folder = new();

    private string Model => _folder.At("model");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void OlderNamesOfNormsAreReadAndWrittenBack()
    {
        Rewrite(name => name.Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal).Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal));
        EncoderModel older = EncoderDirectory.Load(Model);
        Assert.Equal(ModelDirectory.HashWeights(EncoderDirectory.Load(s_bert)), ModelDirectory.HashWeights(older));
        EncoderDirectory.Save(_folder.At("written"), older);
        using SafetensorsModel read = SafetensorsModel.Open(Model), written = SafetensorsModel.Open(_folder.At("written"));
        Assert.Equal(read.Names.Where(name => !name.EndsWith("position_ids", StringComparison.Ordinal)), written.Names); // a buffer, which is not written
    }

    [Fact]
    public void AnEncoderIsFoundBesideHeadsThatItDoesNotHave()
    {
        Rewrite(name => name, config => config.Replace("BertForPreTraining", "BertModel", StringComparison.Ordinal));
        EncoderModel alone = EncoderDirectory.Load(Model);
        Assert.Equal(typeof(EncoderModel), alone.GetType());
        Assert.NotNull(alone.Encoder.Pooler);
        var input = EncoderInput.Pack([[5, 6, 7]]);
        using var scope = TensorScope.Open("test");
        Assert.Equal(EncoderDirectory.Load(s_bert).Hidden(input).ToArray<float>(), alone.Hidden(input).ToArray<float>());
    }

    [Fact]
    public void WhatIsMissingOrForeignIsNamed()
    {
        Rewrite(name => name.Replace("cls.seq_relationship.weight", "other", StringComparison.Ordinal));
        Assert.Contains("'cls.seq_relationship.weight' is missing", Message(), StringComparison.Ordinal);
        Rewrite(name => name.Replace("bert.encoder.layer.1.output.dense.bias", "bert.encoder.layer.2.output.dense.bias", StringComparison.Ordinal));
        Assert.Contains("'bert.encoder.layer.1.output.dense.bias' is missing", Message(), StringComparison.Ordinal);
        Rewrite(name => name, config => config.Replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", StringComparison.Ordinal));
        Assert.Contains("bert.encoder.layer.1", Message(), StringComparison.Ordinal);
        Rewrite(name => name, config => config.Replace("\"vocab_size\": 160", "\"vocab_size\": 16000000", StringComparison.Ordinal));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("has shape [160", Message(), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
        Assert.Contains("no model directory", Assert.Throws<CratonException>(() => EncoderDirectory.Load(_folder.At("nothing"))).Message, StringComparison.Ordinal);

        string Message() => Assert.ThrowsAny<CratonException>(() => EncoderDirectory.Load(Model)).Message;
    }

    [Fact]
    public void TextsThatDoNotFitAreRefused()
    {
        EncoderModel model = EncoderDirectory.Load(s_bert);
        Assert.Contains("41 tokens", Assert.Throws<CratonException>(() => model.Hidden(EncoderInput.Pack([new int[41]]))).Message, StringComparison.Ordinal);
        Assert.Contains("none without tokens", Assert.Throws<CratonException>(() => EncoderInput.Pack([[]])).Message, StringComparison.Ordinal);
        Tensor ids = Tensor.From(new int[6], 1, 6);
        Assert.Contains("lengths that add up", Assert.Throws<CratonException>(() => model.Hidden(new EncoderInput(ids, Lengths: [2, 3]))).Message, StringComparison.Ordinal);
    }

    private void Rewrite(Func<string, string> rename, Func<string, string>? change = null)
    {
        Directory.CreateDirectory(Model);
        string config = File.ReadAllText(Path.Combine(s_bert, "config.json"));
        File.WriteAllText(Path.Combine(Model, "config.json"), change?.Invoke(config) ?? config);
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(s_bert, "model.safetensors"));
        SafetensorsWriter.Save(Path.Combine(Model, "model.safetensors"),
            [.. file.Tensors.Select(t => TensorSource.FromFloats(rename(t.Name), t.Shape, file.Floats(t.Name))), TensorSource.FromFloats("bert.embeddings.position_ids", [1, 4], new float[4])]);
    }
}
