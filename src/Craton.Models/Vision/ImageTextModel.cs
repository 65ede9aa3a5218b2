using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>Images and texts in one space, in which what belongs together is near: for search, and for classes that are only named.</summary>
public abstract class ImageTextModel : VisionModel
{
    /// <summary>Size of the prepared images: rows, which are as many as columns.</summary>
    public abstract int ImageSize { get; }

    /// <summary>Most tokens of a text.</summary>
    public abstract int LongestText { get; }

    /// <summary>Id with which texts were filled up to <see cref="LongestText"/> in training, without being told apart; null where they were not.</summary>
    public virtual int? FillsTextsWith => null;

    /// <summary>Vectors of images, as the model makes them.</summary>
    /// <param name="pixels">Prepared images [N, channels, H, W].</param>
    /// <param name="interpolate">Images may have another size than those of the training.</param>
    /// <returns>[N, D], of any length.</returns>
    public abstract Tensor ImageFeatures(Tensor pixels, bool interpolate = false);

    /// <summary>Vectors of texts, as the model makes them.</summary>
    /// <param name="ids">Token ids [M, T].</param>
    /// <param name="keyPadding">Which places hold a token, Bool [M, T]; all when null.</param>
    /// <returns>[M, D], of any length.</returns>
    public abstract Tensor TextFeatures(Tensor ids, Tensor? keyPadding = null);

    /// <summary>Scores of every image with every text.</summary>
    /// <param name="images">Vectors of images [N, D].</param>
    /// <param name="texts">Vectors of texts [M, D].</param>
    /// <returns>[N, M].</returns>
    public abstract Tensor Logits(Tensor images, Tensor texts);

    /// <summary>How probable each text is for an image, made of the scores [N, M].</summary>
    public abstract Tensor Probabilities(Tensor logits);

    /// <summary>The loss of pairs, each image [N, D] with the text [N, D] of its row.</summary>
    public abstract Tensor Loss(Tensor images, Tensor texts);

    /// <summary>Vectors of length 1 in the same directions.</summary>
    public static Tensor Normalised(Tensor features) => features / Ops.Norm(features, [-1], keepDim: true);

    /// <summary>The cosines of every image with every text, [N, M].</summary>
    protected static Tensor Cosines(Tensor images, Tensor texts) => Ops.MatMul(Normalised(images), Normalised(texts).Transpose());
}
