using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models;

/// <summary>Where a model comes from: <c>craton.json</c>.</summary>
public sealed record ModelCard
{
    /// <summary>How it was made: <c>pretrain</c>, <c>continue</c>, <c>sft</c>, ….</summary>
    public required string Kind { get; init; }

    /// <summary>The model it was made from, or null.</summary>
    public string? BaseModel { get; init; }

    /// <summary>The resolved recipe, or null.</summary>
    public string? Recipe { get; init; }

    /// <summary>Hashes of what went in: data, tokenizer, base weights, recipe.</summary>
    public IReadOnlyDictionary<string, string> Hashes { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What was measured at the end.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new SortedDictionary<string, double>(StringComparer.Ordinal);

    /// <summary>Licence of the weights, or null.</summary>
    public string? License { get; init; }
}

/// <summary>
/// A model on disk, in the layout of Hugging Face: <c>config.json</c>, <c>model.safetensors</c>, <c>generation_config.json</c>, the
/// tokenizer's files, and <c>craton.json</c> with the lineage.
/// </summary>
public static class ModelDirectory
{
    private const string Weights = "model.safetensors", Config = "config.json", Card = "craton.json";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a model; the directory appears complete or not at all and replaces the previous one.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer, or null.</param>
    /// <param name="card">Its lineage.</param>
    public static void Save(string directory, Gpt model, Tokenizer? tokenizer, ModelCard card)
    {
        string full = Path.GetFullPath(directory);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        using var folder = new DurableDirectory(full);
        TensorSource[] tensors = [.. model.NamedParameters().Select(p => TensorFiles.Source(p.Name, p.Tensor))];
        folder.Write(Weights, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        Text(folder, Config, model.Config.ToJson());
        Text(folder, "generation_config.json", new JsonObject { ["bos_token_id"] = model.Config.BosTokenId, ["eos_token_id"] = model.Config.EosTokenId, ["do_sample"] = true });
        if (tokenizer is not null) CopyTokenizer(folder, tokenizer);
        Text(folder, Card, ToJson(card, HashWeights(model)));
        folder.Commit();
    }

    /// <summary>Reads a model's weights and shape.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static Gpt LoadModel(string directory)
    {
        GptConfig config = GptConfig.Load(Path.Combine(directory, Config));
        using SafetensorsModel weights = SafetensorsModel.Open(directory);
        var model = new Gpt(config);
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, Tensor tensor) in model.NamedParameters())
        {
            expected.Add(name);
            SafetensorsFile file = weights.FileOf(name)
                ?? throw new CratonException($"{directory}: tensor '{name}' is missing, which config.json asks for; the weights belong to another configuration");
            file.ReadInto(name, tensor);
        }
        foreach (string name in weights.Names)
            if (!expected.Contains(name) && !IsIgnored(name, config))
                throw new CratonException($"{directory}: tensor '{name}' is not part of the model that config.json describes; the weights belong to another configuration");
        return model;
    }

    /// <summary>SHA-256 over names, shapes and bytes of all weights: equal for equal models.</summary>
    public static string HashWeights(Module model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[4];
        foreach ((string name, Tensor tensor) in model.NamedParameters())
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            foreach (int size in tensor.Shape)
            {
                BinaryPrimitives.WriteInt32LittleEndian(number, size);
                hash.AppendData(number);
            }
            for (long at = 0; at < tensor.ByteCount; at += 1 << 20) hash.AppendData(tensor.AsBytes(at, (int)Math.Min(1 << 20, tensor.ByteCount - at)));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // Buffers that some checkpoints carry, and the output projection of tied ones.
    private static bool IsIgnored(string name, GptConfig config) =>
        name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal) || (config.TieWordEmbeddings && name == "lm_head.weight");

    private static void CopyTokenizer(DurableDirectory folder, Tokenizer tokenizer)
    {
        string temporary = Directory.CreateTempSubdirectory("craton-tokenizer-").FullName;
        try
        {
            tokenizer.Save(temporary);
            foreach (string file in Directory.EnumerateFiles(temporary).Order(StringComparer.Ordinal))
            {
                byte[] content = File.ReadAllBytes(file);
                folder.Write(Path.GetFileName(file), stream => stream.Write(content));
            }
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
        }
    }

    private static void Text(DurableDirectory folder, string name, JsonObject content)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(content.ToJsonString(Indented) + "\n");
        folder.Write(name, stream => stream.Write(bytes));
    }

    private static JsonObject ToJson(ModelCard card, string weights)
    {
        var hashes = new JsonObject { ["weights"] = weights };
        foreach ((string name, string hash) in card.Hashes) hashes[name] = hash;
        var metrics = new JsonObject();
        foreach ((string name, double value) in card.Metrics)
            if (double.IsFinite(value)) metrics[name] = value;
        return new JsonObject
        {
            ["format"] = "craton-model",
            ["version"] = 1,
            ["kind"] = card.Kind,
            ["base_model"] = card.BaseModel,
            ["sha256"] = hashes,
            ["metrics"] = metrics,
            ["license"] = card.License,
            ["recipe"] = card.Recipe,
        };
    }
}

/// <summary>A language model with its tokenizer and, when it was tuned to converse, its chat template.</summary>
/// <param name="Model">The model.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
/// <param name="Template">Its chat template, or null.</param>
public sealed record TextModel(Gpt Model, Tokenizer Tokenizer, ChatTemplate? Template)
{
    /// <summary>Reads a model directory.</summary>
    /// <exception cref="CratonException">It is no model directory, or something in it is damaged.</exception>
    public static TextModel Load(string directory)
    {
        if (!File.Exists(Path.Combine(directory, "config.json")))
            throw new CratonException($"'{directory}' is no model directory: it has no config.json; give the folder that 'craton train' or 'craton quickstart' printed as model_dir");
        Gpt model = ModelDirectory.LoadModel(directory);
        Tokenizer tokenizer = Tokenizer.Load(directory);
        if (tokenizer.VocabularySize > model.Config.VocabSize)
            throw new CratonException($"{directory}: the tokenizer has {tokenizer.VocabularySize} ids, but the model only {model.Config.VocabSize}; they do not belong together");
        return new TextModel(model, tokenizer, tokenizer.ChatTemplate is { } source ? ChatTemplate.Parse(source, tokenizer) : null);
    }
}
