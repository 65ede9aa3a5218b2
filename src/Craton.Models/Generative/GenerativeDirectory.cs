using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models.Generative;

/// <summary>A model that was trained here on disk: <c>config.json</c>, <c>model.safetensors</c>, and <c>craton.json</c> with the lineage.</summary>
internal static class GenerativeDirectory
{
    private const string Config = "config.json", Type = "model_type";

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="type">Kind of model.</param>
    /// <param name="settings">Its shape, without the kind.</param>
    /// <param name="model">Its weights and buffers.</param>
    /// <param name="card">The lineage.</param>
    /// <param name="tokenizer">Its tokenizer, where it has one.</param>
    public static void Save(string directory, string type, JsonObject settings, Module model, ModelCard card, Tokenizer? tokenizer = null)
    {
        using var folder = new DurableDirectory(directory);
        TensorSource[] tensors = [.. Stored(model).Select(p => TensorFiles.Source(p.Name, p.Tensor))];
        folder.Write(SafetensorsModel.FileName, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        settings.Insert(0, Type, type);
        JsonFile.Write(folder, Config, settings);
        if (tokenizer is not null) ModelDirectory.CopyTokenizer(folder, tokenizer);
        ModelDirectory.WriteCard(folder, card, model);
        folder.Commit();
    }

    /// <summary>Reads a model.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="type">Kind of model.</param>
    /// <param name="recipe">The recipe that trains such models.</param>
    /// <param name="create">Makes it of its shape, with no weights yet.</param>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static T Load<T>(string directory, string type, string recipe, Func<ConfigReader, T> create) where T : Module
    {
        string folder = DurableDirectory.Find(directory) ?? throw new CratonException($"'{directory}' is no folder of a model; give the model folder of a run of the recipe {recipe}");
        ConfigReader read = Read(folder);
        if (read.ModelType != type) throw new CratonException($"'{read.File}': expected \"{Type}\": \"{type}\"; this is a model of another kind");
        T model = create(read);
        using SafetensorsModel weights = SafetensorsModel.Open(folder);
        DecoderWeights.Fill(folder, [.. Stored(model).Select(t => (t.Name, t.Tensor, false))], weights, _ => false, map: false);
        return model;
    }

    /// <summary>The kind of model in a directory; empty where it says none.</summary>
    public static string TypeOf(string directory) => DurableDirectory.Find(directory) is { } folder && File.Exists(Path.Combine(folder, Config)) ? Read(folder).ModelType : "";

    private static ConfigReader Read(string folder)
    {
        string file = Path.Combine(folder, Config);
        return new(file, JsonFile.Read(file));
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Stored(Module model) => model.NamedParameters().Concat(model.NamedBuffers());
}
