using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>A <see cref="Vae"/> on disk.</summary>
public static class VaeDirectory
{
    private const string Type = "craton_vae";
    private const int MostWidth = 1 << 20, MostLayers = 64;

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, Vae model, ModelCard card) => GenerativeFolder.Save(directory, model, new JsonObject
    {
        ["model_type"] = Type,
        ["pixels"] = model.Config.Pixels,
        ["hidden"] = new JsonArray([.. model.Config.Hidden.Select(width => (JsonNode)width)]),
        ["latent"] = model.Config.Latent,
    }, card);

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static Vae Load(string directory) => GenerativeFolder.Load(directory, Type, read => new Vae(Shape(read)));

    private static VaeConfig Shape(ConfigReader read)
    {
        int[] hidden = read.Ints("hidden") ?? [];
        if (hidden.Length is < 1 or > MostLayers) throw new CratonException($"{read.File}: hidden: expected a list of 1 to {MostLayers} widths, got {hidden.Length}");
        foreach (int width in (ReadOnlySpan<int>)[read.Int("pixels"), .. hidden, read.Int("latent")])
            if (width is < 1 or > MostWidth) throw new CratonException($"{read.File}: pixels, hidden, latent: expected whole numbers from 1 to {MostWidth}, got {width}");
        return new(read.Int("pixels"), hidden, read.Int("latent"));
    }
}
