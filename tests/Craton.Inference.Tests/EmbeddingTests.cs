using Craton.Models.Encoders;
using Craton.Models.Tests;
using Craton.Tensors;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Craton.Inference.Tests;

public sealed class EmbeddingTests
{
    private static string Model => Path.Combine(Fixtures.Folder("encoders"), "text", "sentence-dense");

    [Fact]
    public async Task Vectors_are_those_of_the_encoder_in_any_company()
    {
        await using ServiceProvider services = new ServiceCollection().AddCratonEmbeddings(Model).BuildServiceProvider();
        var generator = services.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
        string[] texts = ["the cat sat on the mat", "a", "prices rose again in the third quarter of the year"];
        GeneratedEmbeddings<Embedding<float>> all = await generator.GenerateAsync(texts);
        float[][] expected = SentenceEncoder.Load(Model).Encode(texts);
        Assert.Equal(texts.Length, all.Count);
        for (int i = 0; i < texts.Length; i++)
        {
            Assert.Equal(expected[i], all[i].Vector.ToArray());
            Assert.Equal(expected[i], (await generator.GenerateVectorAsync(texts[i])).ToArray());
        }
        Assert.Equal(texts.Sum(text => generator.GetRequiredService<SentenceEncoder>().Tokenize(text).Length), all.Usage!.InputTokenCount);
        Assert.Equal(expected[0].Length, generator.GetRequiredService<EmbeddingGeneratorMetadata>().DefaultModelDimensions);
    }

    [Fact]
    public async Task Many_callers_at_once_get_the_same_bits()
    {
        var generator = new CratonEmbeddingGenerator(SentenceEncoder.Load(Model), "tiny");
        float[] expected = (await generator.GenerateVectorAsync("one of many")).ToArray();
        ReadOnlyMemory<float>[] all = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => generator.GenerateVectorAsync("one of many")));
        Assert.All(all, vector => Assert.Equal(expected, vector.ToArray()));
    }

    [Fact]
    public async Task Other_dimensions_are_refused()
    {
        var generator = new CratonEmbeddingGenerator(SentenceEncoder.Load(Model), "tiny");
        var error = await Assert.ThrowsAsync<CratonException>(() => generator.GenerateAsync(["a"], new EmbeddingGenerationOptions { Dimensions = 3 }));
        Assert.StartsWith("embedding options: dimensions is 3", error.Message, StringComparison.Ordinal);
    }
}
