using Craton.Training.Configuration;

namespace Craton.Training.Tests.Configuration;

public enum SampleSchedule
{
    Constant,
    WarmupCosine,
    WSD,
}

public sealed record SampleOptimizer : RecipePart
{
    [Positive] public double LearningRate { get; init; } = 1e-3;
    [Range(0, 1)] public float Beta1 { get; init; } = 0.9f;
    [NonNegative] public double WeightDecay { get; init; } = 0.1;
    public SampleSchedule Schedule { get; init; } = SampleSchedule.WarmupCosine;
}

public sealed record SampleSource : RecipePart
{
    public required string Path { get; init; }
    [Positive] public double Weight { get; init; } = 1;
}

public sealed record SampleLora : RecipePart
{
    [Range(1, 512)] public int Rank { get; init; } = 8;
    public IReadOnlyList<string> Targets { get; init; } = ["q_proj", "v_proj"];
}

public sealed record SampleRecipe : RecipePart
{
    public required string Name { get; init; }
    [Positive] public int Steps { get; init; } = 100;
    [Positive] public long Tokens { get; init; } = 1_000_000;
    [Positive] public int Width { get; init; } = 64;
    [Positive] public int Heads { get; init; } = 4;
    public bool TieEmbeddings { get; init; } = true;
    public string? Base { get; init; }
    public double? ClipNorm { get; init; } = 1;
    public SampleOptimizer Optimizer { get; init; } = new() { LearningRate = 3e-4 };
    public SampleLora? Lora { get; init; }
    public IReadOnlyList<SampleSource> Data { get; init; } = [];
    public int[] Milestones { get; init; } = [];
    public IReadOnlyList<double> Betas { get; init; } = [0.9, 0.95];

    public override IEnumerable<string> Check()
    {
        if (Width % Heads != 0) yield return $"width must be a multiple of heads, got {Width} and {Heads}";
    }
}
