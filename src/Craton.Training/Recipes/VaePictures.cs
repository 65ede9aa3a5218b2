using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Generative;
using Craton.Tensors;

namespace Craton.Training.Recipes;

/// <summary>What a variational auto-encoder shows of its latent space.</summary>
internal sealed class VaePictures(Vae model, ImageSet test, ulong seed)
{
    private const int Side = 10, Measured = 200;
    private const float Reach = 2.5f;

    private int Width => model.Config.Latent;

    /// <summary>Ten rows, each from one test picture to the next in equal steps through the latent space; from its label to the other's in the middle.</summary>
    public Picture Interpolation()
    {
        using var scope = TensorScope.Open("interpolation");
        (int[] labels, Tensor mean, _) = Encoded(2 * Side);
        ReadOnlySpan<float> means = mean.AsSpan<float>();
        int[] asked = new int[Side * Side];
        Tensor latent = Tensor.Empty(DType.F32, asked.Length, Width);
        Span<float> places = latent.AsSpan<float>();
        for (int i = 0; i < places.Length; i++)
        {
            (int row, int column, int at) = (i / Width / Side, i / Width % Side, i % Width);
            float share = column / (Side - 1f), from = means[2 * row * Width + at], to = means[(2 * row + 1) * Width + at];
            places[i] = from + share * (to - from);
            asked[i / Width] = labels[2 * row + (column < Side / 2 ? 0 : 1)];
        }
        return Grid(model.Draw(asked, latent));
    }

    /// <summary>A row for each of the dimensions that say most of test pictures: a picture of the prior, changed in that dimension from −2.5 to 2.5.</summary>
    public Picture Traversal()
    {
        using var scope = TensorScope.Open("traversal");
        (_, Tensor mean, Tensor logVariance) = Encoded(Math.Min(Measured, test.Count));
        float[] divergence = Ops.Sum(Ops.GaussianKl(mean, logVariance), [0]).ToArray<float>(), start = model.Noise(1, seed).ToArray<float>();
        int[] most = [.. Enumerable.Range(0, Width).OrderByDescending(i => divergence[i]).Take(Side)], asked = new int[most.Length * Side];
        Tensor latent = Tensor.Empty(DType.F32, asked.Length, Width);
        for (int i = 0; i < asked.Length; i++)
        {
            Span<float> place = latent.AsSpan<float>().Slice(i * Width, Width);
            start.CopyTo(place);
            place[most[i / Side]] = Reach * (2f * (i % Side) / (Side - 1) - 1);
        }
        return Grid(model.Draw(asked, latent));
    }

    // The first pictures of the test set.
    private (int[] Labels, Tensor Mean, Tensor LogVariance) Encoded(int count)
    {
        Tensor images = Tensor.Empty(DType.F32, count, model.Pixels);
        int[] labels = new int[count];
        new ImageLoader(test, shuffle: false).Next(images.AsSpan<float>(), model.Shape.Labels > 0 ? labels : []);
        (Tensor mean, Tensor logVariance) = model.Encode(images, labels);
        return (labels, mean, logVariance);
    }

    private Picture Grid(Tensor pictures) => PictureGrid.Of(pictures.AsSpan<float>(), test.Width, test.Height, test.Channels, Side);
}
