using Craton.Models.Encoders;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Pictures;

/// <summary>Tells which of its classes a picture shows.</summary>
public sealed class PictureClassifier : VisionModel
{
    private readonly Linear _head;

    /// <summary>Creates the model that a configuration describes, with zeroed weights.</summary>
    public PictureClassifier(ConfigReader read)
    {
        Encoder = Child("encoder", PictureEncoder.Create(read));
        Labels = EncoderConfig.LabelsOf(read);
        _head = Child("head", new Linear(Encoder.Width, Labels.Count, bias: true));
    }

    /// <summary>The encoder.</summary>
    public PictureEncoder Encoder { get; }

    /// <summary>Names of the classes, in their order.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>Scores of the classes, [N, L].</summary>
    /// <param name="pixels">Pictures [N, 3, side, side] of −1 to 1.</param>
    /// <param name="learning">What differs while the model learns.</param>
    public Tensor Logits(Tensor pixels, LearningPass? learning = null) => Scores(Encoder.Pooled(pixels, learning is not null), learning);

    /// <summary>Scores of the classes for what the encoder gave, [N, C].</summary>
    public Tensor Scores(Tensor features, LearningPass? learning = null) => _head.Forward(learning?.Drop(features, 0) ?? features);
}
