namespace Craton.Models.Generative;

/// <summary>A <see cref="VqVae"/> on disk.</summary>
public static class VqVaeDirectory
{
    private const string Type = "craton_vq_vae";

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, VqVae model, ModelCard card) => GenerativeDirectory.Save(directory, Type, model.Config.ToJson(), model, card);

    /// <summary>Reads a model.</summary>
    /// <exception cref="Tensors.CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static VqVae Load(string directory) => GenerativeDirectory.Load(directory, Type, "vq-vae", read => new VqVae(new VqVaeConfig(read)));
}
