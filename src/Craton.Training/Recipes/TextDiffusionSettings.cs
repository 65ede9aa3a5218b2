using Craton.Training.Configuration;

namespace Craton.Training.Recipes;

/// <summary>Trains a language model that denoises, from nothing (Sahoo et al. 2024; Nie et al. 2025).</summary>
public sealed record TextDiffusionRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "text-diffusion";

    /// <summary>Seed of weights, order of data, masks and samples.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>The text.</summary>
    public DataSettings Data { get; init; } = new();

    /// <summary>The tokenizer.</summary>
    public TokenizerSettings Tokenizer { get; init; } = new();

    /// <summary>The model.</summary>
    public ModelSettings Model { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new();

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new();

    /// <summary>The loop; a batch is of rows.</summary>
    public ImageLoopSettings Train { get; init; } = new() { Batch = 32 };

    /// <summary>Decay of the moving average of the weights, which is what is measured and kept.</summary>
    [Range(0, 0.99999)]
    public double EmaDecay { get; init; } = 0.999;

    /// <summary>Held-out rows that the bound is measured on.</summary>
    [Range(1, 1_000_000)]
    public int MeasuredRows { get; init; } = 1000;

    /// <inheritdoc/>
    public override IEnumerable<string> Check()
    {
        if (Data.ValidFraction == 0) yield return "data.valid_fraction: expected more than 0, since the model is measured on text that is held out";
    }
}
