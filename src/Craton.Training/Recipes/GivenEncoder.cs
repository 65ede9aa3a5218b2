using System.Text.Json.Nodes;
using Craton.Models;
using Craton.Models.Pictures;
using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Training.Recipes;

/// <summary>The encoder of a model of the recipes <c>clip</c> or <c>classifier</c>, which another model begins with.</summary>
internal sealed class GivenEncoder
{
    private readonly string _directory;
    private readonly VisionModel _model;
    private readonly PictureEncoder _encoder;

    private GivenEncoder(string directory)
    {
        (_directory, _model) = (directory, VisionDirectory.Load(directory));
        _encoder = _model switch
        {
            PictureTextModel model => model.Encoder,
            PictureClassifier model => model.Encoder,
            _ => throw new CratonException($"base: '{directory}' is a model of another kind; give the model folder of a run of the recipe clip or classifier"),
        };
    }

    /// <summary>Its settings, as configurations have them.</summary>
    public JsonNode Settings => _model.Source!.Config["image"]!.DeepClone();

    /// <summary>Reads the model of a directory; null for none.</summary>
    public static GivenEncoder? Of(string? directory) => directory is null ? null : new(directory);

    /// <summary>What a model that begins with it was made from.</summary>
    /// <param name="data">SHA-256 of the training data.</param>
    public Origin Origin(string data) => new(data, _directory, ModelDirectory.HashWeights(_model));

    /// <summary>Gives its weights to the encoder of another model, made with its settings.</summary>
    /// <param name="target">The encoder.</param>
    /// <param name="side">Rows and columns of the pictures.</param>
    public void CopyTo(PictureEncoder target, int side)
    {
        if (target.Side != side) throw new CratonException($"base: '{_directory}' reads pictures of {target.Side}×{target.Side} pixels, got {side}×{side}; data.side resizes pictures that are files");
        foreach (((_, Tensor to), (_, Tensor from)) in Tensors(target).Zip(Tensors(_encoder))) to.Assign(from);
    }

    private static IEnumerable<(string, Tensor)> Tensors(PictureEncoder encoder) => encoder.NamedParameters().Concat(encoder.NamedBuffers());
}
