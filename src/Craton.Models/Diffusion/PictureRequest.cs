using Craton.Models.Diffusion.Samplers;
using Craton.Tensors;

namespace Craton.Models.Diffusion;

/// <summary>A step on the way to pictures.</summary>
/// <param name="Number">Calls of the network so far.</param>
/// <param name="Count">Calls in all.</param>
/// <param name="Time">The time the network was told.</param>
/// <param name="Picture">What the step gave: codes [N, C, h, w] where the network works on codes.</param>
/// <param name="Answer">What the network answered; under guidance the part without captions first.</param>
public readonly record struct PictureStep(int Number, int Count, double Time, Tensor Picture, Tensor Answer);

/// <summary>What a <see cref="StableDiffusionPipeline"/> is to paint: one picture for each caption.</summary>
public sealed record PictureRequest
{
    /// <summary>What the pictures show.</summary>
    public IReadOnlyList<string> Captions { get; init; } = [];

    /// <summary>What they do not show, one text for each caption; nothing when null.</summary>
    public IReadOnlyList<string>? Negative { get; init; }

    /// <summary>Vectors of captions [N, T, C] in place of <see cref="Captions"/>.</summary>
    public Tensor? Context { get; init; }

    /// <summary>Vectors in place of <see cref="Negative"/>.</summary>
    public Tensor? NegativeContext { get; init; }

    /// <summary>Number of steps and settings of the sampler.</summary>
    public SamplerOptions Sampler { get; init; } = new(50);

    /// <summary>How much more the captions count (<see cref="Diffusion.Guidance"/>); at 1 and below the network is asked once for a step.</summary>
    public double Guidance { get; init; } = 7.5;

    /// <summary>Share of answers under guidance that get their standard deviation back.</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>How many of the last layers of the text encoder captions leave out.</summary>
    public int SkippedLayers { get; init; }

    /// <summary>Height and width of the pictures; those of the image, or of training, when null.</summary>
    public (int Height, int Width)? Size { get; init; }

    /// <summary>Images from 0 to 1 to begin from, [1 or N, C, H, W]; noise alone when null.</summary>
    public Tensor? Image { get; init; }

    /// <summary>How far from the image, from 0 to 1; 0.8 when null, and 1 with a mask.</summary>
    public double? Strength { get; init; }

    /// <summary>Where the image is painted anew, 0.5 and more, [1 or N, 1, H, W]; everywhere when null.</summary>
    public Tensor? Mask { get; init; }

    /// <summary>Told after each step.</summary>
    public Action<PictureStep>? OnStep { get; init; }
}
