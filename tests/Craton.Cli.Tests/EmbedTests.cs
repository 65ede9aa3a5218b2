using System.Text.Json.Nodes;
using Craton.Cli.Tests.Docs;

namespace Craton.Cli.Tests;

/// <summary><c>craton embed</c>.</summary>
public sealed class EmbedTests : IDisposable
{
    private static readonly string s_model = Path.Combine(Repository.Root, "tests", "fixtures", "encoders", "text", "sentence-dense");

    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void LinesBecomeVectors()
    {
        JsonObject result = _tool.RunWith("The cat sat on the mat.\n\nrain\r\n", "embed", "-m", s_model, "--json").Json;
        JsonArray vectors = result["embeddings"]!.AsArray();
        Assert.Equal(3, vectors.Count);
        Assert.All(vectors, vector => Assert.Equal(20, vector!.AsArray().Count));
        Assert.Equal(20, (int)result["dimensions"]!);
        JsonObject other = _tool.RunWith("{\"text\": \"rain\"}\n\n", "embed", "-m", s_model, "--jsonl", "--json").Json;
        Assert.Equal(vectors[2]!.ToJsonString(), other["embeddings"]![0]!.ToJsonString());
    }

    [Fact]
    public void WhatIsNoTextIsNamedByItsLine()
    {
        ToolResult result = _tool.RunWith("{\"text\": \"rain\"}\n{\"words\": 3}\n", "embed", "-m", s_model, "--jsonl");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("line 2", result.Error, StringComparison.Ordinal);
        Assert.Equal(2, _tool.RunWith("", "embed", "-m", _tool.Folder).ExitCode);
    }
}
