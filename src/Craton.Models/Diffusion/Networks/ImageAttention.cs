using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>What a text tells a network.</summary>
/// <param name="States">Vectors of its tokens, [N, T, C].</param>
/// <param name="Bias">Added to the scores of its tokens, [N, 1, 1, T]; null where all count.</param>
internal sealed record TextContext(Tensor States, Tensor? Bias)
{
    private const double Unseen = -10000;

    /// <summary>Texts of which some tokens count.</summary>
    /// <param name="states">[N, T, C].</param>
    /// <param name="mask">1 for tokens that count and 0 for others, F32 [N, T]; all count when null.</param>
    public static TextContext Of(Tensor states, Tensor? mask) => states.Rank == 3
        ? new(states, mask is null ? null : ((mask - 1) * -Unseen).View(mask.Size(0), 1, 1, mask.Size(1)))
        : throw new CratonException($"[text] context: expected vectors of tokens [N, T, C], got {states.Layout}");
}

/// <summary>A layer in which the pixels of an image see each other.</summary>
internal abstract class ImageAttention : Module
{
    /// <summary>x [N, C, H, W] → the same shape.</summary>
    /// <param name="x">Images.</param>
    /// <param name="context">The text the pixels see as well, where the layer knows texts.</param>
    public abstract Tensor Forward(Tensor x, TextContext? context = null);
}
