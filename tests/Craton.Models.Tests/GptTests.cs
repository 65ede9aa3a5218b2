using Craton.Tensors;

namespace Craton.Models.Tests;

public sealed class GptTests
{
    // Wide enough that matrix products and attention work in several blocks.
    private static readonly GptConfig Wide = GptConfig.FromDepth(4, vocabSize: 300, context: 256) with { NumHiddenLayers = 2 };

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(149)]
    public void ReadingInPiecesGivesTheSameBits(int piece)
    {
        using var scope = TensorScope.Open("test");
        Gpt model = TestModels.Random(Wide);
        int[] ids = [.. Enumerable.Range(0, 150).Select(i => i * 31 % 300)];
        float[] whole = model.Forward(Tensor.From(ids, 1, ids.Length)).ToArray<float>();
        var cache = model.NewCache();
        var pieces = new List<float>();
        foreach (int[] part in ids.Chunk(piece)) pieces.AddRange(model.Forward(Tensor.From(part, 1, part.Length), default, cache).ToArray<float>());
        Assert.True(whole.AsSpan().SequenceEqual(pieces.ToArray()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PackedWeightsGiveTheSameBits(bool tied)
    {
        using var scope = TensorScope.Open("test");
        GptConfig config = Wide with { TieWordEmbeddings = tied };
        Gpt plain = TestModels.Random(config), packed = TestModels.Random(config);
        packed.PackWeights();
        int[] ids = [.. Enumerable.Range(0, 60).Select(i => i * 31 % 300)];
        float[] expected = plain.Forward(Tensor.From(ids, 1, ids.Length)).ToArray<float>();
        Assert.True(expected.AsSpan().SequenceEqual(packed.Forward(Tensor.From(ids, 1, ids.Length)).ToArray<float>()));
        var cache = plain.NewCache();
        var one = new List<float>();
        foreach (int id in ids) one.AddRange(packed.Forward(Tensor.From([id], 1, 1), default, cache).ToArray<float>());
        Assert.True(expected.AsSpan().SequenceEqual(one.ToArray()));
    }

    [Fact]
    public void ATextGivesTheSameBitsWhateverElseIsInTheBatch()
    {
        using var scope = TensorScope.Open("test");
        Gpt model = TestModels.Random(Wide);
        int[] ids = [.. Enumerable.Range(0, 5 * 40).Select(i => i * 17 % 300)];
        float[] batch = model.Forward(Tensor.From(ids, 5, 40)).ToArray<float>();
        for (int row = 0; row < 5; row++)
        {
            float[] alone = model.Forward(Tensor.From(ids[(row * 40)..(row * 40 + 40)], 1, 40)).ToArray<float>();
            Assert.True(alone.AsSpan().SequenceEqual(batch.AsSpan(row * alone.Length, alone.Length)), $"row {row}");
        }
    }

    [Fact]
    public void WritingIntoTheStreamBeginsSmaller()
    {
        Gpt model = TestModels.Random(Wide with { InitializerRange = 0.02 });
        foreach ((string name, Tensor tensor) in model.NamedParameters())
        {
            float[] values = tensor.ToArray<float>();
            double deviation = Math.Sqrt(values.Average(v => (double)v * v));
            if (tensor.Rank == 1) Assert.All(values, v => Assert.Equal(1, v));
            else Assert.InRange(deviation, 0.97 * Expected(name), 1.03 * Expected(name));
        }
        Assert.Equal(Wide.ParameterCount, model.ParameterCount);
        Assert.NotEqual(ModelDirectory.HashWeights(model), ModelDirectory.HashWeights(TestModels.Random(Wide with { InitializerRange = 0.02 }, seed: 8)));

        static double Expected(string name) =>
            name.EndsWith("o_proj.weight", StringComparison.Ordinal) || name.EndsWith("down_proj.weight", StringComparison.Ordinal) ? 0.02 / Math.Sqrt(2 * 2) : 0.02;
    }

    [Fact]
    public void MoreThanTheContextIsRefused()
    {
        using var scope = TensorScope.Open("test");
        Gpt model = TestModels.Random();
        int most = model.Config.MaxPositionEmbeddings;
        var error = Assert.Throws<CratonException>(() => model.Forward(Tensor.From(new int[most + 1], 1, most + 1)));
        Assert.Contains($"context of {most}", error.Message, StringComparison.Ordinal);
        var cache = model.NewCache(capacity: 4);
        Assert.Throws<CratonException>(() => model.Forward(Tensor.From(new int[5], 1, 5), default, cache));
        Assert.Equal(0, cache.Length);
    }
}
