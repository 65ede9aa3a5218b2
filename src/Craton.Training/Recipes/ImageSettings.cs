using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Training.Configuration;

namespace Craton.Training.Recipes;

// The parts of recipes for models of pictures.

/// <summary>Which pictures: IDX files of grey ones, as paths or as <c>set:NAME/FILE</c> of the data catalogue.</summary>
public record ImageDataSettings : RecipePart
{
    /// <summary>What is learnt.</summary>
    public string Train { get; init; } = "set:mnist/train-images-idx3-ubyte";

    /// <summary>The labels of what is learnt; nothing where the model is told none.</summary>
    public virtual string? Labels { get; init; }

    /// <summary>What is measured on.</summary>
    public string Test { get; init; } = "set:mnist/t10k-images-idx3-ubyte";

    /// <summary>The labels of what is measured on, for models that are measured with labels.</summary>
    public string? TestLabels { get; init; }

    /// <summary>Weights of a reader of digits that judges what is drawn, such as <c>set:weights-small/mnist-cnn/mnist.safetensors</c>; nothing for no judgement.</summary>
    public string? Judge { get; init; }

    /// <summary>How many pictures are judged at the end.</summary>
    [Range(2, 100_000)]
    public int Judged { get; init; } = 1000;
}

/// <summary>Pictures of which each has a label that can be asked for.</summary>
public sealed record LabelledImageSettings : ImageDataSettings
{
    /// <inheritdoc/>
    public override string? Labels { get; init; } = "set:mnist/train-labels-idx1-ubyte";

    /// <inheritdoc/>
    public override IEnumerable<string> Check()
    {
        if (Labels is null) yield return "labels: expected the file of the labels of the pictures, got none";
    }
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

/// <summary>How noise grows over the time of a diffusion process.</summary>
public enum NoiseKind
{
    /// <summary>A. Nichol, P. Dhariwal, 2021.</summary>
    Cosine,
    /// <summary>Shares of noise from 0.0001 to 0.02 in equal steps. J. Ho et al., 2020.</summary>
    Linear,
}

/// <summary>The shape of a diffusion model, and what it is trained to answer.</summary>
public sealed record DiffusionSettings : RecipePart
{
    /// <summary>Pixels along one side of a patch, which the network sees as one.</summary>
    [Range(1, 64)]
    public int Patch { get; init; } = 2;

    /// <summary>Channels of every level, the finest first; each level but the first has half the rows and columns of the one before.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [48, 96];

    /// <summary>Residual blocks of a level, on the way down and again on the way up.</summary>
    [Range(1, 16)]
    public int Blocks { get; init; } = 1;

    /// <summary>How many levels have attention, counted from the coarsest; the middle has it always.</summary>
    [Range(0, 8)]
    public int AttentionLevels { get; init; } = 1;

    /// <summary>Width of a head of attention.</summary>
    [Range(1, 65536)]
    public int HeadWidth { get; init; } = 32;

    /// <summary>Groups of the normalisations.</summary>
    [Range(1, 65536)]
    public int Groups { get; init; } = 8;

    /// <summary>How noise grows.</summary>
    public NoiseKind Noise { get; init; } = NoiseKind.Cosine;

    /// <summary>What the network answers: the noise, the clean picture, or v of T. Salimans, J. Ho, 2022.</summary>
    public Prediction Prediction { get; init; } = Prediction.Velocity;

    /// <summary>How much errors of the clean picture count at most, where they count as v-prediction has them count, 1 + signal / noise; null: errors of
    /// the answer count the same at all timesteps.</summary>
    [Range(1, 1e9)]
    public double? MostWeight { get; init; }

    /// <summary>Which timesteps are learned: 1, all alike; less, those in the middle, where pictures take shape, more often.</summary>
    [Range(0.01, 1)]
    public double TimeSpread { get; init; } = 1;

    /// <summary>Share of pictures whose label is not told, so that drawing can be guided by the difference.</summary>
    [Range(0, 1)]
    public double LabelDrop { get; init; } = 0.1;

    /// <summary>Decay of the moving average of the weights, which is what the model directory gets.</summary>
    [Range(0, 0.99999)]
    public double EmaDecay { get; init; } = 0.999;
}

/// <summary>How a diffusion model draws.</summary>
public sealed record DiffusionDrawingSettings : RecipePart
{
    /// <summary>Steps of the sampler.</summary>
    [Range(1, 1000)]
    public int Steps { get; init; } = 30;

    /// <summary>How far answers are moved away from those without a label; 1 for not at all.</summary>
    [Range(0, 100)]
    public double Guidance { get; init; } = 2;

    /// <summary>How often a picture is given noise again and drawn anew from there, which mends what contradicts the whole.</summary>
    [Range(0, DrawingSettings.MostRestarts)]
    public int Restarts { get; init; }

    /// <summary>After which share of the steps a restart begins.</summary>
    [Range(0, 0.99)]
    public double RestartFrom { get; init; } = 0.5;

    /// <summary>Whether new noise takes the place of some of the old in every step (DDPM), rather than none (DDIM).</summary>
    public bool Renews { get; init; }
}

/// <summary>The shape of both sides of a generative adversarial network.</summary>
public sealed record GanSettings : RecipePart
{
    /// <summary>Dimensions of the noise that a picture is made of.</summary>
    [Range(1, 65536)]
    public int Latent { get; init; } = 64;

    /// <summary>Channels of every level, the finest first; each level but the first has half the rows and columns of the one before.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [16, 32, 64];

    /// <summary>Groups of the generator's normalisations.</summary>
    [Range(1, 65536)]
    public int Groups { get; init; } = 8;

    /// <summary>Decay of the moving average of the generator's weights, which is what the model directory gets.</summary>
    [Range(0, 0.99999)]
    public double EmaDecay { get; init; } = 0.995;
}

/// <summary>What two sides of a generative adversarial network do to each other.</summary>
public enum GanLoss
{
    /// <summary>Logistic (Goodfellow et al. 2014), with a penalty on the gradient at real pictures (Mescheder et al. 2018: R1).</summary>
    NonSaturating,
    /// <summary>Scores beyond ±1 do not count (Lim, Ye 2017); the discriminator's weights are divided by their largest singular values (Miyato et al. 2018).</summary>
    Hinge,
    /// <summary>Differences of mean scores, with a penalty on gradients that are not of length 1 (Gulrajani et al. 2017: WGAN-GP).</summary>
    Wasserstein,
}

/// <summary>How the discriminator is trained.</summary>
public sealed record AdversarySettings : RecipePart
{
    /// <summary>The loss of both sides.</summary>
    public GanLoss Loss { get; init; } = GanLoss.NonSaturating;

    /// <summary>Weight of the penalty: γ of R1, of which half counts, or λ of WGAN-GP, where 10 is usual.</summary>
    [NonNegative]
    public double Penalty { get; init; } = 0.2;

    /// <summary>The penalty is computed in every so-many-th step, with so many times its weight.</summary>
    [Positive]
    public int PenaltyEvery { get; init; } = 4;

    /// <summary>Steps of the discriminator for one of the generator.</summary>
    [Range(1, 100)]
    public int Steps { get; init; } = 1;

    /// <summary>Its learning rate, as a multiple of the generator's.</summary>
    [Positive]
    public double Rate { get; init; } = 1;
}

/// <summary>How long, how wide, and what to do on the way.</summary>
public sealed record ImageLoopSettings : RecipePart
{
    /// <summary>Optimizer steps.</summary>
    [Positive]
    public int Steps { get; init; } = 1000;

    /// <summary>Pictures, or rows of text, of a step.</summary>
    [Range(1, 65536)]
    public int Batch { get; init; } = 128;

    /// <summary>Steps between lines of the metrics file.</summary>
    [Positive]
    public int LogEvery { get; init; } = 10;

    /// <summary>Steps between measurements on what is held out; 0 for none but the last.</summary>
    [NonNegative]
    public int EvalEvery { get; init; } = 500;

    /// <summary>Steps between checkpoints; 0 for the last only.</summary>
    [NonNegative]
    public int SaveEvery { get; init; } = 500;

    /// <summary>Checkpoints kept.</summary>
    [Range(1, 1000)]
    public int Keep { get; init; } = 2;
}
