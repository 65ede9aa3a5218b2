using System.Text.Json.Nodes;
using Craton.Models.Diffusion;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>A <see cref="LabelDiffusion"/> on disk: <c>config.json</c>, <c>model.safetensors</c>, and <c>craton.json</c> with the lineage.</summary>
public static class LabelDiffusionDirectory
{
    internal const string Type = "craton_diffusion";

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, LabelDiffusion model, ModelCard card)
    {
        JsonObject settings = model.Shape.ToJson();
        model.Drawing.AddTo(settings);
        settings["network"] = model.Network.ToJson();
        settings["scheduler"] = model.Process.ToJson();
        GenerativeDirectory.Save(directory, Type, settings, model, card);
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static LabelDiffusion Load(string directory) => GenerativeDirectory.Load(directory, Type, "diffusion", Create);

    internal static LabelDiffusion Create(ConfigReader read) => new(
        LabelledShape.Read(read),
        DrawingUNetConfig.Read(Needed(read, "network")),
        new DiffusionProcess(Needed(read, "scheduler")),
        DrawingSettings.Read(read));

    private static ConfigReader Needed(ConfigReader read, string name) =>
        read.Object(name) ?? throw new CratonException($"{read.File}: {name}: expected an object, got nothing");
}
