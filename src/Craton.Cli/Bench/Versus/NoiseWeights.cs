using System.Text.Json.Nodes;
using Craton.Models;
using Craton.Models.Gguf;
using Craton.Tensors;

namespace Craton.Cli.Bench.Versus;

/// <summary>Weights of a shape that nobody trained, made tensor by tensor as they are read: normal numbers, ones for norms.</summary>
/// <param name="folder">A folder, with a tokenizer or without one.</param>
/// <param name="model">The shape.</param>
internal sealed class NoiseWeights(string folder, GptConfig model) : ModelWeights
{
    private const int Letters = 32;

    /// <summary>Writes a <c>tokenizer.json</c> in which every token is three letters of 32, for servers, which answer with text.</summary>
    public static void WriteTokenizer(string folder, int size)
    {
        static char Letter(int i) => (char)('A' + i % Letters);
        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(),
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = new JsonObject(Enumerable.Range(0, size).Select(i => KeyValuePair.Create($"{Letter(i / Letters / Letters)}{Letter(i / Letters)}{Letter(i)}", (JsonNode?)i))),
                ["merges"] = new JsonArray(),
            },
        };
        File.WriteAllText(System.IO.Path.Combine(folder, "tokenizer.json"), root.ToJsonString());
    }

    public override string Path => folder;

    public override JsonObject Config { get; } = JsonNode.Parse(model.ToJson().ToJsonString())!.AsObject(); // numbers as a file has them

    public override IReadOnlyList<(string Name, IReadOnlyList<long> Shape)> Tensors { get; } =
        [.. new Gpt(model).NamedParameters().Select(p => (p.Name, (IReadOnlyList<long>)Array.ConvertAll(p.Tensor.Shape.ToArray(), size => (long)size)))];

    public override void Read(string name, Span<float> values)
    {
        if (name.EndsWith("norm.weight", StringComparison.Ordinal))
        {
            values.Fill(1);
            return;
        }
        new CounterRandom(1).FillNormal(values);
        foreach (ref float value in values) value *= (float)model.InitializerRange;
    }

    public override bool HasSixteenBits(string name) => false;

    protected override void Dispose(bool disposing)
    {
        // No files are open.
    }
}
