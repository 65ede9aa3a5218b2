using System.Globalization;
using System.Text.Json.Nodes;

namespace Craton.Cli.Tests;

/// <summary>Models of pictures from a recipe to their words: <c>train</c>, then <c>caption</c>, <c>ask-image</c>, <c>classify</c> and <c>search-images</c>.</summary>
public sealed class PictureRecipeVerbTests : IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void TrainedModelsSpeakAboutPictures()
    {
        string scenes = Path.Combine(_tool.Folder, "scenes"), lines = Path.Combine(scenes, "scenes.jsonl"), picture = Path.Combine(scenes, "images", "0000000.png");
        Assert.Equal(0, _tool.Run("data", "scenes", "--count", "40", "--side", "16", "--out", scenes).ExitCode);
        string captioner = Train("caption", $"captions: {lines}\n  test_fraction: 0.3"), clip = Train("clip", $"captions: {lines}\n  test_fraction: 0.3");
        string answerer = Train("vqa", $"train_questions: {lines}\n  test_questions: {lines}");

        // After two steps a caption may be empty.
        Assert.Equal(picture, (string)_tool.Run("caption", "-m", captioner, picture, "--json").Json["captions"]![0]!["image"]!);
        Assert.Contains("--beams", _tool.Run("caption", "-m", captioner, picture, "--beams", "2").Error, StringComparison.Ordinal);
        Assert.NotEmpty((string)_tool.Run("ask-image", "-m", answerer, picture, "what colour is the background?", "--json").Json["answers"]![0]!["answer"]!);
        Assert.Contains("--max-tokens", _tool.Run("ask-image", "-m", answerer, picture, "why?", "--max-tokens", "2").Error, StringComparison.Ordinal);
        JsonArray labels = _tool.Run("classify", "-m", clip, picture, "--labels", "a circle, a square", "--json").Json["images"]![0]!["labels"]!.AsArray();
        Assert.Equal(1, labels.Sum(label => (double)label!["probability"]!), 4);
        Assert.Equal(3, _tool.Run("search-images", "-m", clip, scenes, "a red circle", "--most", "3", "--json").Json["images"]!.AsArray().Count);
        Assert.Contains("no words for images", _tool.Run("caption", "-m", clip, picture).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ATrainedModelOfClipsDescribesFoldersOfFramesAndVideos()
    {
        Assert.Equal(0, _tool.Run("data", "clips", "--count", "40", "--frames", "3", "--side", "16", "--out", "clips").ExitCode);
        string model = Train("caption", $"captions: {_tool.At("clips/clips.jsonl")}\n  test_fraction: 0.3\nframes: 3"), clip = _tool.At("clips/clips/0000000");
        JsonNode said = Assert.Single(_tool.Run("caption", "-m", model, clip, "--json").Json["captions"]!.AsArray())!;
        Assert.Equal(clip, (string)said["image"]!);
        Bad.Expect(_tool.Run("caption", "-m", model, Path.Combine(clip, "00.png")), "expected a folder of pictures that are frames");
        Bad.Expect(_tool.Run("caption", "-m", model, "clips"), "2 or more");
        File.WriteAllBytes(_tool.At("video.mp4"), [0, 0, 0, 32, .. "ftypisom"u8]);
        Directory.CreateDirectory(_tool.At("bin"));
        Bad.Expect(_tool.RunIn([("PATH", _tool.At("bin"))], "caption", "-m", model, "video.mp4"), "is a video (MP4), which is read through ffmpeg, and there is none on the PATH");
        if (OperatingSystem.IsWindows()) return; // a script is no program there
        File.WriteAllBytes(_tool.At("frames"), new byte[3 * 3 * 16 * 16]);
        File.SetUnixFileMode(_tool.Write("bin/ffmpeg", $"#!/bin/sh\n/bin/cat '{_tool.At("frames")}'\n"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Equal(0, _tool.RunIn([("PATH", _tool.At("bin"))], "caption", "-m", model, "video.mp4").ExitCode);
    }

    [Fact]
    public void AProfileOfATrainingNamesItsOperationsAndParts()
    {
        string recipe = _tool.Write("vae.yaml", "recipe: spatial-vae\nname: vae\nmodel:\n  width: 8\ntrain:\n  steps: 40\n  batch: 4\n");
        ToolResult result = _tool.Run("train", recipe, "--runs", _tool.At("runs"), "--profile", "--json");
        JsonArray ops = result.Json["ops"]!.AsArray();
        Assert.Contains(ops, op => (string?)op!["op"] == "conv2d 3→4 4×4 to 16×16" && (string?)op["pass"] == "backward" && (double)op["gflops"]! > 0);
        foreach ((string pass, string name) in ((string, string)[])[("data", "scenes"), ("update", "gradient_norm"), ("update", "average")])
            Assert.Contains(ops, op => (string?)op!["op"] == name && (string?)op["pass"] == pass && (double)op["calls"]! > 0.9);
        Assert.InRange(ops.Sum(op => (double)op!["share"]!), 0.1, 1.01);
        Assert.DoesNotContain(ops, op => (string?)op!["pass"] == "aside");
    }

    private string Train(string kind, string data)
    {
        string recipe = Path.Combine(_tool.Folder, kind + ".yaml");
        File.WriteAllText(recipe, string.Create(CultureInfo.InvariantCulture, $"recipe: {kind}\nname: {kind}\ndata:\n  {data}\nimage:\n  widths: [4, 8]\ntrain:\n  steps: 2\n  batch: 8\n"));
        return (string)_tool.Run("train", recipe, "--runs", Path.Combine(_tool.Folder, "runs"), "--json").Json["model_dir"]!;
    }
}
