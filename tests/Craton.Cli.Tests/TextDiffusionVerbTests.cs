using System.Text.Json.Nodes;

namespace Craton.Cli.Tests;

/// <summary>A model that denoises, from its recipe to its texts: <c>train</c>, then <c>generate</c>.</summary>
public sealed class TextDiffusionVerbTests : IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void It_is_trained_and_writes_on_from_a_prompt_and_in_gaps()
    {
        _tool.Write("text.txt", Tiny.Text());
        _tool.Write("tiny.yaml", """
            recipe: text-diffusion
            data:
              source: text.txt
              cleaning: none
              loader: windows
              valid_fraction: 0.1
            tokenizer:
              kind: char
            model:
              depth: 1
              width: 32
              heads: 2
              context: 64
            train:
              steps: 2
              batch: 2
            measured_rows: 4
            """);
        JsonObject trained = _tool.Run("train", "tiny.yaml", "--json").Json;
        string model = (string)trained["model_dir"]!;
        Assert.InRange((double)trained["bound_nats"]!, 2, 5);

        JsonObject gap = _tool.Run("generate", "-m", model, "the cat ", "--suffix", " red house", "--max-tokens", "5", "--steps", "2", "--temperature", "0.7", "--seed", "3", "--json").Json;
        Assert.Equal((5, 8, 10), (gap["tokens"]!.AsArray().Count, gap["prompt_tokens"]!.AsArray().Count, gap["suffix_tokens"]!.AsArray().Count));
        string whole = _tool.Run("generate", "-m", model, "the cat ", "--suffix", " red house", "--max-tokens", "5", "--steps", "2", "--temperature", "0.7", "--seed", "3", "--echo").Output;
        Assert.Equal($"the cat {gap["text"]} red house", whole.TrimEnd('\n'));
        Assert.Equal(64, _tool.Run("generate", "-m", model, "--order", "confidence", "--json").Json["tokens"]!.AsArray().Count);

        Bad.Expect(_tool.Run("generate", "-m", model, "a", "--top-k", "3"), "--top-k was given", "this one denoises");
        Bad.Expect(_tool.Run("generate", "-m", model, "a", "--steps", "0"), "--steps: expected 1 or more, got 0");
        Bad.Expect(_tool.Run("generate", "-m", model, "a", "--temperature", "-1"), "--temperature: expected 0 to 100, got -1");
        Bad.Expect(_tool.Run("generate", "-m", model, "a", "--max-tokens", "64"), "expected 1 to 63 new tokens", "got 64");
    }
}
