using Craton.Tensors;

namespace Craton.Evaluation.Images;

/// <summary>How well pictures fit their captions, by vectors that one model (CLIP) makes of both. J. Hessel et al., "CLIPScore", 2021.</summary>
public static class CaptionScores
{
    /// <summary>The cosine of each picture with its caption.</summary>
    /// <param name="images">[count, width].</param>
    /// <param name="texts">[count, width].</param>
    /// <param name="count">Number of pairs.</param>
    /// <param name="width">Size of a vector.</param>
    /// <exception cref="CratonException">The sizes do not fit, or a number is not finite.</exception>
    public static double[] Cosines(ReadOnlySpan<double> images, ReadOnlySpan<double> texts, int count, int width)
    {
        var image = new VectorSet("caption_score", nameof(images), images, count, width, least: 1);
        var text = new VectorSet("caption_score", nameof(texts), texts, count, width, least: 1);
        double[] cosines = new double[count];
        for (int i = 0; i < count; i++) cosines[i] = VectorSet.Cosine(image[i], text[i]);
        return cosines;
    }

    /// <summary>Hundred times the mean cosine, at least 0.</summary>
    public static double Percent(IReadOnlyCollection<double> cosines) => Math.Max(100 * cosines.Average(), 0);

    /// <summary>The mean of 2.5 times each cosine, where it is not negative: the paper's scale.</summary>
    public static double Scaled(IReadOnlyCollection<double> cosines) => cosines.Average(c => 2.5 * Math.Max(c, 0));

    /// <summary>
    /// Whether edited pictures moved as their captions did: the cosine of the differences of normalised vectors, edited less original, for each
    /// pair. R. Gal et al., "StyleGAN-NADA", 2022.
    /// </summary>
    /// <param name="images">Pictures before, [count, width].</param>
    /// <param name="editedImages">Pictures after.</param>
    /// <param name="texts">Captions before.</param>
    /// <param name="editedTexts">Captions after.</param>
    /// <param name="count">Number of pairs.</param>
    /// <param name="width">Size of a vector.</param>
    /// <exception cref="CratonException">The sizes do not fit, or a number is not finite.</exception>
    public static double[] Directional(
        ReadOnlySpan<double> images, ReadOnlySpan<double> editedImages, ReadOnlySpan<double> texts, ReadOnlySpan<double> editedTexts, int count, int width)
    {
        var image = new VectorSet("caption_score", nameof(images), images, count, width, least: 1);
        var editedImage = new VectorSet("caption_score", nameof(editedImages), editedImages, count, width, least: 1);
        var text = new VectorSet("caption_score", nameof(texts), texts, count, width, least: 1);
        var editedText = new VectorSet("caption_score", nameof(editedTexts), editedTexts, count, width, least: 1);
        double[] cosines = new double[count];
        for (int i = 0; i < count; i++) cosines[i] = VectorSet.Cosine(Move(image[i], editedImage[i]), Move(text[i], editedText[i]));
        return cosines;
    }

    private static double[] Move(ReadOnlySpan<double> from, ReadOnlySpan<double> to)
    {
        double lengthFrom = Math.Sqrt(VectorSet.Dot(from, from)), lengthTo = Math.Sqrt(VectorSet.Dot(to, to));
        double[] move = new double[from.Length];
        for (int i = 0; i < move.Length; i++) move[i] = (lengthTo > 0 ? to[i] / lengthTo : 0) - (lengthFrom > 0 ? from[i] / lengthFrom : 0);
        return move;
    }
}
