using Craton.Models;
using Craton.Tensors;

namespace Craton.Cli.Bench;

/// <summary>A training configuration that speeds are compared on: GPT-2 shapes, one fixed batch, a whole step with AdamW.</summary>
internal sealed record BenchConfiguration(string Name, Gpt2Config Model, int Batch, int Length)
{
    public static IReadOnlyList<BenchConfiguration> All { get; } =
    [
        new("tiny", new Gpt2Config(4096, 128, 128, 4, 4), 32, 128),
        new("small", new Gpt2Config(8192, 256, 384, 6, 6), 16, 256),
        new("124m", Gpt2Config.Small124M, 4, 256),
    ];

    /// <summary>The configuration of a name; the others are named in the error only.</summary>
    public static BenchConfiguration Named(string name, params string[] others) =>
        All.FirstOrDefault(c => c.Name == name) ?? throw new CratonException($"configuration '{name}' is unknown; expected {string.Join(", ", [.. All.Select(c => c.Name), .. others])}");

    public int Tokens => Batch * Length;

    /// <summary>Weights, biases and embeddings of the GPT-2 architecture.</summary>
    public long Parameters
    {
        get
        {
            long width = Model.HiddenSize;
            return (Model.VocabSize + Model.MaxPositionEmbeddings) * width + Model.NumHiddenLayers * (12 * width * width + 13 * width) + 2 * width;
        }
    }

    /// <summary>6 · (parameters − position embeddings) · B · T + 12 · L · D · T · B · T: forward and backward.</summary>
    public double FlopPerStep => 6 * (Parameters - (double)Model.MaxPositionEmbeddings * Model.HiddenSize) * Tokens + 12.0 * Model.NumHiddenLayers * Model.HiddenSize * Length * Tokens;
}
