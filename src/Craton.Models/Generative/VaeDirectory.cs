using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>A <see cref="Vae"/> on disk: <c>config.json</c>, <c>model.safetensors</c>, and <c>craton.json</c> with the lineage.</summary>
public static class VaeDirectory
{
    internal const string Type = "craton_vae";
    private const int MostWidth = 1 << 20, MostLayers = 64;

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, Vae model, ModelCard card)
    {
        JsonObject settings = model.Shape.ToJson();
        settings["hidden"] = new JsonArray([.. model.Config.Hidden.Select(width => (JsonNode)width)]);
        settings["latent"] = model.Config.Latent;
        GenerativeDirectory.Save(directory, Type, settings, model, card);
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static Vae Load(string directory) => GenerativeDirectory.Load(directory, Type, "vae", Create);

    internal static Vae Create(ConfigReader read)
    {
        int[] hidden = read.Ints("hidden") ?? [];
        if (hidden.Length is < 1 or > MostLayers) throw new CratonException($"'{read.File}': hidden: expected a list of 1 to {MostLayers} widths, got {hidden.Length}");
        return new(new(LabelledShape.Read(read, leastLabels: 0), [.. hidden.Select(width => Size("hidden", width))], Size("latent", read.Int("latent"))));

        int Size(string name, int value) => value is >= 1 and <= MostWidth
            ? value
            : throw new CratonException($"'{read.File}': {name}: expected a whole number from 1 to {MostWidth}, got {value}");
    }
}
