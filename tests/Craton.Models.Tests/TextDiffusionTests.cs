using System.Text.Json;
using Craton.Models.Diffusion.Discrete;
using Craton.Models.Generative;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>A language model that denoises: its bound, what it writes, its directory.</summary>
public sealed class TextDiffusionTests : IDisposable
{
    private const int Mutations = 100_000;
    private static readonly GptConfig s_config = TestModels.Config with { VocabSize = TestModels.Bytes.VocabularySize + 1, BosTokenId = null, MaxPositionEmbeddings = 48 };
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-text-diffusion-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_bound_over_numbers_of_masks_is_that_over_times()
    {
        // What a set of masked tokens costs, by the bits of its number; over all times it weighs ∫ t^(l − 1) (1 − t)^(L − l) dt.
        double[] costs = [0, 3, 1, 7, 2, 2, 9, 5], weights = [0, 1 / 3.0, 1 / 6.0, 1 / 3.0];
        double bound = Enumerable.Range(1, 7).Sum(set => costs[set] * weights[int.PopCount(set)]), sum = 0;
        const int batches = 20_000, rows = 2, length = 3;
        for (uint batch = 0; batch < batches; batch++)
        {
            (bool[] masked, double[] shares) = MaskedCounts.Draw(rows, length, new CounterRandom(5, batch));
            for (int row = 0; row < rows; row++)
            {
                int set = Enumerable.Range(0, length).Sum(i => masked[row * length + i] ? 1 << i : 0);
                Assert.Equal(shares[row] * length, int.PopCount(set), 9);
                sum += costs[set] / shares[row];
            }
        }
        Assert.Equal(bound, sum / (batches * rows), 0.06);
    }

    [Fact]
    public void A_model_that_knows_nothing_has_the_entropy_of_all_ids_as_its_bound()
    {
        using var scope = TensorScope.Open("test");
        var model = new TextDiffusion(s_config, TestModels.Bytes);
        Tensor ids = Tensor.From(Text(2 * 40), 2, 40);
        for (uint step = 0; step < 4; step++) Assert.Equal(Math.Log(TestModels.Bytes.VocabularySize), model.Loss(ids, default, new CounterRandom(1, step)).Item(), 1e-4);
    }

    [Fact]
    public void Every_token_sees_those_on_both_sides_and_none_can_be_the_mask()
    {
        using var scope = TensorScope.Open("test");
        TextDiffusion model = Model();
        int[] text = Text(10);
        text[5] = model.Mask;
        float[] scores = Middle(text);
        Assert.Equal(model.Mask, scores.Length);
        foreach (int other in new[] { 0, 9 }) Assert.NotEqual(scores, Middle([.. text.Select((id, i) => i == other ? id + 1 : id)]));

        float[] Middle(int[] ids) => Ops.Select(Ops.Contiguous(model.Scores(Tensor.From(ids, 1, ids.Length))), 1, 5).ToArray<float>();
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(5, true)]
    [InlineData(100, true)]
    public void What_is_written_depends_on_the_seed(int steps, bool randomOrder)
    {
        TextDiffusion model = Model();
        var options = new UnmaskingOptions(steps) { Temperature = 1, RandomOrder = randomOrder };
        int[] before = Text(6), after = Text(4), written = model.Write(before, 12, after, options, 3);
        Assert.Equal(12, written.Length);
        Assert.All(written, id => Assert.InRange(id, 0, model.Mask - 1));
        Assert.Equal(written, model.Write(before, 12, after, options, 3));
        Assert.NotEqual(written, model.Write(before, 12, after, options, 4));
    }

    [Fact]
    public void A_text_ends_with_its_token_for_that() => Assert.Equal("ab", Model().TextOf([97, 98, TestModels.Bytes.EndOfText!.Value, 99]));

    [Fact]
    public void What_does_not_fit_is_named()
    {
        TextDiffusion model = Model();
        var options = new UnmaskingOptions(4);
        Assert.Contains("token id 259 is none of the model's", Assert.Throws<CratonException>(() => model.Write([259], 4, [], options, 0)).Message);
        Assert.Contains("context of 48", Assert.Throws<CratonException>(() => model.Write(Text(20), 20, Text(20), options, 0)).Message);
        Assert.Contains("and the mask, got 259", Assert.Throws<CratonException>(() => new TextDiffusion(TestModels.Config, TestModels.Bytes)).Message);
    }

    [Fact]
    public void What_is_saved_is_read_and_writes_the_same()
    {
        TextDiffusion model = Model();
        string path = Path.Combine(_folder, "model");
        TextDiffusionDirectory.Save(path, model, new ModelCard { Kind = "text-diffusion" });
        Assert.True(TextDiffusionDirectory.Holds(path));
        Assert.Equal("text-diffusion", ModelDirectory.LoadCard(path)!.Kind);
        var options = new UnmaskingOptions(8) { Temperature = 0.8 };
        Assert.Equal(model.Write(Text(3), 20, [], options, 1), TextDiffusionDirectory.Load(path).Write(Text(3), 20, [], options, 1));

        File.Delete(Path.Combine(path, "tokenizer.json"));
        Assert.Throws<CratonException>(() => TextDiffusionDirectory.Load(path));
        File.WriteAllText(Path.Combine(path, "config.json"), """{"model_type":"craton_text_diffusion"}""");
        Assert.Contains("transformer: expected an object, got nothing", Assert.Throws<CratonException>(() => TextDiffusionDirectory.Load(path)).Message);
        File.WriteAllText(Path.Combine(path, "config.json"), """{"model_type":"llama"}""");
        Assert.Contains("another kind", Assert.Throws<CratonException>(() => TextDiffusionDirectory.Load(path)).Message);
    }

    [Fact]
    public void Damaged_settings_give_typed_errors()
    {
        string path = Path.Combine(_folder, "damaged");
        TextDiffusionDirectory.Save(path, Model(), new ModelCard { Kind = "text-diffusion" });
        byte[] settings = File.ReadAllBytes(Path.Combine(path, "config.json"));
        var random = new Random(7);
        int read = 0;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] bytes = [.. settings];
            for (int k = random.Next(1, 4); k > 0; k--) bytes[random.Next(bytes.Length)] = (byte)" 0123456789.-e\"tf,:{}[]"[random.Next(23)];
            try
            {
                _ = TextDiffusionDirectory.Create(new ConfigReader("settings", JsonElement.Parse(bytes)), TestModels.Bytes);
                read++;
            }
            catch (Exception e) when (e is CratonException or JsonException)
            {
            }
        }
        Assert.True(read > Mutations / 100, $"only {read} of {Mutations} were read");
    }

    private static TextDiffusion Model() => new TextDiffusion(s_config, TestModels.Bytes).Initialize(7);

    private static int[] Text(int count) => [.. Enumerable.Range(0, count).Select(i => i * 31 % 200)];
}
