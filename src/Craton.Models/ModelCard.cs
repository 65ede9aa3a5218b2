using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>Where a model comes from: <c>craton.json</c>.</summary>
public sealed record ModelCard
{
    private const string Format = "craton-model";

    /// <summary>How it was made: <c>pretrain</c>, <c>continue</c>, <c>sft</c>, ….</summary>
    public required string Kind { get; init; }

    /// <summary>The model it was made from, or null.</summary>
    public string? BaseModel { get; init; }

    /// <summary>The resolved recipe, or null.</summary>
    public string? Recipe { get; init; }

    /// <summary>
    /// SHA-256 of what went in and what came out: <c>data</c>, <c>base_model</c> (its weights), <c>recipe</c>; <c>weights</c>
    /// (<see cref="ModelDirectory.HashWeights"/>) and <c>tokenizer</c> (of <c>tokenizer.json</c>) are added when the model is saved.
    /// </summary>
    public IReadOnlyDictionary<string, string> Hashes { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>SHA-256 of every other file of the directory, as it was saved; empty where that is not known.</summary>
    public IReadOnlyDictionary<string, string> Files { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What was measured at the end.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new SortedDictionary<string, double>(StringComparer.Ordinal);

    /// <summary>Licence of the weights, or null.</summary>
    public string? License { get; init; }

    /// <summary>Version of the code that made it.</summary>
    public string? CodeVersion { get; init; } =
        typeof(ModelCard).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;

    internal JsonObject ToJson(string weights, string? tokenizer, IReadOnlyDictionary<string, string> files)
    {
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["weights"] = weights };
        if (tokenizer is not null) hashes["tokenizer"] = tokenizer;
        foreach ((string name, string hash) in Hashes) hashes.TryAdd(name, hash);
        return new JsonObject
        {
            ["format"] = Format,
            ["version"] = 1,
            ["kind"] = Kind,
            ["base_model"] = BaseModel,
            ["sha256"] = Strings(hashes),
            ["files"] = Strings(files),
            // JSON has no infinities: what could not be measured is left out.
            ["metrics"] = new JsonObject(Metrics.Where(m => double.IsFinite(m.Value)).OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value))),
            ["license"] = License,
            ["code_version"] = CodeVersion,
            ["recipe"] = Recipe,
        };
    }

    private static JsonObject Strings(IEnumerable<KeyValuePair<string, string>> map) => new(map.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value)));

    internal static ModelCard Parse(string file, JsonElement root)
    {
        try
        {
            if (root.GetProperty("format").GetString() != Format || root.GetProperty("version").GetInt32() != 1)
                throw new CratonException($"{file}: expected \"format\": \"{Format}\" and \"version\": 1; a newer version of this program may have written it");
            return new ModelCard
            {
                Kind = root.GetProperty("kind").GetString() ?? "",
                BaseModel = Text("base_model"),
                Hashes = Map(root.GetProperty("sha256")),
                Files = root.TryGetProperty("files", out JsonElement files) ? Map(files) : new(StringComparer.Ordinal),
                Metrics = new SortedDictionary<string, double>(root.GetProperty("metrics").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetDouble()), StringComparer.Ordinal),
                License = Text("license"),
                CodeVersion = Text("code_version"),
                Recipe = Text("recipe"),
            };
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new CratonException($"{file}: is not the lineage of a model ({e.Message}); restore it, or remove it to go on without", e);
        }

        static SortedDictionary<string, string> Map(JsonElement map) => new(map.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!), StringComparer.Ordinal);

        string? Text(string name) => root.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
    }
}
