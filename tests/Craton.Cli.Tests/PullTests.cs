using Craton.Tests.Hub;

namespace Craton.Cli.Tests;

/// <summary><c>craton pull</c> from a Hub on loopback.</summary>
public sealed class PullTests(TrainedModel trained) : IClassFixture<TrainedModel>
{
    [Fact]
    public void A_pulled_model_is_used_by_its_name()
    {
        using var tool = new Tool();
        using var hub = new FakeHub();
        string model = trained.Tool.At(trained.Model);
        foreach (string file in Directory.GetFiles(model)) hub.Put(Path.GetFileName(file), File.ReadAllBytes(file), file.EndsWith(".safetensors", StringComparison.Ordinal));
        hub.Announce();
        (string, string)[] environment = [("HF_ENDPOINT", hub.Endpoint), ("CRATON_CACHE", tool.At("cache")), ("HF_TOKEN", "")];
        string place = (string)tool.RunIn(environment, "pull", "someone/tiny", "--json").Json["model"]!;
        Assert.Equal(tool.At("cache/models/someone/tiny"), place);
        string[] generate = ["generate", "the", "--max-tokens", "5", "--temperature", "0", "--json"];
        string expected = tool.Run([.. generate, "-m", model]).Output, byName = tool.RunIn(environment, [.. generate, "-m", "someone/tiny"]).Output;
        Assert.Equal(expected, byName);
        hub.Dispose();
        Assert.Equal(place, (string)tool.RunIn(environment, "pull", "someone/tiny", "--offline", "--json").Json["model"]!);
        ToolResult result = tool.RunIn(environment, "pull", "someone/other", "--offline");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("is not on this machine", result.Error, StringComparison.Ordinal);
        result = tool.RunIn(environment, "pull", "no-name");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("expected owner/name", result.Error, StringComparison.Ordinal);
    }
}
