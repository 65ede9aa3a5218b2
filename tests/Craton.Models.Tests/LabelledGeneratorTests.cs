using System.Text.Json;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Models.Generative;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>Models that draw by labels: their pictures, their directories, and damaged settings.</summary>
public sealed class LabelledGeneratorTests : IDisposable
{
    private const int Mutations = 100_000;
    private static readonly LabelledShape s_shape = new(1, 8, 8, 3);
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-labelled-").FullName;

    public static TheoryData<string> Kinds => ["gan", "diffusion", "renewing diffusion", "restarting diffusion", "vae"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_picture_depends_on_its_label_seed_and_number_alone(string kind)
    {
        LabelledGenerator model = Model(kind);
        using var scope = TensorScope.Open("test");
        float[] together = model.Draw([0, 1, 2, 0], 5).ToArray<float>(), second = model.Draw([1], 5, first: 1).ToArray<float>();
        Assert.Equal(together[64..128], second);
        Assert.NotEqual(together[..64], together[192..]);
        Assert.NotEqual(second, model.Draw([2], 5, first: 1).ToArray<float>());
        Assert.All(together, value => Assert.InRange(value, 0, 1));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_is_saved_is_read_and_draws_the_same(string kind)
    {
        string path = Saved(kind);
        using var scope = TensorScope.Open("test");
        Assert.Equal(Model(kind).Draw([2, 1], 9).ToArray<float>(), LabelledDrawing.Load(path).Draw([2, 1], 9).ToArray<float>());
        Assert.True(LabelledDrawing.Holds(path));
    }

    [Theory]
    [InlineData("3")]
    [InlineData("-1")]
    [InlineData("seven")]
    [InlineData("")]
    public void A_caption_that_is_no_label_is_named(string caption)
    {
        LabelledGenerator model = Model("gan");
        Assert.Equal(2, LabelledDrawing.Label(model, " 2"));
        Assert.Contains("from 0 to 2", Assert.Throws<CratonException>(() => LabelledDrawing.Label(model, caption)).Message);
    }

    [Fact]
    public void A_model_without_labels_wants_no_caption()
    {
        var model = new Vae(new(s_shape with { Labels = 0 }, [4], 2));
        Assert.Equal(0, LabelledDrawing.Label(model, null));
        Assert.Contains("leave the caption out", Assert.Throws<CratonException>(() => LabelledDrawing.Label(model, "3")).Message);
    }

    [Fact]
    public void Folders_of_other_kinds_are_named()
    {
        Assert.False(LabelledDrawing.Holds(_folder));
        Assert.Contains("config.json", Assert.ThrowsAny<CratonException>(() => LabelledDrawing.Load(_folder)).Message);
        File.WriteAllText(Path.Combine(_folder, "config.json"), """{"model_type":"llama"}""");
        Assert.Contains("another kind", Assert.Throws<CratonException>(() => LabelledDrawing.Load(_folder)).Message);
    }

    [Fact]
    public void Guidance_of_one_is_the_answer_itself()
    {
        var model = (LabelDiffusion)Model("diffusion");
        using var scope = TensorScope.Open("test");
        Tensor noise = model.Noise(2, 3);
        float[] alone = model.Draw([0, 2], noise, new(4, 1)).ToArray<float>(), guided = model.Draw([0, 2], noise, new(4, 1 + 1e-9)).ToArray<float>();
        for (int i = 0; i < alone.Length; i++) Assert.Equal(alone[i], guided[i], 1e-4f);
        Assert.NotEqual(alone, model.Draw([0, 2], noise, new(4, 3)).ToArray<float>());
    }

    [Fact]
    public void Restarts_go_on_from_a_share_of_the_steps()
    {
        var model = (LabelDiffusion)Model("restarting diffusion");
        using var scope = TensorScope.Open("test");
        Tensor noise = model.Noise(2, 3);
        var calls = new List<int>();
        float[] drawn = model.Draw([0, 2], noise, model.Drawing, (call, _) => calls.Add(call)).ToArray<float>();
        Assert.Equal(4 + 2 * 2, model.Drawing.Calls);
        Assert.Equal(Enumerable.Range(0, model.Drawing.Calls), calls);
        Assert.NotEqual(drawn, model.Draw([0, 2], noise, model.Drawing with { Restarts = 1 }).ToArray<float>());
        Assert.NotEqual(drawn, model.Draw([0, 2], noise, model.Drawing with { RestartFrom = 0.25 }).ToArray<float>());
    }

    [Fact]
    public void New_noise_in_every_step_makes_other_pictures()
    {
        using var scope = TensorScope.Open("test");
        Assert.NotEqual(Model("diffusion").Draw([0, 2], 3).ToArray<float>(), Model("renewing diffusion").Draw([0, 2], 3).ToArray<float>());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Damaged_settings_give_typed_errors(string kind)
    {
        byte[] settings = File.ReadAllBytes(Path.Combine(Saved(kind), "config.json"));
        var random = new Random(7);
        int read = 0;
        for (int i = 0; i < Mutations / 2; i++)
        {
            byte[] bytes = [.. settings];
            for (int k = random.Next(1, 4); k > 0; k--) bytes[random.Next(bytes.Length)] = (byte)" 0123456789.-e\"tf,:{}[]"[random.Next(23)];
            try
            {
                var reader = new ConfigReader("settings", JsonElement.Parse(bytes));
                _ = kind switch { "gan" => (Module)GanDirectory.Create(reader), "vae" => VaeDirectory.Create(reader), _ => LabelDiffusionDirectory.Create(reader) };
                read++;
            }
            catch (Exception e) when (e is CratonException or JsonException)
            {
            }
        }
        Assert.True(read > Mutations / 100, $"only {read} of {Mutations / 2} were read");
    }

    private string Saved(string kind)
    {
        string path = Path.Combine(_folder, kind);
        var card = new ModelCard { Kind = kind };
        switch (Model(kind))
        {
            case GanGenerator gan: GanDirectory.Save(path, gan, card); break;
            case Vae vae: VaeDirectory.Save(path, vae, card); break;
            case LabelDiffusion diffusion: LabelDiffusionDirectory.Save(path, diffusion, card); break;
        }
        return path;
    }

    private static LabelledGenerator Model(string kind)
    {
        LabelledGenerator model = kind switch
        {
            "gan" => new GanGenerator(new(s_shape, 6, [8, 16], 4)),
            "vae" => new Vae(new(s_shape, [12, 16], 5)),
            _ => new LabelDiffusion(s_shape, new() { Widths = [8, 8], HeadWidth = 8, Groups = 4, Condition = 6 }, DiffusionProcess.Create("linear", Prediction.Velocity, renews: kind == "renewing diffusion"), kind == "restarting diffusion" ? new(4, 2, 2, 0.5) : new(4, 2)),
        };
        uint place = 0;
        foreach ((_, Tensor weight) in model.NamedParameters()) new CounterRandom(7, place++).FillNormal(weight.AsSpan<float>(), 0, 0.3f);
        return model;
    }
}
