using Craton.Training.Configuration;

namespace Craton.Training.Recipes;

// The parts of recipes for models of pictures.

/// <summary>Which pictures: IDX files of grey ones, as paths or as <c>set:NAME/FILE</c> of the data catalogue.</summary>
public sealed record ImageDataSettings : RecipePart
{
    /// <summary>What is learnt.</summary>
    public string Train { get; init; } = "set:mnist/train-images-idx3-ubyte";

    /// <summary>What the bound is measured on.</summary>
    public string Test { get; init; } = "set:mnist/t10k-images-idx3-ubyte";
}

/// <summary>The shape of a variational auto-encoder.</summary>
public sealed record VaeSettings : RecipePart
{
    /// <summary>Widths of the encoder's hidden layers; the decoder has the same in reverse.</summary>
    public IReadOnlyList<int> Hidden { get; init; } = [500, 500];

    /// <summary>Dimensions of the latent space.</summary>
    [Range(1, 65536)]
    public int Latent { get; init; } = 40;

    /// <summary>Weight of the divergence in the training loss; 1 for the bound itself.</summary>
    [NonNegative]
    public double Beta { get; init; } = 1;
}

/// <summary>How long, how wide, and what to do on the way.</summary>
public sealed record ImageLoopSettings : RecipePart
{
    /// <summary>Optimizer steps.</summary>
    [Positive]
    public int Steps { get; init; } = 1000;

    /// <summary>Pictures of a step.</summary>
    [Range(1, 65536)]
    public int Batch { get; init; } = 128;

    /// <summary>Steps between lines of the metrics file.</summary>
    [Positive]
    public int LogEvery { get; init; } = 10;

    /// <summary>Steps between measurements on the test pictures; 0 for none but the last.</summary>
    [NonNegative]
    public int EvalEvery { get; init; } = 500;

    /// <summary>Steps between checkpoints; 0 for the last only.</summary>
    [NonNegative]
    public int SaveEvery { get; init; } = 500;

    /// <summary>Checkpoints kept.</summary>
    [Range(1, 1000)]
    public int Keep { get; init; } = 2;
}
