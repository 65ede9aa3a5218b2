using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models.Diffusion;
using Craton.Models.Generative;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>The model that draws scenes, with random weights.</summary>
public sealed class SceneDiffusionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-scene-diffusion-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_thing_above_another_is_the_other_below_it()
    {
        float[] above = Marks("a small red circle above a large blue square on a grey background");
        float[] below = Marks("a large blue square below a small red circle on a grey background");
        const int Words = ScenePhrases.Words;
        Assert.Equal(above[..Words], below[Words..(2 * Words)]);
        Assert.Equal(above[Words..(2 * Words)], below[..Words]);
        Assert.Equal(above[(2 * Words)..], below[(2 * Words)..]);
        Assert.Equal(5 + 5 + 1, above.Sum());
        Assert.Equal(4 + 1, Marks("three large cyan triangles").Sum());
        Assert.Equal(Marks("a small red circle"), Marks("a small red circle on a black background"));
    }

    [Fact]
    public void What_is_written_is_read_again_and_what_does_not_fit_is_named()
    {
        SceneDiffusion model = Tiny(textLayers: 1);
        string directory = Path.Combine(_folder, "model"), config = Path.Combine(directory, "config.json");
        SceneDiffusionDirectory.Save(directory, model, new ModelCard { Kind = "test" });
        SceneCaption[] captions = [SceneDiffusion.ReadCaption("two small green squares")];
        Assert.Equal(model.Draw(captions, 1)[0].Samples, SceneDiffusionDirectory.Load(directory).Draw(captions, 1)[0].Samples);

        string written = File.ReadAllText(config);
        AssertRefused("\"text_layers\": 1", "\"text_layers\": 2", "norms.1.weight");
        AssertRefused("\"text_layers\": 1", "\"text_layers\": 1000", "text_layers: expected 0 to");
        AssertRefused("\"restarts\": 0", "\"restarts\": -1", "restarts: expected 0 to");
        AssertRefused("\"network\"", "\"other\"", "network: expected an object");

        void AssertRefused(string from, string to, string names)
        {
            File.WriteAllText(config, written.Replace(from, to, StringComparison.Ordinal));
            Assert.Contains(names, Assert.Throws<CratonException>(() => SceneDiffusionDirectory.Load(directory)).Message);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_picture_depends_on_its_own_seed_and_caption_alone(int restarts)
    {
        SceneDiffusion model = Tiny(textLayers: 0);
        var drawing = new DrawingSettings(Steps: 10, Guidance: 2, Restarts: restarts);
        SceneCaption[] captions = [SceneDiffusion.ReadCaption("two small green squares"), SceneDiffusion.ReadCaption("a small red circle above a large blue square")];
        var steps = new List<int>();
        IReadOnlyList<Picture> both = model.Draw(captions, 5, drawing, steps.Add);
        Assert.Equal(both[0].Samples, model.Draw([captions[0]], 5, drawing)[0].Samples);
        Assert.Equal(both[1].Samples, model.Draw([captions[1]], 6, drawing)[0].Samples);
        Assert.NotEqual(both[0].Samples, model.Draw([captions[0]], 7, drawing)[0].Samples);
        if (restarts > 0) Assert.NotEqual(both[0].Samples, model.Draw([captions[0]], 5, drawing with { Restarts = restarts - 1 })[0].Samples);
        Assert.Equal(Enumerable.Range(1, 10 + 8 * restarts), steps);
        Assert.Equal(steps.Count, drawing.Calls);
    }

    [Fact]
    public void Shares_of_attention_lie_beside_what_is_drawn_and_add_up_to_one()
    {
        SceneDiffusion model = Tiny(textLayers: 1);
        SceneCaption[] captions = [SceneDiffusion.ReadCaption("a small red circle above a large blue square"), SceneDiffusion.ReadCaption("two small green squares")];
        Picture shown = model.Attention(captions, 1), drawn = PictureGrid.Of(model.Draw(captions, 1), 1);
        Assert.Equal((4 * Scene.Side, 2 * Scene.Side), (shown.Width, shown.Height));
        for (int row = 0; row < shown.Height; row++)
        {
            ReadOnlySpan<byte> samples = shown.Samples.AsSpan(row * shown.Width * 3, shown.Width * 3);
            Assert.Equal(drawn.Samples.AsSpan(row * Scene.Side * 3, Scene.Side * 3), samples[..(Scene.Side * 3)]);
            for (int column = 0; column < Scene.Side; column++)
                Assert.InRange(Enumerable.Range(1, 3).Sum(i => (int)shown.Samples[(row * shown.Width + i * Scene.Side + column) * 3]), 253, 257);
        }
    }

    private static SceneDiffusion Tiny(int textLayers)
    {
        var config = new SceneDiffusionConfig { TextWidth = 8, TextLayers = textLayers, Network = new() { Widths = [8, 16], HeadWidth = 8 } };
        SceneDiffusion model = new SceneDiffusion(config, new(2, 2)).Initialize(1);
        foreach ((string name, Tensor tensor) in model.NamedParameters())
            if (name == "network.out.weight") new CounterRandom(2).FillNormal(tensor.AsSpan<float>());
        return model;
    }

    private static float[] Marks(string sentence)
    {
        float[] marks = new float[ScenePhrases.Count * ScenePhrases.Words];
        ScenePhrases.Mark(SceneDiffusion.ReadCaption(sentence), marks);
        return marks;
    }
}
