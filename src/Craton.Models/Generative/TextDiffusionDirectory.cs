using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models.Generative;

/// <summary>A <see cref="TextDiffusion"/> on disk: <c>config.json</c>, <c>model.safetensors</c>, the tokenizer, and <c>craton.json</c> with the lineage.</summary>
public static class TextDiffusionDirectory
{
    private const string Type = "craton_text_diffusion", Transformer = "transformer";

    /// <summary>Whether a directory holds such a model.</summary>
    /// <exception cref="CratonException">Its configuration is damaged.</exception>
    public static bool Holds(string directory) => GenerativeDirectory.TypeOf(directory) == Type;

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, TextDiffusion model, ModelCard card) =>
        GenerativeDirectory.Save(directory, Type, new JsonObject { [Transformer] = model.Config.ToJson() }, model, card, model.Tokenizer);

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static TextDiffusion Load(string directory) =>
        GenerativeDirectory.Load(directory, Type, "text-diffusion", read => Create(read, ModelDirectory.LoadTokenizer(directory)));

    internal static TextDiffusion Create(ConfigReader read, Tokenizer tokenizer) =>
        new(new GptConfig(read.Object(Transformer) ?? throw new CratonException($"{read.File}: {Transformer}: expected an object, got nothing")), tokenizer);
}
