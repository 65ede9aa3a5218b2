using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>A <see cref="VqVae"/> on disk.</summary>
public static class VqVaeDirectory
{
    private const string Type = "craton_vq_vae";

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, VqVae model, ModelCard card)
    {
        JsonObject config = model.Config.ToJson();
        config["model_type"] = Type;
        GenerativeFolder.Save(directory, model, config, card);
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static VqVae Load(string directory) => GenerativeFolder.Load(directory, Type, read => new VqVae(new VqVaeConfig(read)));
}
