using System.Buffers.Binary;
using Craton.Models.Generation;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Tests;

/// <summary>Weights that stay in their file.</summary>
public sealed class MappedWeightsTests : IDisposable
{
    private static readonly GptConfig Wide = TestModels.Config with { HiddenSize = 256, IntermediateSize = 768, HeadDim = 64, TieWordEmbeddings = false };

    private readonly TemporaryFolder _folder = new();

    private string Model => _folder.At("model");

    private string File1 => Path.Combine(Model, "model.safetensors");

    public void Dispose() => _folder.Dispose();

    // What is written into the file is seen in the weights: they are the same memory.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MappedWeightsAreTheFile(bool map)
    {
        Gpt saved = TestModels.Random(Wide);
        Save(saved);
        CausalLanguageModel model = ModelDirectory.LoadModel(Model, map);
        Assert.Equal(Logits(saved), Logits(model));
        byte[] file = File.ReadAllBytes(File1);
        file.AsSpan(8 + (int)BinaryPrimitives.ReadInt64LittleEndian(file)).Clear();
        using (var stream = new FileStream(File1, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) stream.Write(file);
        Assert.Equal(map, model.NamedParameters().All(p => p.Tensor.AsSpan<float>().IndexOfAnyExcept(0) < 0));
    }

    [Fact]
    public void MappedWeightsThatArePackedGiveTheSameBits()
    {
        foreach (bool tied in new[] { true, false })
        {
            Gpt saved = TestModels.Random(Wide with { TieWordEmbeddings = tied });
            Save(saved);
            Assert.Equal(Logits(saved), Logits(TextModel.LoadForInference(Model).Model));
        }
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void SixteenBitWeightsOfProductsAreKeptInThemAndGiveTheSameBits(DType type)
    {
        foreach (bool tied in new[] { true, false })
        {
            ModelDirectory.Save(Model, TestModels.Random(Wide with { TieWordEmbeddings = tied }), null, new ModelCard { Kind = "pretrain" }, type);
            CausalLanguageModel mapped = ModelDirectory.LoadModel(Model, map: true);
            Assert.Equal(Logits(ModelDirectory.LoadModel(Model)), Logits(mapped));
            Assert.All(mapped.NamedParameters().Where(p => p.Tensor.Rank == 2), p => Assert.Throws<CratonException>(() => p.Tensor.AsSpan<float>())); // no floats are there
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void DataThatBeginsAtAnOddByteIsRead(int shift)
    {
        Gpt saved = TestModels.Random();
        Save(saved);
        byte[] file = File.ReadAllBytes(File1);
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        byte[] shifted = [.. file[..(8 + length)], .. Enumerable.Repeat((byte)' ', shift), .. file[(8 + length)..]];
        BinaryPrimitives.WriteInt64LittleEndian(shifted, length + shift);
        File.WriteAllBytes(File1, shifted);
        Assert.Equal(Logits(saved), Logits(ModelDirectory.LoadModel(Model, map: true)));
    }

    [Fact]
    public void AFileThatIsCutOrHasMoreIsRefused()
    {
        Save(TestModels.Random());
        byte[] file = File.ReadAllBytes(File1);
        foreach (int length in new[] { 0, 1, 7, 8, 9, 100, file.Length / 2, file.Length - 4096, file.Length - 4, file.Length - 1 })
        {
            File.WriteAllBytes(File1, file[..length]);
            Assert.ThrowsAny<CratonException>(() => ModelDirectory.LoadModel(Model, map: true));
        }
        File.WriteAllBytes(File1, [.. file, 0]);
        Assert.ThrowsAny<CratonException>(() => ModelDirectory.LoadModel(Model, map: true));
    }

    // Without the check of every pass, the touch of a lost page would end this process.
    [Fact]
    public void AModelWhoseFileIsCutLaterRefusesToComputeAndOneThatIsReplacedGoesOn()
    {
        if (OperatingSystem.IsWindows()) return; // a mapped file can be neither cut nor replaced there
        Save(TestModels.Random(Wide));
        TextModel packed = TextModel.LoadForInference(Model);
        CausalLanguageModel mapped = ModelDirectory.LoadModel(Model, map: true);
        float[] before = Logits(mapped);
        File.Move(File1, _folder.At("moved"));
        File.WriteAllBytes(File1, [1, 2, 3]);
        Assert.Equal(before, Logits(mapped));

        using (var other = new FileStream(_folder.At("moved"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) other.SetLength(4096);
        ModelFileException error = Assert.Throws<ModelFileException>(() => Logits(mapped));
        Assert.Equal(4096, error.Offset);
        Assert.Contains("was cut while it was open", error.Message, StringComparison.Ordinal);
        Assert.Throws<ModelFileException>(() => new TextGenerator(packed.Model, packed.Tokenizer).Generate([1, 2], new SamplingOptions { MaxTokens = 2 }));
        Assert.Throws<ModelFileException>(() => mapped.PackWeights());
    }

    [Fact]
    public void DamagedHeadersAreRefusedOrReadWithinTheFile()
    {
        Save(TestModels.Random(TestModels.Config with { NumHiddenLayers = 1, VocabSize = 16, HiddenSize = 8, IntermediateSize = 8, NumAttentionHeads = 1, NumKeyValueHeads = 1, BosTokenId = 0, EosTokenId = 0 }));
        byte[] file = File.ReadAllBytes(File1);
        int header = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(file), refused = 0;
        var random = new Random(1);
        const int count = 1000;
        for (int i = 0; i < count; i++)
        {
            byte[] mutant = [.. file];
            for (int n = random.Next(1, 4); n > 0; n--) mutant[random.Next(header)] = (byte)(random.Next(2) == 0 ? '0' + random.Next(10) : random.Next(256));
            File.WriteAllBytes(File1, mutant);
            try
            {
                _ = Logits(ModelDirectory.LoadModel(Model, map: true));
            }
            catch (CratonException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, count / 2, count);
    }

    private void Save(Gpt model) => ModelDirectory.Save(Model, model, TestModels.Bytes.VocabularySize <= model.Config.VocabSize ? TestModels.Bytes : null, new ModelCard { Kind = "pretrain" });

    private static float[] Logits(CausalLanguageModel model) => TestConfigs.Logits(model);
}
