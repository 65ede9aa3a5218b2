using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>A <see cref="Vae"/> on disk: <c>config.json</c>, <c>model.safetensors</c>, and <c>craton.json</c> with the lineage.</summary>
public static class VaeDirectory
{
    private const string Type = "craton_vae";
    private const int MostWidth = 1 << 20, MostLayers = 64;

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, Vae model, ModelCard card) => GenerativeDirectory.Save(
        directory,
        Type,
        new JsonObject
        {
            ["pixels"] = model.Config.Pixels,
            ["hidden"] = new JsonArray([.. model.Config.Hidden.Select(width => (JsonNode)width)]),
            ["latent"] = model.Config.Latent,
        },
        model, card);

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static Vae Load(string directory) => GenerativeDirectory.Load(directory, Type, "vae", read => new Vae(Read(read)));

    private static VaeConfig Read(ConfigReader read)
    {
        int[] hidden = read.Ints("hidden") ?? [];
        if (hidden.Length is < 1 or > MostLayers) throw new CratonException($"'{read.File}': hidden: expected a list of 1 to {MostLayers} widths, got {hidden.Length}");
        return new(Size("pixels", read.Int("pixels")), [.. hidden.Select(width => Size("hidden", width))], Size("latent", read.Int("latent")));

        int Size(string name, int value) => value is >= 1 and <= MostWidth
            ? value
            : throw new CratonException($"'{read.File}': {name}: expected a whole number from 1 to {MostWidth}, got {value}");
    }
}
