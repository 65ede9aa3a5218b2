using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Encoders;

/// <summary>What an encoder was read from, so that it is written back the same.</summary>
/// <param name="Config">The content of <c>config.json</c>.</param>
/// <param name="Type">The element type of its weights.</param>
/// <param name="HasPrefix">Whether the names of an encoder alone begin with the family's prefix.</param>
/// <param name="HasGamma">Whether norms have the older names <c>gamma</c> and <c>beta</c>.</param>
public sealed record EncoderSource(JsonObject Config, DType Type, bool HasPrefix, bool HasGamma);

/// <summary>Encoders on disk, in the layout of Hugging Face: <c>config.json</c> and <c>model.safetensors</c>, or shards of it.</summary>
public static class EncoderDirectory
{
    private const string ConfigFile = "config.json";

    /// <summary>Whether a directory holds a model of a family of encoders.</summary>
    /// <exception cref="CratonException">Its configuration is damaged.</exception>
    public static bool Holds(string directory) =>
        File.Exists(Path.Combine(directory, ConfigFile)) && EncoderCatalogue.Knows(new ConfigReader(Path.Combine(directory, ConfigFile), JsonFile.Read(Path.Combine(directory, ConfigFile))));

    /// <summary>Reads a model with the heads of its task; weights in BF16 or F16 are widened.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="map">True: weights in F32 stay in the file and are read when touched (<see cref="SafetensorsMapping"/>).</param>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static EncoderModel Load(string directory, bool map = false)
    {
        string file = Path.Combine(directory, ConfigFile);
        if (!File.Exists(file)) throw new CratonException($"'{directory}' is no model directory: it has no config.json; give the folder that holds the model's files");
        JsonElement config = JsonFile.Read(file);
        using SafetensorsModel weights = SafetensorsModel.Open(directory);
        bool pooler = weights.Names.Any(name => name.Contains("pooler.", StringComparison.Ordinal));
        // Without memory: what the file says is compared with the shapes first.
        EncoderModel model = Module.WithoutMemory(() => EncoderCatalogue.Create(new ConfigReader(file, config), pooler));
        string prefix = model.Encoder.Prefix + ".";
        model.Source = new EncoderSource(
            JsonObject.Create(config)!, DecoderWeights.TypeOf(weights), weights.Names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal)),
            weights.Names.Any(name => name.EndsWith(".gamma", StringComparison.Ordinal)));
        (string Name, Tensor Tensor)[] tensors = [.. Stored(model)];
        // Before memory is asked for: the files bound every size of the configuration.
        foreach ((string name, Tensor tensor) in tensors) DecoderWeights.CheckShape(directory, weights, name, DecoderWeights.ShapeOf(tensor, transposed: false));
        CheckOthers(directory, model, weights, [.. tensors.Select(t => t.Name)]);
        Dictionary<SafetensorsFile, SafetensorsMapping>? mappings = map ? [] : null;
        foreach ((string name, Tensor tensor) in tensors) DecoderWeights.Fill(tensor, weights.FileOf(name)!, name, transposed: false, mappings);
        return model;
    }

    /// <summary>Writes a model that was read from a directory: the configuration it had, and the weights; the directory appears complete or not at all.</summary>
    /// <param name="directory">The directory, which replaces one that was there.</param>
    /// <param name="model">The model.</param>
    /// <param name="type">Element type of the weights; that of the files it was read from when null.</param>
    /// <exception cref="CratonException">The model was not read from a directory.</exception>
    public static void Save(string directory, EncoderModel model, DType? type = null)
    {
        EncoderSource source = model.Source ?? throw new CratonException("this encoder was not read from a directory, which brings its config.json; open one and fill in the weights");
        var config = (JsonObject)source.Config.DeepClone();
        if (type is { } other && other != source.Type) DecoderWeights.WithType(config, other);
        TensorSource[] tensors = [.. Stored(model).Select(t => DecoderWeights.Source(t.Name, t.Tensor, transposed: false, type ?? source.Type))];
        using var folder = new DurableDirectory(directory);
        folder.Write(SafetensorsModel.FileName, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        JsonFile.Write(folder, ConfigFile, config);
        folder.Commit();
    }

    /// <summary>The parameters under the names of the files the model was read from.</summary>
    internal static IEnumerable<(string Name, Tensor Tensor)> Stored(EncoderModel model)
    {
        string prefix = model.GetType() == typeof(EncoderModel) && model.Source!.HasPrefix ? model.Encoder.Prefix + "." : "";
        foreach ((string name, Tensor tensor) in model.NamedParameters())
            yield return (prefix + (model.Source!.HasGamma ? WithGamma(name) : name), tensor);
    }

    private static string WithGamma(string name) =>
        name.EndsWith("LayerNorm.weight", StringComparison.Ordinal) ? name[..^"weight".Length] + "gamma"
        : name.EndsWith("LayerNorm.bias", StringComparison.Ordinal) ? name[..^"bias".Length] + "beta"
        : name;

    // Files often hold heads of other tasks too, buffers, and tied weights once more. What is a part of the encoder must belong to it.
    private static void CheckOthers(string directory, EncoderModel model, SafetensorsModel weights, HashSet<string> expected)
    {
        string prefix = model.Source!.HasPrefix ? model.Encoder.Prefix + "." : "";
        HashSet<string> parts = [.. model.Encoder.NamedParameters().Select(p => prefix + p.Name.Split('.')[0] + ".")];
        foreach (string name in weights.Names)
            if (!expected.Contains(name) && parts.Any(part => name.StartsWith(part, StringComparison.Ordinal)) && !name.EndsWith(".position_ids", StringComparison.Ordinal))
                throw new CratonException($"{directory}: tensor '{name}' is not part of the encoder that config.json describes; the weights belong to another configuration");
    }
}
