using System.Text.Json.Nodes;

namespace Craton.Cli.Tests;

/// <summary><c>craton data scenes</c>, <c>craton data clips</c> and <c>craton data check-scene</c>.</summary>
public sealed class SceneVerbTests : IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void Scenes_are_written_with_their_truth_and_checked_part_by_part()
    {
        JsonObject made = _tool.Run("data", "scenes", "--count", "20", "--seed", "3", "-o", "scenes", "--json").Json;
        Assert.Equal(20, (int)made["scenes"]!);
        JsonObject[] truth = [.. File.ReadLines(_tool.At("scenes/scenes.jsonl")).Select(line => JsonNode.Parse(line)!.AsObject())];
        Assert.Equal(20, truth.Length);
        string picture = $"scenes/{truth[0]["file"]}", caption = (string)truth[0]["caption"]!;
        Assert.True((bool)_tool.Run("data", "check-scene", picture, caption, "--json").Json["holds"]!);
        string other = caption.Replace("white background", "black background", StringComparison.Ordinal);
        JsonObject check = _tool.Run("data", "check-scene", picture, other, "--json").Json;
        Assert.Equal("background", (string)Assert.Single(check["parts"]!.AsArray(), part => !(bool)part!["holds"]!)!["part"]!);
        Bad.Expect(_tool.Run("data", "check-scene", picture, "a big red circle"), "expected small or large as word 2, got 'big'");
        Bad.Expect(_tool.Run("data", "scenes", "-o", "scenes"), "exists already", "--overwrite");
        Bad.Expect(_tool.Run("data", "scenes", "--count", "0", "-o", "none"), "--count from 1");
    }

    [Fact]
    public void Clips_are_written_as_folders_of_frames_with_their_truth()
    {
        Assert.Equal(5, (int)_tool.Run("data", "clips", "--count", "5", "--frames", "4", "--seed", "3", "-o", "clips", "--json").Json["clips"]!);
        JsonObject[] truth = [.. File.ReadLines(_tool.At("clips/clips.jsonl")).Select(line => JsonNode.Parse(line)!.AsObject())];
        Assert.Equal(5, truth.Length);
        Assert.All(truth, clip =>
        {
            Assert.Equal(4, Directory.GetFiles(_tool.At($"clips/{clip["file"]}"), "*.png").Length);
            Assert.Equal(4, clip["frames"]!.AsArray().Count);
            Assert.Equal((string)clip["background"]!, ((string)clip["caption"]!).Split(' ')[^2]);
        });
        Bad.Expect(_tool.Run("data", "clips", "-o", "clips"), "exists already", "--overwrite");
        Bad.Expect(_tool.Run("data", "clips", "--count", "0", "-o", "none"), "--count from 1");
        Bad.Expect(_tool.Run("data", "clips", "--frames", "1", "-o", "none"), "2 to 64 frames, got 1");
        Bad.Expect(_tool.Run("data", "clips", "--side", "8", "-o", "small"), "16 to 512 pixels");
    }
}
