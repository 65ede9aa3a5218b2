using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Generative;
using Craton.Tensors;

namespace Craton.Training.Recipes;

/// <summary>What a variational auto-encoder shows of itself.</summary>
internal sealed class VaePictures(Vae model, ImageSet test, ulong seed)
{
    private const int Side = 10;

    /// <summary>A hundred pictures from the prior.</summary>
    public Picture Samples() => Grid(Drawn(Side * Side));

    /// <summary>Pictures from the prior, [count, pixels] of 0 to 1.</summary>
    public float[] Drawn(int count)
    {
        using var scope = TensorScope.Open("samples");
        Tensor latent = Tensor.Empty(DType.F32, count, model.Config.Latent);
        new CounterRandom(seed, place: CounterRandom.PlaceOf("vae.samples")).FillNormal(latent.AsSpan<float>());
        return Ops.Sigmoid(model.Decode(latent)).ToArray<float>();
    }

    /// <summary>Ten rows, each from one test picture to the next in equal steps through the latent space.</summary>
    public Picture Interpolation()
    {
        using var scope = TensorScope.Open("interpolation");
        Tensor images = Tensor.Empty(DType.F32, 2 * Side, model.Config.Pixels), latent = Tensor.Empty(DType.F32, Side * Side, model.Config.Latent);
        new ImageLoader(test, shuffle: false).Next(images.AsSpan<float>());
        ReadOnlySpan<float> means = model.Encode(images).Mean.AsSpan<float>();
        Span<float> places = latent.AsSpan<float>();
        int width = model.Config.Latent;
        for (int i = 0; i < places.Length; i++)
        {
            (int row, int column, int at) = (i / width / Side, i / width % Side, i % width);
            float share = column / (Side - 1f), from = means[2 * row * width + at], to = means[(2 * row + 1) * width + at];
            places[i] = from + share * (to - from);
        }
        return Grid(Ops.Sigmoid(model.Decode(latent)).AsSpan<float>());
    }

    private Picture Grid(ReadOnlySpan<float> pictures) => PictureGrid.Of(pictures, test.Width, test.Height, test.Channels, Side);
}
