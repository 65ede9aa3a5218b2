using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>The shape of a <see cref="VqVae"/>.</summary>
/// <param name="Channels">Channels of pictures.</param>
/// <param name="Width">Channels of the residual blocks.</param>
/// <param name="Blocks">Residual blocks of the encoder, and of the decoder.</param>
/// <param name="Codes">Vectors of a codebook.</param>
/// <param name="Levels">Codebooks, and so codes of a place.</param>
public sealed record VqVaeConfig(int Channels, int Width, int Blocks, int Codes, int Levels)
{
    private const int Most = 1 << 14, MostChannels = 64, MostLevels = 16;

    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    internal VqVaeConfig(ConfigReader read) : this(read.Int("channels"), read.Int("width"), read.Int("blocks"), read.Int("codes"), read.Int("levels")) { }

    internal JsonObject ToJson() => new() { ["channels"] = Channels, ["width"] = Width, ["blocks"] = Blocks, ["codes"] = Codes, ["levels"] = Levels };

    /// <summary>Numbers of a vector of a codebook: those of the pixels it stands for.</summary>
    internal int CodeWidth => Channels * VqVae.Patch * VqVae.Patch;

    internal void Validate()
    {
        foreach ((string name, int value, int least, int most) in (ReadOnlySpan<(string, int, int, int)>)[("channels", Channels, 1, MostChannels), ("width", Width, 2, Most), ("blocks", Blocks, 0, Most), ("codes", Codes, 2, Most), ("levels", Levels, 1, MostLevels)])
            if (value < least || value > most) throw new CratonException($"[vq_vae] {name}: expected {least} to {most}, got {value}");
    }
}

/// <summary>What a <see cref="VqVae"/> makes of some pictures.</summary>
/// <param name="Reconstruction">Mean squared error of the numbers of pictures.</param>
/// <param name="Commitment">Mean squared distance of the encoder's vectors from those that stand for them, summed over levels; its gradient goes to the encoder.</param>
/// <param name="Vectors">The encoder's vectors [N · places, code width], without gradient: what the codebooks learn from.</param>
/// <param name="Perplexity">How many vectors of a codebook are in use, in effect: the mean of the levels.</param>
public readonly record struct VqVaeLoss(Tensor Reconstruction, Tensor Commitment, Tensor Vectors, Tensor Perplexity);

/// <summary>
/// An auto-encoder whose codes are numbers of vectors of codebooks: A. van den Oord, O. Vinyals, K. Kavukcuoglu, "Neural Discrete Representation
/// Learning", 2017. Every 4 × 4 pixels have a code of each level; a level's vector stands for what those before it left over, and the sum of them is
/// what is decoded (D. Lee et al., "Autoregressive Image Generation using Residual Quantization", 2022). The codebooks follow the encoder by running
/// means (appendix A of the first), so no optimizer trains them. What is coded are the pixels themselves, changed by what a network of convolutions makes
/// of their surroundings, and so is what is decoded: at first, when both networks add nothing, the codebooks are clusters of pixels.
/// </summary>
public sealed class VqVae : Module
{
    /// <summary>Pixels of a side of a place.</summary>
    public const int Patch = PatchCoding.Patch;

    private const double Grey = 0.5; // the middle of pixels

    private readonly VqSurroundings _encoder, _decoder;
    private readonly VqCodebook[] _codebooks;

    /// <summary>Creates the model with zeroed parameters.</summary>
    /// <exception cref="CratonException">A size is out of range.</exception>
    public VqVae(VqVaeConfig config)
    {
        config.Validate();
        Config = config;
        _encoder = Child("encoder", new VqSurroundings(config));
        _decoder = Child("decoder", new VqSurroundings(config));
        _codebooks = Children("codebooks", config.Levels, _ => new VqCodebook(config.Codes, config.CodeWidth));
    }

    /// <summary>Its shape.</summary>
    public VqVaeConfig Config { get; }

    /// <summary>First weights: normal, of variance 2 / inputs (He et al. 2015); the last of either network 0. The codebooks are empty until they first follow the encoder.</summary>
    /// <param name="seed">Seed of the model.</param>
    public VqVae Initialize(ulong seed)
    {
        uint index = 0;
        foreach (Tensor weight in _encoder.Inner.Concat(_decoder.Inner)) Init.Normal(weight, Math.Sqrt(2.0 / (weight.Size(1) * weight.Size(2) * weight.Size(3))), seed, index++);
        return this;
    }

    /// <summary>Losses of pictures [N, channels, H, W] of 0 to 1; the gradient goes through the codes unchanged.</summary>
    public VqVaeLoss Loss(Tensor images)
    {
        Tensor vectors = Vectors(images);
        Tensor left = vectors, commitment = Tensor.Zeros(DType.F32), perplexity = Tensor.Zeros(DType.F32);
        foreach (VqCodebook codebook in _codebooks)
        {
            QuantizedVectors found = Ops.VectorQuantize(left, codebook.Vectors);
            left -= found.Quantized.Detach();
            (commitment, perplexity) = (commitment + found.Commitment, perplexity + found.Perplexity);
        }
        Tensor made = Decoded((vectors - left.Detach()).View(images.Size(0), images.Size(2) / Patch, images.Size(3) / Patch, Config.CodeWidth));
        return new(Ops.MseLoss(made, images), commitment, vectors.Detach(), perplexity * (1.0 / Config.Levels));
    }

    /// <summary>The codes of pictures: [N, channels, H, W] → I64 [N, H/4 · W/4, levels], row by row.</summary>
    public Tensor Encode(Tensor images)
    {
        Tensor left = Vectors(images).Detach();
        var codes = new Tensor[Config.Levels];
        for (int level = 0; level < codes.Length; level++) (codes[level], left) = _codebooks[level].Take(left);
        return Ops.Stack(1, codes).View(images.Size(0), -1, Config.Levels);
    }

    /// <summary>The pictures of codes.</summary>
    /// <param name="codes">I32 or I64 [N, places, levels].</param>
    /// <param name="columns">Places of a row.</param>
    /// <returns>[N, channels, H, W], about 0 to 1.</returns>
    public Tensor Decode(Tensor codes, int columns)
    {
        Tensor sum = Of(0);
        for (int level = 1; level < Config.Levels; level++) sum += Of(level);
        return Decoded(sum.View(codes.Size(0), -1, columns, Config.CodeWidth));

        Tensor Of(int level) => Ops.Embedding(_codebooks[level].Vectors, Ops.Contiguous(Ops.Select(codes, 2, level)).View(codes.Size(0), -1));
    }

    /// <summary>Moves the codebooks towards the encoder's vectors, and puts vectors of them in the place of those that are hardly used; the first call fills the codebooks so.</summary>
    /// <param name="vectors">[N, code width].</param>
    /// <param name="decay">Share of the running means that stays.</param>
    /// <param name="leastUse">Of how many vectors, in the running mean, one of a codebook must be the nearest to stay.</param>
    /// <param name="random">Decides which are taken.</param>
    /// <returns>How many were put in.</returns>
    public int MoveCodebooks(Tensor vectors, double decay, double leastUse, CounterRandom random)
    {
        int replaced = 0;
        for (int level = 0; level < Config.Levels; level++)
        {
            replaced += _codebooks[level].Move(vectors, decay, leastUse, random, level * Config.Codes);
            vectors = _codebooks[level].Take(vectors).Left;
        }
        return replaced;
    }

    // [N, C, H, W] → [N · places, code width]
    private Tensor Vectors(Tensor images)
    {
        PatchCoding.Check("vq_vae", images, Config.Channels);
        (int count, int rows, int columns) = (images.Size(0), images.Size(2) / Patch, images.Size(3) / Patch);
        Tensor patches = Ops.Contiguous((images - Grey).View(count, Config.Channels, rows, Patch, columns, Patch).Permute(0, 1, 3, 5, 2, 4));
        return Ops.Contiguous(_encoder.Forward(patches.View(count, Config.CodeWidth, rows, columns)).Permute(0, 2, 3, 1)).View(-1, Config.CodeWidth);
    }

    // [N, rows, columns, code width] → [N, C, H, W]
    private Tensor Decoded(Tensor vectors)
    {
        (int count, int rows, int columns) = (vectors.Size(0), vectors.Size(1), vectors.Size(2));
        Tensor patches = _decoder.Forward(Ops.Contiguous(vectors.Permute(0, 3, 1, 2))).View(count, Config.Channels, Patch, Patch, rows, columns);
        return Ops.Contiguous(patches.Permute(0, 1, 4, 2, 5, 3)).View(count, Config.Channels, rows * Patch, columns * Patch) + Grey;
    }
}

/// <summary>Changes the vectors of places [N, code width, rows, columns] by what lies around them.</summary>
internal sealed class VqSurroundings : Module
{
    private readonly Conv2d _enter, _leave;
    private readonly PatchBlock[] _blocks;

    public VqSurroundings(VqVaeConfig config)
    {
        _enter = Child("enter", new Conv2d(config.CodeWidth, config.Width, 3, new() { Padding = 1 }));
        _blocks = Children("blocks", config.Blocks, _ => new PatchBlock(config.Width));
        _leave = Child("leave", new Conv2d(config.Width, config.CodeWidth, 1));
    }

    /// <summary>The weights of all layers but the last.</summary>
    public IEnumerable<Tensor> Inner => NamedParameters().Select(p => p.Tensor).Where(weight => weight.Rank == 4 && weight != _leave.Weight);

    public Tensor Forward(Tensor vectors)
    {
        Tensor x = _enter.Forward(vectors);
        foreach (PatchBlock block in _blocks) x = block.Forward(x);
        return vectors + _leave.Forward(Ops.Relu(x));
    }
}
