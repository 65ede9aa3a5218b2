using System.Text.Json.Nodes;
using Craton.Cli.Tests.Docs;
using Craton.Data.Images;
using Craton.Models;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Models.Generative;
using Craton.Tensors;

namespace Craton.Cli.Tests;

/// <summary><c>craton imagine</c>.</summary>
public sealed class ImagineTests : IDisposable
{
    private static readonly string s_pipelines = Path.Combine(Repository.Root, "tests", "fixtures", "diffusion", "pipelines");
    private static readonly string s_captioned = Path.Combine(s_pipelines, "tiny_sd"), s_unconditional = Path.Combine(s_pipelines, "tiny_ddpm");
    private static readonly string[] s_quick = ["--steps", "2", "--json"];

    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void APictureOfABatchIsTheSameAlone()
    {
        JsonArray pictures = _tool.Run(["imagine", "-m", s_captioned, "a red fox", "--negative", "snow", "--seed", "7", "--count", "2", "-o", _tool.At("out.png"), .. s_quick]).Json["images"]!.AsArray();
        Assert.Equal([_tool.At("out-1.png"), _tool.At("out-2.png")], pictures.Select(p => (string)p!["image"]!));
        _ = _tool.Run(["imagine", "-m", s_captioned, "a red fox", "--negative", "snow", "--seed", "8", "-o", _tool.At("alone.png"), .. s_quick]).Json;
        Picture second = Read("out-2.png"), alone = Read("alone.png");
        Assert.Equal((16, 16), (second.Width, second.Height));
        Assert.Equal(second.Samples, alone.Samples);
        Assert.NotEqual(second.Samples, Read("out-1.png").Samples);
    }

    [Fact]
    public void WhatIsOutsideTheMaskStaysNearTheImage()
    {
        byte[] noise = new byte[16 * 16 * 3], mask = new byte[16 * 16];
        new Random(3).NextBytes(noise);
        mask.AsSpan(0, 8 * 16).Fill(255); // the upper half is painted anew
        PngWriter.WriteFile(_tool.At("image.png"), new Picture(16, 16, 3, noise));
        PngWriter.WriteFile(_tool.At("mask.png"), new Picture(16, 16, 1, mask));
        string[] image = ["imagine", "-m", s_captioned, "a boat", "--image", _tool.At("image.png"), .. s_quick];
        Assert.Equal(0, _tool.Run([.. image, "--strength", "0.5", "-o", _tool.At("near.png")]).ExitCode);
        Assert.Equal(0, _tool.Run([.. image, "--mask", _tool.At("mask.png"), "-o", _tool.At("painted.png"), "--size", "24x16"]).ExitCode);
        Assert.Equal(24, Read("painted.png").Width);
    }

    [Fact]
    public void ANetworkWithoutTextsPaintsOutOfNoise()
    {
        _ = _tool.Run(["imagine", "-m", s_unconditional, "-o", _tool.At("deep/noise.png"), .. s_quick]).Json;
        Assert.Equal(8, Read("deep/noise.png").Width);
        Fails("out of noise alone", "-m", s_unconditional, "a fox", "-o", _tool.At("x.png"));
        Fails("--clip: expected a model of the recipe dalle", "-m", s_unconditional, "--clip", s_captioned, "-o", _tool.At("x.png"));
    }

    [Fact]
    public void AModelOfScenesKnowsTheWordsOfTheirCaptionsOnly()
    {
        string scenes = _tool.At("scenes"), picture = _tool.At("scene.png");
        var config = new SceneDiffusionConfig { TextWidth = 8, Network = new() { Widths = [8, 16], HeadWidth = 8 } };
        SceneDiffusionDirectory.Save(scenes, new SceneDiffusion(config, new(2, 2)).Initialize(1), new ModelCard { Kind = "text-to-image" });
        _ = _tool.Run(["imagine", "-m", scenes, "a small red circle above a large blue square", "--seed", "4", "-o", picture, .. s_quick]).Json;
        Assert.Equal(32, Read("scene.png").Width);
        Fails("expected small or large as word 2, got 'tiny'", "-m", scenes, "a tiny red circle", "-o", picture);
        Fails("expected a caption", "-m", scenes, "-o", picture);
        Fails("--samples: expected 1 to", "-m", scenes, "a small red circle", "--samples", "0", "-o", picture);
        Fails("--samples: expected a model of the recipe dalle", "-m", scenes, "a small red circle", "--samples", "3", "-o", picture);
        Fails("--negative: this model draws scenes by captions alone", "-m", scenes, "a small red circle", "--negative", "snow", "-o", picture);
    }

    [Fact]
    public void ALabelIsPaintedOutOfItsSeed()
    {
        var gan = new GanGenerator(new(new(1, 8, 8, 3), 6, [8, 16], 4)).Initialize(1);
        GanDirectory.Save(_tool.At("gan"), gan, new ModelCard { Kind = "gan" });
        _ = _tool.Run(["imagine", "-m", _tool.At("gan"), "2", "--seed", "5", "-o", _tool.At("two.png"), "--json"]).Json;
        using var scope = TensorScope.Open("test");
        Assert.Equal(PictureGrid.Of(gan.Draw([2], 5).AsSpan<float>(), 8, 8, 1, columns: 1).Samples, Read("two.png").Samples);
        Fails("from 0 to 2", "-m", _tool.At("gan"), "a fox", "-o", _tool.At("x.png"));
        Fails("--samples: expected a model of the recipe dalle", "-m", _tool.At("gan"), "2", "--samples", "3", "-o", _tool.At("x.png"));
        Fails("one step", "-m", _tool.At("gan"), "2", "--steps", "3", "-o", _tool.At("x.png"));

        LabelDiffusion diffusion = new LabelDiffusion(
            new(1, 8, 8, 3), new() { Widths = [8, 8], HeadWidth = 8, Condition = 6 }, DiffusionProcess.Create("linear", Prediction.Velocity), new(4, 2)).Initialize(1);
        LabelDiffusionDirectory.Save(_tool.At("diffusion"), diffusion, new ModelCard { Kind = "diffusion" });
        _ = _tool.Run(["imagine", "-m", _tool.At("diffusion"), "1", "--guidance", "3", "-o", _tool.At("one.png"), .. s_quick]).Json;
        Assert.Equal(PictureGrid.Of(diffusion.Draw([1], diffusion.Noise(1, 0), new(2, 3)).AsSpan<float>(), 8, 8, 1, columns: 1).Samples, Read("one.png").Samples);
    }

    [Fact]
    public void WhatIsMissingIsSaidInOneSentence()
    {
        Fails("expected a caption", "-m", s_captioned, "-o", _tool.At("x.png"));
        Fails("ends in .png", "-m", s_captioned, "a fox", "-o", _tool.At("x.jpg"));
        Fails("--mask was given without --image", "-m", s_captioned, "a fox", "--mask", "m.png", "-o", _tool.At("x.png"));
        Fails("--size: expected", "-m", s_captioned, "a fox", "--size", "16", "-o", _tool.At("x.png"));
        Fails("multiples of 2", "-m", s_captioned, "a fox", "--size", "15x16", "-o", _tool.At("x.png"));
        Fails("steps: expected 1", "-m", s_captioned, "a fox", "--steps", "0", "-o", _tool.At("x.png"));
        Fails("holds no model that paints", "-m", s_pipelines, "a fox", "-o", _tool.At("x.png"));
    }

    private void Fails(string sentence, params string[] args)
    {
        ToolResult result = _tool.Run(["imagine", .. args]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(sentence, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.Trim().Split('\n'));
    }

    private Picture Read(string name) => PngReader.ReadFile(_tool.At(name)).ToPicture();
}
