using Craton.Tensors;

namespace Craton.Models.Diffusion;

/// <summary>
/// Answers with a caption, made stronger by those without it. J. Ho, T. Salimans, "Classifier-Free Diffusion Guidance", 2022.
/// </summary>
public static class Guidance
{
    /// <summary>plain + scale · (told − plain).</summary>
    /// <param name="plain">Answers without the caption, or with the opposite, [N, C, H, W].</param>
    /// <param name="told">Answers with it.</param>
    /// <param name="scale">How strong; 1 changes nothing.</param>
    /// <param name="rescale">Share of the result that gets the standard deviation of told back, image by image (Lin et al. 2023).</param>
    public static Tensor Combine(Tensor plain, Tensor told, double scale, double rescale = 0)
    {
        Tensor guided = plain + (told - plain) * scale;
        if (rescale == 0) return guided;
        return guided * (Deviation(told) / Deviation(guided)) * rescale + guided * (1 - rescale);
    }

    // Image by image, [N, 1, 1, 1].
    private static Tensor Deviation(Tensor x) => Ops.Sqrt(Ops.Variance(x, [1, 2, 3], keepDim: true));
}
