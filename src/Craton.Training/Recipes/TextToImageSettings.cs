using Craton.Models.Diffusion;
using Craton.Models.Generative;
using Craton.Training.Configuration;

namespace Craton.Training.Recipes;

/// <summary>Trains a model that draws scenes by their captions (Ho et al. 2020; Rombach et al. 2022). The scenes are made while it trains.</summary>
public sealed record TextToImageRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "text-to-image";

    /// <summary>Seed of weights, scenes and noise.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>Directory of a model of the recipe <c>spatial-vae</c>, whose latent numbers are drawn in the place of pixels; null for pixels.</summary>
    public string? Vae { get; init; }

    /// <summary>The model.</summary>
    public TextToImageSettings Model { get; init; } = new();

    /// <summary>How it draws.</summary>
    public SceneDrawingSettings Drawing { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new() { LearningRate = 1e-3, Beta2 = 0.99, WeightDecay = 0.01 };

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new() { Warmup = 200, MinRatio = 0 };

    /// <summary>The loop.</summary>
    public ImageLoopSettings Train { get; init; } = new() { Batch = 32 };

    /// <summary>Captions of each kind that it is judged by: with one thing, two things, several of a kind.</summary>
    [Range(1, 10000)]
    public int JudgedCaptions { get; init; } = 100;
}

/// <summary>How a model that draws scenes draws.</summary>
public sealed record SceneDrawingSettings : RecipePart
{
    /// <summary>Steps of the sampler.</summary>
    [Range(1, 1000)]
    public int Steps { get; init; } = 20;

    /// <summary>How far answers are moved away from those without a caption; 1 for not at all.</summary>
    [Range(0, 100)]
    public double Guidance { get; init; } = 2;

    /// <summary>How often a picture is drawn anew from some of its noise, which mends what contradicts the whole.</summary>
    [Range(0, DrawingSettings.MostRestarts)]
    public int Restarts { get; init; }
}

/// <summary>The shape of a model that draws scenes, and what belongs to its training alone.</summary>
public sealed record TextToImageSettings : RecipePart
{
    /// <summary>Width of the vectors of phrases.</summary>
    [Range(1, 16384)]
    public int TextWidth { get; init; } = 128;

    /// <summary>Layers over each phrase.</summary>
    [Range(0, 64)]
    public int TextLayers { get; init; }

    /// <summary>Channels of every level of the network, the finest first.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [64, 128];

    /// <summary>Residual blocks of a level, on the way down and again on the way up.</summary>
    [Range(1, 16)]
    public int Blocks { get; init; } = 1;

    /// <summary>Levels with attention, counted from the coarsest.</summary>
    [Range(1, 8)]
    public int AttentionLevels { get; init; } = 1;

    /// <summary>Width of a head of attention.</summary>
    [Range(1, 65536)]
    public int HeadWidth { get; init; } = 32;

    /// <summary>Pixels, or places of the latent grid, along one side of a patch, which the network sees as one.</summary>
    [Range(1, 16)]
    public int Patch { get; init; } = 2;

    /// <summary>Share of captions that are left out, so that answers can be guided.</summary>
    [Range(0, 0.9)]
    public double CaptionDropout { get; init; } = 0.1;

    /// <summary>Decay of the moving average of the weights, which is what is judged and kept.</summary>
    [Range(0, 0.99999)]
    public double EmaDecay { get; init; } = 0.999;

    internal SceneDiffusionConfig Shape => new()
    {
        TextWidth = TextWidth,
        TextLayers = TextLayers,
        Network = new() { Widths = Widths, Blocks = Blocks, AttentionLevels = AttentionLevels, HeadWidth = HeadWidth, Patch = Patch },
    };
}
