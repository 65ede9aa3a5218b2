using Craton.Models.Encoders;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Pictures;

/// <summary>Small pictures and short texts in one space, learned by contrast (Radford et al. 2021, "CLIP").</summary>
public sealed class PictureTextModel : ImageTextModel
{
    private const int MostWidth = 1 << 14;
    private const double FirstScale = 2.659260036932778, MostScale = 4.605170185988091; // ln(1 / 0.07), ln 100

    private readonly Linear _image, _text;
    private readonly ShortTextEncoder _texts;
    private readonly Tensor _scale;

    /// <summary>Creates the model that a configuration describes, with zeroed weights.</summary>
    public PictureTextModel(ConfigReader read)
    {
        int width = read.Int("projection_dim");
        EncoderConfig.Within(read.File, width, "projection_dim", MostWidth);
        _scale = Filled("logit_scale", (float)FirstScale);
        Encoder = Child("image", PictureEncoder.Create(read));
        _texts = Child("text", ShortTextEncoder.Create(read));
        _image = Child("image_projection", new Linear(Encoder.Width, width));
        _text = Child("text_projection", new Linear(_texts.Width, width));
    }

    /// <summary>The encoder of pictures.</summary>
    public PictureEncoder Encoder { get; }

    /// <inheritdoc/>
    public override int ImageSize => Encoder.Side;

    /// <inheritdoc/>
    public override int LongestText => _texts.Longest;

    /// <inheritdoc/>
    public override Tensor ImageFeatures(Tensor pixels, bool interpolate = false) => ImageFeatures(pixels, null);

    /// <summary>Vectors of pictures, [N, D].</summary>
    /// <param name="pixels">Pictures [N, 3, side, side] of −1 to 1.</param>
    /// <param name="learning">What differs while the model learns.</param>
    public Tensor ImageFeatures(Tensor pixels, LearningPass? learning)
    {
        Tensor pooled = Encoder.Pooled(pixels, learning is not null);
        return _image.Forward(learning?.Drop(pooled, 0) ?? pooled);
    }

    /// <inheritdoc/>
    public override Tensor TextFeatures(Tensor ids, Tensor? keyPadding = null) => TextFeatures(ids, keyPadding, null);

    /// <summary>Vectors of texts, [M, D].</summary>
    /// <inheritdoc cref="TextFeatures(Tensor, Tensor?)"/>
    /// <param name="ids">Ids [M, T].</param>
    /// <param name="keyPadding">Which places hold a token, Bool [M, T]; all when null.</param>
    /// <param name="learning">What differs while the model learns.</param>
    public Tensor TextFeatures(Tensor ids, Tensor? keyPadding, LearningPass? learning)
    {
        Tensor pooled = _texts.Pooled(ids, keyPadding);
        return _text.Forward(learning?.Drop(pooled, 1) ?? pooled);
    }

    /// <inheritdoc/>
    public override Tensor Logits(Tensor images, Tensor texts) => Cosines(images, texts) * Ops.Exp(Scale);

    /// <inheritdoc/>
    public override Tensor Probabilities(Tensor logits) => Ops.Softmax(logits);

    /// <inheritdoc/>
    public override Tensor Loss(Tensor images, Tensor texts) => Loss(images, texts, 0);

    /// <summary>The loss of pairs in both directions, each image [N, D] with the text [N, D] of its row.</summary>
    /// <param name="images">Vectors of images.</param>
    /// <param name="texts">Vectors of texts.</param>
    /// <param name="smoothing">Share of the probability that is spread over all pairs of the batch, among which others may fit too.</param>
    public Tensor Loss(Tensor images, Tensor texts, double smoothing)
    {
        Tensor logits = Logits(images, texts), partners = Tensor.From(Enumerable.Range(0, images.Size(0)).ToArray(), images.Size(0));
        var options = new CrossEntropyOptions { LabelSmoothing = smoothing };
        return (Ops.CrossEntropy(logits, partners, options) + Ops.CrossEntropy(Ops.Contiguous(logits.Transpose()), partners, options)) * 0.5;
    }

    private Tensor Scale => Ops.Clamp(_scale, greatest: MostScale);
}
