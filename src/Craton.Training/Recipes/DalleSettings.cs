using Craton.Models.Generative;
using Craton.Training.Configuration;

namespace Craton.Training.Recipes;

/// <summary>Trains an auto-encoder of scenes whose codes are numbers of a codebook (van den Oord et al. 2017). The scenes are made while it trains.</summary>
public sealed record VqVaeRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "vq-vae";

    /// <summary>Seed of weights, scenes and new codes.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>The model.</summary>
    public VqVaeSettings Model { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new() { LearningRate = 2e-3, Beta2 = 0.99, WeightDecay = 0, ClipNorm = 0.2 };

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new() { Warmup = 100, MinRatio = 0 };

    /// <summary>The loop.</summary>
    public ImageLoopSettings Train { get; init; } = new() { Batch = 16 };
}

/// <summary>The shape of an auto-encoder with a codebook, and what belongs to its training alone.</summary>
public sealed record VqVaeSettings : RecipePart
{
    /// <summary>Channels of the residual blocks.</summary>
    [Range(2, 4096)]
    public int Width { get; init; } = 96;

    /// <summary>Residual blocks of the encoder, and of the decoder.</summary>
    [Range(0, 64)]
    public int Blocks { get; init; } = 2;

    /// <summary>Vectors of a codebook.</summary>
    [Range(2, 16384)]
    public int Codes { get; init; } = 512;

    /// <summary>Codebooks: a place has a code of each, which stands for what those before it left over.</summary>
    [Range(1, 16)]
    public int Levels { get; init; } = 4;

    /// <summary>Weight of the encoder's distance from the codebook, beside the mean squared error of pictures of 0 to 1.</summary>
    [NonNegative]
    public double Commitment { get; init; } = 0.25;

    /// <summary>Share of the running means that a step keeps.</summary>
    [Range(0, 0.9999)]
    public double Decay { get; init; } = 0.99;

    /// <summary>A vector of the codebook is replaced when, in the running mean, it is the nearest of fewer than this many places of a batch.</summary>
    [Positive]
    public double LeastUse { get; init; } = 0.03;

    /// <summary>Held-out scenes that it is measured on.</summary>
    [Range(1, 10000)]
    public int TestScenes { get; init; } = 300;

    internal VqVaeConfig Shape => new(3, Width, Blocks, Codes, Levels);
}

/// <summary>
/// Trains a model that draws scenes by their captions, code by code (Ramesh et al. 2021): first the auto-encoder that the codes are of, then one
/// transformer over captions and codes.
/// </summary>
public sealed record DalleRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "dalle";

    /// <summary>Seed of weights, scenes and drawings.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>Directory of a trained auto-encoder; null to train one first, in <c>vq-vae</c> within the run's folder.</summary>
    public string? Base { get; init; }

    /// <summary>The auto-encoder's training.</summary>
    public VqVaeStage VqVae { get; init; } = new();

    /// <summary>The transformer.</summary>
    public DalleSettings Model { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new() { LearningRate = 2e-3, Beta2 = 0.98, WeightDecay = 0.05 };

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new() { Warmup = 200, MinRatio = 0 };

    /// <summary>The loop.</summary>
    public ImageLoopSettings Train { get; init; } = new() { Batch = 64 };

    /// <summary>How it is judged on the way.</summary>
    public DalleJudgeSettings Judge { get; init; } = new();
}

/// <summary>How the auto-encoder of a <see cref="DalleRecipe"/> is trained.</summary>
public sealed record VqVaeStage : RecipePart
{
    /// <summary>The model.</summary>
    public VqVaeSettings Model { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new VqVaeRecipe().Optimizer;

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new VqVaeRecipe().Schedule;

    /// <summary>The loop.</summary>
    public ImageLoopSettings Train { get; init; } = new VqVaeRecipe().Train;

    internal VqVaeRecipe Recipe(long seed) => new() { Seed = seed, Model = Model, Optimizer = Optimizer, Schedule = Schedule, Train = Train };
}

/// <summary>The shape of the transformer, and what belongs to its training alone.</summary>
public sealed record DalleSettings : RecipePart
{
    /// <summary>Layers.</summary>
    [Range(1, 128)]
    public int Depth { get; init; } = 5;

    /// <summary>Width of the stream.</summary>
    [Range(2, 65536)]
    public int Width { get; init; } = 192;

    /// <summary>Attention heads.</summary>
    [Range(1, 1024)]
    public int Heads { get; init; } = 6;

    /// <summary>Tokens of a caption, with its begin and its end.</summary>
    [Range(3, 1024)]
    public int CaptionTokens { get; init; } = 16;

    /// <summary>Share of the rows of a batch in which the picture comes first and the caption is learnt.</summary>
    [Range(0, 0.9)]
    public double ReadShare { get; init; } = 0.25;

    /// <inheritdoc/>
    public override IEnumerable<string> Check()
    {
        if (Width % (2 * Heads) != 0) yield return $"width is {Width}, expected a multiple of twice the number of heads ({Heads}), since positions turn pairs";
    }
}

/// <summary>How a model that draws code by code is judged: by pictures of held-out captions, and a checker that looks at their pixels.</summary>
public sealed record DalleJudgeSettings : RecipePart
{
    /// <summary>Captions of each kind: one thing, two things, several of a kind.</summary>
    [Range(1, 10000)]
    public int Captions { get; init; } = 100;

    /// <summary>Pictures drawn for a caption, of which the best is judged.</summary>
    [Range(1, 1024)]
    public int Samples { get; init; } = 8;

    /// <summary>What the best is: the model tells, not the checker.</summary>
    public DalleRanking Rerank { get; init; }

    /// <summary>Directory of a model of pictures and texts that tells the best instead, such as one of the recipe clip; null for none.</summary>
    public string? Clip { get; init; }

    /// <summary>Divides the scores of codes.</summary>
    [Range(0.01, 100)]
    public double Temperature { get; init; } = 1;

    /// <summary>Only the best K codes; 0 for all.</summary>
    [NonNegative]
    public int TopK { get; init; }

    internal DalleDrawing Drawing => new(Samples, Rerank, Temperature, TopK);
}
