using System.Text.Json.Nodes;
using Craton.Cli.Tests.Docs;

namespace Craton.Cli.Tests;

/// <summary><c>craton classify</c> and <c>craton search-images</c>.</summary>
public sealed class ClassifyTests : IDisposable
{
    private static readonly string s_vision = Path.Combine(Repository.Root, "tests", "fixtures", "encoders", "vision");
    private static readonly string s_model = Path.Combine(s_vision, "vit-classification"), s_picture = Path.Combine(s_vision, "pictures", "rgb_odd.png");

    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void PicturesGetTheClassesOfTheModel()
    {
        JsonArray images = _tool.Run("classify", "-m", s_model, s_picture, s_picture, "--json").Json["images"]!.AsArray();
        Assert.Equal(2, images.Count);
        double[] shares = [.. images[0]!["labels"]!.AsArray().Select(label => (double)label!["probability"]!)];
        Assert.Equal(5, shares.Length);
        Assert.Equal(1, shares.Sum(), 5);
        Assert.Equal(shares.OrderDescending(), shares);
    }

    [Fact]
    public void WhatIsMissingIsSaidInOneSentence()
    {
        Assert.Contains("classes of its own", _tool.Run("classify", "-m", s_model, s_picture, "--labels", "a, b").Error, StringComparison.Ordinal);
        Assert.Equal(2, _tool.Run("classify", "-m", s_model, Path.Combine(s_model, "config.json")).ExitCode);
        Assert.Equal(2, _tool.Run("search-images", "-m", s_model, s_vision, "a cat").ExitCode);
    }
}
