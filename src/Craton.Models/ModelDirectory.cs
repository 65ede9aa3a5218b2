using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Craton.Models.Generation;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models;

/// <summary>
/// A model on disk, in the layout of Hugging Face: <c>config.json</c>, <c>model.safetensors</c>, <c>generation_config.json</c>, the
/// tokenizer's files, and <c>craton.json</c> with the lineage.
/// </summary>
public static class ModelDirectory
{
    private const string Config = "config.json", Card = "craton.json";

    /// <summary>Writes a model, its weights in F32; the directory appears complete or not at all and replaces the model that was there.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer, or null.</param>
    /// <param name="card">Its lineage.</param>
    /// <exception cref="CratonException">The directory exists and holds something else than a model.</exception>
    public static void Save(string directory, Gpt model, Tokenizer? tokenizer, ModelCard card)
    {
        if (Directory.Exists(directory) && !File.Exists(Path.Combine(directory, Config)) && Directory.EnumerateFileSystemEntries(directory).Any())
            throw new CratonException($"'{directory}' holds files but no model, and saving would replace them; give a new or empty folder");
        using var folder = new DurableDirectory(directory);
        TensorSource[] tensors = [.. model.NamedParameters().Select(p => TensorFiles.Source(p.Name, p.Tensor))];
        folder.Write(SafetensorsModel.FileName, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        JsonFile.Write(folder, Config, model.Config.ToJson());
        int? endOfTurn = tokenizer?.ChatTemplate is { } source ? ChatTemplate.TryParse(source, tokenizer)?.EndOfTurn : null;
        JsonFile.Write(folder, GenerationConfig.FileName, GenerationConfig.ToJson(model.Config, endOfTurn));
        if (tokenizer is not null) CopyTokenizer(folder, tokenizer);
        SortedDictionary<string, string> files = HashFiles(folder.Staging);
        JsonFile.Write(folder, Card, card.ToJson(HashWeights(model), files.GetValueOrDefault("tokenizer.json"), files));
        folder.Commit();
    }

    /// <summary>Reads a model's weights and shape; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static Gpt LoadModel(string directory)
    {
        string folder = Find(directory);
        GptConfig config = GptConfig.Load(Path.Combine(folder, Config));
        using SafetensorsModel weights = SafetensorsModel.Open(folder);
        CheckSizes(directory, config, weights);
        var model = new Gpt(config);
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, Tensor tensor) in model.NamedParameters())
        {
            expected.Add(name);
            FileOf(directory, weights, name).ReadInto(name, tensor);
        }
        foreach (string name in weights.Names)
        {
            if (!expected.Contains(name) && !IsIgnored(name, config))
                throw new CratonException($"{directory}: tensor '{name}' is not part of the model that config.json describes; the weights belong to another configuration");
        }
        return model;
    }

    /// <summary>Reads a model's tokenizer. For a model without one it stands in what takes ids and refuses text.</summary>
    /// <exception cref="CratonException">It is damaged or of an unsupported kind.</exception>
    public static Tokenizer LoadTokenizer(string directory)
    {
        string folder = Find(directory);
        try
        {
            return MissingTokenizer.In(folder) ? new MissingTokenizer(directory) : Tokenizer.Load(folder);
        }
        catch (TokenizerException e)
        {
            throw new CratonException(e.Message, e);
        }
    }

    /// <summary>Reads a model's lineage; null for a model that was made elsewhere.</summary>
    /// <exception cref="CratonException">The file is damaged.</exception>
    public static ModelCard? LoadCard(string directory)
    {
        string file = Path.Combine(Find(directory), Card);
        return File.Exists(file) ? ModelCard.Parse(file, JsonFile.Read(file)) : null;
    }

    /// <summary>Compares every file of a model with the SHA-256 it was saved with.</summary>
    /// <exception cref="CratonException">A file is missing, was changed or was added, or the hashes are not known.</exception>
    public static void Verify(string directory)
    {
        string folder = Find(directory);
        if (LoadCard(directory) is not { Files: { Count: > 0 } expected })
            throw new CratonException($"'{directory}' has no hashes to compare with: it was made elsewhere or by an early version; only models that this program saved can be verified");
        SortedDictionary<string, string> found = HashFiles(folder);
        found.Remove(Card);
        foreach (string name in expected.Keys.Union(found.Keys).Order(StringComparer.Ordinal))
        {
            string? problem = !found.TryGetValue(name, out string? hash) ? "is missing"
                : !expected.TryGetValue(name, out string? saved) ? "was added"
                : hash != saved ? "was changed" : null;
            if (problem is not null) throw new CratonException($"'{Path.Combine(directory, name)}' {problem} since the model was saved; restore the directory from a copy, or train the model again");
        }
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

    // The model itself, or what a crash while replacing it left in its place.
    private static string Find(string directory) =>
        DurableDirectory.Find(directory) is { } folder && File.Exists(Path.Combine(folder, Config))
            ? folder
            : throw new CratonException($"'{directory}' is no model directory: it has no config.json; give the folder that 'craton train' or 'craton quickstart' printed as model_dir");

    // Before memory is asked for: what these tensors say bounds every size of the configuration.
    private static void CheckSizes(string directory, GptConfig config, SafetensorsModel weights)
    {
        string last = $"model.layers.{config.NumHiddenLayers - 1}.";
        Check("model.embed_tokens.weight", config.VocabSize, config.HiddenSize);
        Check(last + "self_attn.q_proj.weight", config.NumAttentionHeads * config.HeadDim, config.HiddenSize);
        Check(last + "mlp.gate_proj.weight", config.IntermediateSize, config.HiddenSize);

        void Check(string name, long rows, long columns)
        {
            IReadOnlyList<long> shape = FileOf(directory, weights, name)[name].Shape;
            if (!shape.SequenceEqual([rows, columns]))
                throw new CratonException($"{directory}: tensor '{name}' has shape [{string.Join(", ", shape)}], config.json asks for [{rows}, {columns}]; the weights belong to another configuration");
        }
    }

    private static SafetensorsFile FileOf(string directory, SafetensorsModel weights, string name) => weights.FileOf(name)
        ?? throw new CratonException($"{directory}: tensor '{name}' is missing, which config.json asks for; the weights belong to another configuration");

    // Buffers that some checkpoints carry, and the output projection of tied ones.
    private static bool IsIgnored(string name, GptConfig config) =>
        name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal) || (config.TieWordEmbeddings && name == "lm_head.weight");

    private static SortedDictionary<string, string> HashFiles(string folder)
    {
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string path in Directory.EnumerateFiles(folder)) hashes.Add(Path.GetFileName(path), HashFile(path));
        return hashes;
    }

    private static string HashFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

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
}
