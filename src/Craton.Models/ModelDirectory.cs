using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
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

    /// <summary>Writes a model; the directory appears complete or not at all and replaces the model that was there.</summary>
    /// <remarks>A model that was read from a directory keeps its <c>config.json</c>, but for the type of the weights.</remarks>
    /// <param name="directory">The directory.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer, or null.</param>
    /// <param name="card">Its lineage.</param>
    /// <param name="type">Element type of the weights: F32, or BF16 or F16, to which they are rounded.</param>
    /// <exception cref="CratonException">The directory exists and holds something else than a model.</exception>
    public static void Save(string directory, CausalLanguageModel model, Tokenizer? tokenizer, ModelCard card, DType type = DType.F32)
    {
        if (Directory.Exists(directory) && !File.Exists(Path.Combine(directory, Config)) && Directory.EnumerateFileSystemEntries(directory).Any())
            throw new CratonException($"'{directory}' holds files but no model, and saving would replace them; give a new or empty folder");
        JsonObject config = DecoderWeights.ConfigOf(model, type);
        using var folder = new DurableDirectory(directory);
        TensorSource[] tensors = DecoderWeights.Sources(model, type);
        folder.Write(SafetensorsModel.FileName, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        JsonFile.Write(folder, Config, config);
        int? endOfTurn = tokenizer?.ChatTemplate is { } source ? ChatTemplate.TryParse(source, tokenizer)?.EndOfTurn : null;
        JsonFile.Write(folder, GenerationConfig.FileName, GenerationConfig.ToJson(model, endOfTurn));
        if (tokenizer is not null) CopyTokenizer(folder, tokenizer);
        WriteCard(folder, card, model);
        folder.Commit();
    }

    /// <summary>Writes the lineage of weights, when all other files of the folder are there.</summary>
    internal static void WriteCard(DurableDirectory folder, ModelCard card, Module weights)
    {
        SortedDictionary<string, string> files = HashFiles(folder.Staging);
        JsonFile.Write(folder, Card, card.ToJson(HashWeights(weights), files.GetValueOrDefault("tokenizer.json"), files));
    }

    /// <summary>Reads a model's weights and shape; weights in BF16 or F16 are widened.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="map">
    /// True: weights in F32 stay in the file and are read when touched, for a model that is not trained and whose file nobody cuts meanwhile
    /// (<see cref="SafetensorsMapping"/>); those in 16 bits are kept in 16 for products (<see cref="Tensor.Pack"/>).
    /// </param>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static CausalLanguageModel LoadModel(string directory, bool map = false)
    {
        string folder = Find(directory);
        JsonElement config = JsonFile.Read(Path.Combine(folder, Config));
        CausalLanguageModel model = Create(folder, config);
        using SafetensorsModel weights = SafetensorsModel.Open(folder);
        bool hasPrefix = DecoderWeights.Load(directory, model, weights, map);
        string generation = Path.Combine(folder, GenerationConfig.FileName);
        model.Source = new ModelSource(
            JsonObject.Create(config)!, File.Exists(generation) ? JsonObject.Create(JsonFile.Read(generation)) : null, DecoderWeights.TypeOf(weights), hasPrefix);
        return model;
    }

    /// <summary>Reads a model's shape alone: its parameters have no memory.</summary>
    /// <exception cref="CratonException">The configuration is missing, damaged, or of no family that is known.</exception>
    public static CausalLanguageModel LoadShape(string directory)
    {
        string folder = Find(directory);
        JsonElement config = JsonFile.Read(Path.Combine(folder, Config));
        CausalLanguageModel model = Create(folder, config);
        model.Source = new ModelSource(JsonObject.Create(config)!, null, DType.F32, HasPrefix: true);
        return model;
    }

    private static CausalLanguageModel Create(string folder, JsonElement config) => DecoderCatalogue.Create(new ConfigReader(Path.Combine(folder, Config), config));

    /// <summary>Reads a model's tokenizer. For a model without one it stands in what takes ids and refuses text.</summary>
    /// <exception cref="CratonException">It is damaged or of an unsupported kind.</exception>
    public static Tokenizer LoadTokenizer(string directory)
    {
        string folder = Find(directory);
        return MissingTokenizer.In(folder) ? new MissingTokenizer(directory) : ReadTokenizer(folder);
    }

    /// <summary>Reads the tokenizer of a folder that has one.</summary>
    internal static Tokenizer ReadTokenizer(string folder)
    {
        try
        {
            return Tokenizer.Load(folder);
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
        return ReadCard(Find(directory));
    }

    /// <summary>Reads the lineage in a folder; null when there is none.</summary>
    internal static ModelCard? ReadCard(string folder)
    {
        string file = Path.Combine(folder, Card);
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

    /// <summary>SHA-256 over names, shapes and bytes of all weights and buffers: equal for equal models.</summary>
    public static string HashWeights(Module model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[4];
        foreach ((string name, Tensor tensor) in model.NamedParameters().Concat(model.NamedBuffers()))
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

    internal static void CopyTokenizer(DurableDirectory folder, Tokenizer tokenizer)
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
