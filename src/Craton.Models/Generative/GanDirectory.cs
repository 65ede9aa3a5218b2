using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>A <see cref="GanGenerator"/> on disk: <c>config.json</c>, <c>model.safetensors</c>, and <c>craton.json</c> with the lineage.</summary>
public static class GanDirectory
{
    internal const string Type = "craton_gan";

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, GanGenerator model, ModelCard card)
    {
        JsonObject settings = model.Shape.ToJson();
        settings["latent"] = model.Config.Latent;
        settings["widths"] = new JsonArray([.. model.Config.Widths.Select(width => (JsonNode)width)]);
        settings["groups"] = model.Config.Groups;
        GenerativeDirectory.Save(directory, Type, settings, model, card);
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static GanGenerator Load(string directory) => GenerativeDirectory.Load(directory, Type, "gan", Create);

    internal static GanGenerator Create(ConfigReader read) =>
        new(new GanConfig(LabelledShape.Read(read), read.Int("latent"), read.Ints("widths") ?? [], read.Int("groups")).Checked(read.File));
}
