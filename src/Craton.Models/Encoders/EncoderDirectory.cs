using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Encoders;

/// <summary>What an encoder was read from, so that it is written back the same.</summary>
/// <param name="Config">The content of <c>config.json</c>.</param>
/// <param name="Type">The element type of its weights.</param>
/// <param name="HasPrefix">Whether the names of an encoder alone begin with the family's prefix.</param>
/// <param name="HasGamma">Whether norms have the older names <c>gamma</c> and <c>beta</c>.</param>
public sealed record EncoderSource(JsonObject Config, DType Type, bool HasPrefix = false, bool HasGamma = false)
{
    /// <summary>Integers that its files hold beside the weights, such as numbers of batches or positions: they mean nothing here and are written back as they came.</summary>
    internal IReadOnlyList<TensorSource> Integers { get; init; } = [];
}

/// <summary>Encoders on disk, in the layout of Hugging Face: <c>config.json</c> and <c>model.safetensors</c>, or shards of it.</summary>
public static class EncoderDirectory
{
    private const string ConfigFile = "config.json";

    /// <summary>Whether a directory holds a model of a family of encoders.</summary>
    /// <exception cref="CratonException">Its configuration is damaged.</exception>
    public static bool Holds(string directory) => File.Exists(Path.Combine(directory, ConfigFile)) && EncoderCatalogue.Knows(ReadConfig(directory, out _));

    /// <summary>Reads a model with the heads of its task; weights in BF16 or F16 are widened.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="map">True: weights in F32 stay in the file and are read when touched (<see cref="SafetensorsMapping"/>).</param>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static EncoderModel Load(string directory, bool map = false)
    {
        ConfigReader read = ReadConfig(directory, out JsonObject config);
        using SafetensorsModel weights = SafetensorsModel.Open(directory);
        EncoderModel model = EncoderCatalogue.Create(read, weights.Names.Any(name => name.Contains("pooler.", StringComparison.Ordinal)));
        string prefix = model.Encoder.Prefix + ".";
        model.Source = new EncoderSource(
            config, DecoderWeights.TypeOf(weights), weights.Names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal)),
            weights.Names.Any(name => name.EndsWith(".gamma", StringComparison.Ordinal)));
        // Files often hold heads of other tasks too. What stands where the encoder's parts stand must belong to it.
        prefix = model.Source.HasPrefix ? prefix : "";
        HashSet<string> parts = [.. model.Encoder.NamedParameters().Select(p => prefix + p.Name.Split('.')[0] + ".")];
        Fill(directory, [.. Stored(model)], weights, name => !parts.Any(part => name.StartsWith(part, StringComparison.Ordinal)), map);
        return model;
    }

    /// <summary>Writes a model that was read from a directory: the configuration it had, and the weights; the directory appears complete or not at all.</summary>
    /// <param name="directory">The directory, which replaces one that was there.</param>
    /// <param name="model">The model.</param>
    /// <param name="type">Element type of the weights; that of the files it was read from when null.</param>
    /// <exception cref="CratonException">The model was not read from a directory.</exception>
    public static void Save(string directory, EncoderModel model, DType? type = null) => Write(directory, model.Source, [.. Stored(model)], type);

    /// <summary>The parameters under the names of the files the model was read from.</summary>
    internal static IEnumerable<(string Name, Tensor Tensor)> Stored(EncoderModel model)
    {
        EncoderSource? source = model.Source;
        string prefix = model.GetType() == typeof(EncoderModel) && source is { HasPrefix: true } ? model.Encoder.Prefix + "." : "";
        foreach ((string name, Tensor tensor) in model.NamedParameters())
            yield return (prefix + (source is { HasGamma: true } ? WithGamma(name) : name), tensor);
    }

    /// <summary>The configuration of a directory.</summary>
    internal static ConfigReader ReadConfig(string directory, out JsonObject config)
    {
        string file = Path.Combine(directory, ConfigFile);
        if (!File.Exists(file)) throw new CratonException($"'{directory}' is no model directory: it has no config.json; give the folder that holds the model's files");
        JsonElement root = JsonFile.Read(file);
        config = JsonObject.Create(root)!;
        return new ConfigReader(file, root);
    }

    /// <summary>Fills parameters from files. Buffers, and tied weights that are stored once more, may stand beside them.</summary>
    internal static void Fill(
        string directory, (string Name, Tensor Tensor)[] tensors, SafetensorsModel weights, Func<string, bool> ignored, bool map, Func<string, bool>? isTransposed = null) =>
        DecoderWeights.Fill(
            directory, [.. tensors.Select(t => (t.Name, t.Tensor, isTransposed?.Invoke(t.Name) ?? false))], weights, name => IsCopy(name) || ignored(name), map);

    /// <summary>Writes what was read, with the weights as they are now.</summary>
    internal static void Write(string directory, EncoderSource? from, (string Name, Tensor Tensor)[] parameters, DType? type, Func<string, bool>? isTransposed = null)
    {
        EncoderSource source = from ?? throw new CratonException("this model was not read from a directory, which brings its config.json; open one and fill in the weights");
        var config = (JsonObject)source.Config.DeepClone();
        if (type is { } other && other != source.Type) DecoderWeights.WithType(config, other);
        TensorSource[] tensors = [.. parameters.Select(t => DecoderWeights.Source(t.Name, t.Tensor, isTransposed?.Invoke(t.Name) ?? false, type ?? source.Type)), .. source.Integers];
        using var folder = new DurableDirectory(directory);
        folder.Write(SafetensorsModel.FileName, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        JsonFile.Write(folder, ConfigFile, config);
        folder.Commit();
    }

    private static bool IsCopy(string name) => name.EndsWith(".position_ids", StringComparison.Ordinal) || name.EndsWith(".embed_tokens.weight", StringComparison.Ordinal);

    private static string WithGamma(string name) =>
        name.EndsWith("LayerNorm.weight", StringComparison.Ordinal) ? name[..^"weight".Length] + "gamma"
        : name.EndsWith("LayerNorm.bias", StringComparison.Ordinal) ? name[..^"bias".Length] + "beta"
        : name;
}
