using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Generative;

/// <summary>A <see cref="SceneDiffusion"/> on disk: <c>config.json</c>, <c>model.safetensors</c>, and <c>craton.json</c> with the lineage.</summary>
public static class SceneDiffusionDirectory
{
    /// <summary>The kind of model, as <c>config.json</c> says it.</summary>
    public const string Type = "craton_scene_diffusion";

    private const string Config = "config.json";

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, SceneDiffusion model, ModelCard card)
    {
        using var folder = new DurableDirectory(directory);
        TensorSource[] tensors = [.. model.NamedParameters().Select(p => TensorFiles.Source(p.Name, p.Tensor))];
        folder.Write(SafetensorsModel.FileName, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        JsonFile.Write(folder, Config, new JsonObject
        {
            ["model_type"] = Type,
            ["text_width"] = model.Config.TextWidth,
            ["text_layers"] = model.Config.TextLayers,
            ["network"] = model.Config.Network.ToJson(),
        });
        ModelDirectory.WriteCard(folder, card, model);
        folder.Commit();
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static SceneDiffusion Load(string directory)
    {
        string folder = DurableDirectory.Find(directory) ?? throw new CratonException($"'{directory}' is no folder of a model; give the model folder of a run of the recipe text-to-image");
        string file = Path.Combine(folder, Config);
        var read = new ConfigReader(file, JsonFile.Read(file));
        if (read.ModelType != Type) throw new CratonException($"'{file}': expected \"model_type\": \"{Type}\"; this is a model of another kind");
        ConfigReader network = read.Object("network") ?? throw new CratonException($"'{file}': network: expected an object, got nothing");
        var config = new SceneDiffusionConfig { TextWidth = read.Int("text_width"), TextLayers = read.Int("text_layers"), Network = DrawingUNetConfig.Read(network) };
        var model = new SceneDiffusion(config.Checked(file));
        using SafetensorsFile weights = SafetensorsFile.Open(Path.Combine(folder, SafetensorsModel.FileName));
        foreach ((string name, Tensor tensor) in model.NamedParameters())
            if (!weights.Contains(name)) throw new CratonException($"'{weights.Path}': expected a tensor '{name}', which is not there; restore the file");
            else weights.ReadInto(name, tensor);
        return model;
    }
}
