using Craton.Models.Diffusion.Samplers;
using Craton.Training.Configuration;

namespace Craton.Training.Recipes;

/// <summary>Trains a language model from nothing.</summary>
public sealed record PretrainRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "pretrain";

    /// <summary>Seed of weights, order of data and samples.</summary>
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

    /// <summary>The loop.</summary>
    public LoopSettings Train { get; init; } = new();
}

/// <summary>Continues pre-training of a model on new text, mixed with a share of the old so that it is not forgotten.</summary>
public sealed record ContinueRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "continue";

    /// <summary>Seed of the order of data and samples.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>Directory of the model to continue from.</summary>
    public required string Base { get; init; }

    /// <summary>The new text.</summary>
    public DataSettings Data { get; init; } = new();

    /// <summary>The old text, replayed.</summary>
    public DataSettings? Replay { get; init; }

    /// <summary>Share of rows that come from the old text.</summary>
    [Range(0, 0.99)]
    public double ReplayFraction { get; init; } = 0.25;

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new() { LearningRate = 1e-3 };

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new();

    /// <summary>The loop.</summary>
    public LoopSettings Train { get; init; } = new();
}

/// <summary>Instruction tuning: conversations, with the loss on the assistant's turns only (Ouyang et al. 2022).</summary>
public record SftRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "sft";

    /// <summary>Seed of the order of data and samples.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>Directory of the model to tune.</summary>
    public required string Base { get; init; }

    /// <summary><c>dotnet-docs</c> for questions about the machine's documentation, or JSON lines of <c>messages</c> or <c>prompt</c>/<c>completion</c>.</summary>
    public DataSettings Data { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new() { LearningRate = 1e-3, WeightDecay = 0 };

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new() { Warmup = 20 };

    /// <summary>The loop.</summary>
    public LoopSettings Train { get; init; } = new() { Steps = 300 };
}

/// <summary>Instruction tuning of a LoRA adapter: the model stays as it is, and a small adapter beside it learns (Hu et al. 2021).</summary>
public sealed record LoraRecipe : SftRecipe
{
    /// <summary>Changes the defaults where an adapter wants others.</summary>
    public LoraRecipe() => Name = "lora";

    /// <summary>The adapter.</summary>
    public LoraSettings Lora { get; init; } = new();
}

/// <summary>A variational auto-encoder of pictures (Kingma, Welling 2014); with <c>data.labels</c> and <c>data.test_labels</c> one that is told them.</summary>
public sealed record VaeRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "vae";

    /// <summary>Seed of weights, order of pictures and noise.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>The pictures.</summary>
    public ImageDataSettings Data { get; init; } = new();

    /// <summary>The model.</summary>
    public VaeSettings Model { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new() { LearningRate = 1e-3, Beta2 = 0.999, WeightDecay = 0, ClipNorm = 0 };

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new() { MinRatio = 0 };

    /// <summary>The loop.</summary>
    public ImageLoopSettings Train { get; init; } = new();

    /// <inheritdoc/>
    public override IEnumerable<string> Check()
    {
        if (Data.Labels is null != Data.TestLabels is null) yield return "data: expected both labels and test_labels, or neither";
    }
}

/// <summary>Diffusion that draws what a label asks for (Ho et al. 2020; Ho, Salimans 2022).</summary>
public sealed record DiffusionRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "diffusion";

    /// <summary>Seed of weights, order of pictures and noise.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>The pictures and their labels.</summary>
    public LabelledImageSettings Data { get; init; } = new();

    /// <summary>The model.</summary>
    public DiffusionSettings Model { get; init; } = new();

    /// <summary>How it draws.</summary>
    public DiffusionDrawingSettings Drawing { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new() { LearningRate = 2e-3, Beta2 = 0.99, WeightDecay = 0.01 };

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new() { Warmup = 100, MinRatio = 0.02 };

    /// <summary>The loop.</summary>
    public ImageLoopSettings Train { get; init; } = new() { Batch = 32 };

    /// <inheritdoc/>
    public override IEnumerable<string> Check()
    {
        if (Model.Prediction == Prediction.Flow) yield return "model.prediction: expected noise, clean or velocity, got flow, which the sampler does not know";
    }
}

/// <summary>A generative adversarial network that draws what a label asks for (Goodfellow et al. 2014; Radford et al. 2016; Miyato, Koyama 2018).</summary>
public sealed record GanRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "gan";

    /// <summary>Seed of weights, order of pictures and noise.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>The pictures and their labels.</summary>
    public LabelledImageSettings Data { get; init; } = new();

    /// <summary>Both sides.</summary>
    public GanSettings Model { get; init; } = new();

    /// <summary>How the discriminator is trained.</summary>
    public AdversarySettings Adversary { get; init; } = new();

    /// <summary>The optimizer of both sides.</summary>
    public OptimizerSettings Optimizer { get; init; } = new() { LearningRate = 1e-3, Beta1 = 0, Beta2 = 0.99, WeightDecay = 0, ClipNorm = 0 };

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new() { MinRatio = 0.05 };

    /// <summary>The loop.</summary>
    public ImageLoopSettings Train { get; init; } = new() { Batch = 64 };
}
