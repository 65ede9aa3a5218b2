using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models.Encoders;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Pictures;

/// <summary>
/// Models of pictures that are made here: from their configuration, with first weights, and on disk as <c>config.json</c>,
/// <c>model.safetensors</c>, <c>preprocessor_config.json</c>, <c>words.json</c> where they know words, and <c>craton.json</c> with the lineage.
/// <see cref="VisionDirectory"/> reads them.
/// </summary>
public static class PictureModels
{
    private const double WordDeviation = 1, MeanWordDeviation = 0.5, PlaceDeviation = 0.02;

    /// <summary>The model that a configuration describes, with first weights; <see cref="VisionModel.Source"/> keeps the configuration.</summary>
    /// <param name="config">As it is to stand in <c>config.json</c>.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <exception cref="CratonException">A setting has no meaning.</exception>
    public static T Create<T>(JsonObject config, ulong seed) where T : VisionModel
    {
        var model = (T)VisionDirectory.Create(new ConfigReader("model", JsonElement.Parse(config.ToJsonString())), pooler: false);
        model.Source = new EncoderSource(config, DType.F32);
        Initialize(model, seed);
        return model;
    }

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    /// <param name="directory">The directory, which replaces one that was there.</param>
    /// <param name="model">The model, made by <see cref="Create{T}"/>.</param>
    /// <param name="side">Rows and columns of its pictures.</param>
    /// <param name="words">The words it knows, or null.</param>
    /// <param name="card">Its lineage.</param>
    public static void Save(string directory, VisionModel model, int side, WordVocabulary? words, ModelCard card)
    {
        using var folder = new DurableDirectory(directory);
        TensorSource[] tensors = [.. VisionDirectory.Stored(model).Select(p => TensorFiles.Source(p.Name, p.Tensor))];
        folder.Write(SafetensorsModel.FileName, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        JsonFile.Write(folder, "config.json", model.Source!.Config);
        JsonFile.Write(folder, "preprocessor_config.json", new JsonObject
        {
            ["image_processor_type"] = "ViTImageProcessor",
            ["size"] = new JsonObject { ["height"] = side, ["width"] = side },
        });
        words?.Save(folder);
        ModelDirectory.WriteCard(folder, card, model);
        folder.Commit();
    }

    // Normal, of variance 2 / inputs before a rectifier (He et al. 2015) and 1 / inputs elsewhere; a decoder begins as it does alone.
    private static void Initialize(VisionModel model, ulong seed)
    {
        const string language = "language_model.";
        uint index = 0;
        foreach ((string name, Tensor tensor) in model.NamedParameters())
        {
            double deviation = tensor.Rank switch
            {
                4 => Math.Sqrt(2.0 / (tensor.Size(1) * tensor.Size(2) * tensor.Size(3))),
                3 => PlaceDeviation,
                2 when name == "words.weight" => WordDeviation,
                2 when name.EndsWith(".words.weight", StringComparison.Ordinal) => MeanWordDeviation,
                2 when name.EndsWith("positions.weight", StringComparison.Ordinal) => PlaceDeviation,
                2 => 1 / Math.Sqrt(tensor.Size(1)),
                _ => 0,
            };
            // Gates of a recurrent network that keep its state begin open (Jozefowicz et al. 2015): a word such as "not" reaches those it is about.
            if (name.EndsWith("bias_ih_l0", StringComparison.Ordinal)) tensor.AsSpan<float>().Slice(tensor.Size(0) / 3, tensor.Size(0) / 3).Fill(1);
            if (deviation > 0 && !name.StartsWith(language, StringComparison.Ordinal)) Init.Normal(tensor, deviation, seed, index);
            index++;
        }
        (model as PictureCaptioner)?.Language.Initialize(seed);
    }
}
