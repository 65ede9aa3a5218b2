using System.Text.Json.Nodes;
using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models.Generative;

/// <summary>Generative models on disk: <c>config.json</c>, <c>model.safetensors</c> with weights and buffers, <c>craton.json</c> with the lineage.</summary>
internal static class GenerativeFolder
{
    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, Module model, JsonObject config, ModelCard card, Tokenizer? tokenizer = null)
    {
        using var folder = new DurableDirectory(directory);
        TensorSource[] tensors = [.. Stored(model).Select(p => TensorFiles.Source(p.Name, p.Tensor))];
        folder.Write(SafetensorsModel.FileName, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        JsonFile.Write(folder, "config.json", config);
        if (tokenizer is not null) ModelDirectory.CopyTokenizer(folder, tokenizer);
        ModelDirectory.WriteCard(folder, card, model);
        folder.Commit();
    }

    /// <summary>Reads a model of a type that the configuration must name.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static T Load<T>(string directory, string type, Func<ConfigReader, T> create) where T : Module
    {
        string folder = DurableDirectory.Find(directory) ?? throw new CratonException($"'{directory}' is no folder of a model; give the model folder of a run");
        ConfigReader read = EncoderDirectory.ReadConfig(folder, out _);
        if (read.ModelType != type) throw new CratonException($"{read.File}: expected \"model_type\": \"{type}\", got \"{read.ModelType}\"; this is a model of another kind");
        T model = create(read);
        using SafetensorsModel weights = SafetensorsModel.Open(folder);
        EncoderDirectory.Fill(folder, [.. Stored(model)], weights, _ => false, map: false);
        return model;
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Stored(Module model) => model.NamedParameters().Concat(model.NamedBuffers());
}
