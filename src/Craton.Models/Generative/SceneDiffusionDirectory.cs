using System.Text.Json.Nodes;
using Craton.Models.Diffusion;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>A <see cref="SceneDiffusion"/> on disk: <c>config.json</c>, <c>model.safetensors</c>, and <c>craton.json</c> with the lineage.</summary>
public static class SceneDiffusionDirectory
{
    private const string Type = "craton_scene_diffusion";

    /// <summary>Whether a directory holds such a model.</summary>
    /// <exception cref="CratonException">Its configuration is damaged.</exception>
    public static bool Holds(string directory) => GenerativeDirectory.TypeOf(directory) == Type;

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, SceneDiffusion model, ModelCard card)
    {
        var settings = new JsonObject
        {
            ["text_width"] = model.Config.TextWidth,
            ["text_layers"] = model.Config.TextLayers,
            ["network"] = model.Config.Network.ToJson(),
        };
        model.Drawing.AddTo(settings);
        if (model.Latents is { } latents) settings["latents"] = new JsonObject { ["scale"] = latents.Scale, ["vae"] = latents.Vae.Config.ToJson() };
        GenerativeDirectory.Save(directory, Type, settings, model, card);
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static SceneDiffusion Load(string directory) => GenerativeDirectory.Load(directory, Type, "text-to-image", Create);

    private static SceneDiffusion Create(ConfigReader read)
    {
        ConfigReader network = read.Object("network") ?? throw new CratonException($"{read.File}: network: expected an object, got nothing");
        var config = new SceneDiffusionConfig { TextWidth = read.Int("text_width"), TextLayers = read.Int("text_layers"), Network = DrawingUNetConfig.Read(network) };
        LatentSpace? latents = read.Object("latents") is { } space ? ReadLatents(space) : null;
        return new SceneDiffusion(config.Checked(read.File, latents?.Vae.Config), DrawingSettings.Read(read), latents);
    }

    private static LatentSpace ReadLatents(ConfigReader read)
    {
        ConfigReader vae = read.Object("vae") ?? throw new CratonException($"{read.File}: latents.vae: expected an object, got nothing");
        double scale = read.Real("scale", 0);
        return scale > 0 ? new(new SpatialVae(new SpatialVaeConfig(vae)), scale) : throw new CratonException($"{read.File}: latents.scale: expected a number above 0, got {scale}");
    }
}
