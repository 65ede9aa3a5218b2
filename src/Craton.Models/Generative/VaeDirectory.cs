using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Generative;

/// <summary>A <see cref="Vae"/> on disk: <c>config.json</c>, <c>model.safetensors</c>, and <c>craton.json</c> with the lineage.</summary>
public static class VaeDirectory
{
    private const string Config = "config.json", Type = "craton_vae";
    private const int MostWidth = 1 << 20, MostLayers = 64;

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, Vae model, ModelCard card)
    {
        using var folder = new DurableDirectory(directory);
        TensorSource[] tensors = [.. model.NamedParameters().Select(p => TensorFiles.Source(p.Name, p.Tensor))];
        folder.Write(SafetensorsModel.FileName, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        JsonFile.Write(folder, Config, new JsonObject
        {
            ["model_type"] = Type,
            ["pixels"] = model.Config.Pixels,
            ["hidden"] = new JsonArray([.. model.Config.Hidden.Select(width => (JsonNode)width)]),
            ["latent"] = model.Config.Latent,
        });
        ModelDirectory.WriteCard(folder, card, model);
        folder.Commit();
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static Vae Load(string directory)
    {
        string folder = DurableDirectory.Find(directory) ?? throw new CratonException($"'{directory}' is no folder of a model; give the model folder of a run of the recipe vae");
        string file = Path.Combine(folder, Config);
        var model = new Vae(Read(file, JsonFile.Read(file)));
        using SafetensorsFile weights = SafetensorsFile.Open(Path.Combine(folder, SafetensorsModel.FileName));
        foreach ((string name, Tensor tensor) in model.NamedParameters())
            if (!weights.Contains(name)) throw new CratonException($"'{weights.Path}': expected a tensor '{name}', which is not there; restore the file");
            else weights.ReadInto(name, tensor);
        return model;
    }

    private static VaeConfig Read(string file, JsonElement root)
    {
        if (!root.TryGetProperty("model_type", out JsonElement type) || type.ValueKind != JsonValueKind.String || type.GetString() != Type)
            throw new CratonException($"'{file}': expected \"model_type\": \"{Type}\"; this is a model of another kind");
        if (!root.TryGetProperty("hidden", out JsonElement hidden) || hidden.ValueKind != JsonValueKind.Array || hidden.GetArrayLength() is < 1 or > MostLayers)
            throw new CratonException($"'{file}': hidden: expected a list of 1 to {MostLayers} widths");
        return new(Size("pixels"), [.. hidden.EnumerateArray().Select(e => Number("hidden", e))], Size("latent"));

        int Size(string name) => root.TryGetProperty(name, out JsonElement value) ? Number(name, value) : throw new CratonException($"'{file}': {name}: expected a number, got nothing");

        int Number(string name, JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number is >= 1 and <= MostWidth
            ? number
            : throw new CratonException($"'{file}': {name}: expected a whole number from 1 to {MostWidth}, got {value.GetRawText()}");
    }
}
