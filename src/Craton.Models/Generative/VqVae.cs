using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>The shape of a <see cref="VqVae"/>.</summary>
/// <param name="Channels">Channels of pictures.</param>
/// <param name="Width">Channels of the residual blocks; the layer next to the pixels has half as many.</param>
/// <param name="Blocks">Residual blocks of the encoder, and of the decoder.</param>
/// <param name="CodeWidth">Numbers of a vector of the codebook.</param>
/// <param name="Codes">Vectors of the codebook.</param>
public sealed record VqVaeConfig(int Channels, int Width, int Blocks, int CodeWidth, int Codes)
{
    private const int Most = 1 << 14;

    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    internal VqVaeConfig(ConfigReader read) : this(read.Int("channels"), read.Int("width"), read.Int("blocks"), read.Int("code_width"), read.Int("codes")) { }

    internal JsonObject ToJson() => new() { ["channels"] = Channels, ["width"] = Width, ["blocks"] = Blocks, ["code_width"] = CodeWidth, ["codes"] = Codes };

    internal void Validate()
    {
        foreach ((string name, int value, int least) in (ReadOnlySpan<(string, int, int)>)[("channels", Channels, 1), ("width", Width, 2), ("blocks", Blocks, 0), ("code_width", CodeWidth, 1), ("codes", Codes, 2)])
            if (value < least || value > Most) throw new CratonException($"[vq_vae] {name}: expected {least} to {Most}, got {value}");
    }
}

/// <summary>What a <see cref="VqVae"/> makes of some pictures.</summary>
/// <param name="Reconstruction">Mean squared error of the numbers of pictures.</param>
/// <param name="Commitment">Mean squared distance of the encoder's vectors from the codebook's, whose gradient goes to the encoder.</param>
/// <param name="Vectors">The encoder's vectors [N · places, code width], without gradient: what the codebook learns from.</param>
/// <param name="Perplexity">How many vectors of the codebook are in use, in effect.</param>
public readonly record struct VqVaeLoss(Tensor Reconstruction, Tensor Commitment, Tensor Vectors, Tensor Perplexity);

/// <summary>
/// An auto-encoder whose codes are numbers of vectors of a codebook, one for 4 × 4 pixels: A. van den Oord, O. Vinyals, K. Kavukcuoglu, "Neural
/// Discrete Representation Learning", 2017. The codebook follows the encoder by running means (its appendix A), so no optimizer trains it.
/// The encoder's vectors are normalised, so that their scale cannot run away from it.
/// </summary>
public sealed class VqVae : Module
{
    /// <summary>Pixels of a side of what one code stands for.</summary>
    public const int Patch = PatchCoding.Patch;

    private readonly PatchEncoder _encoder;
    private readonly PatchDecoder _decoder;
    private readonly LayerNorm _norm;
    private readonly Tensor _codebook, _counts, _sums;

    /// <summary>Creates the model with zeroed parameters.</summary>
    /// <exception cref="CratonException">A size is out of range.</exception>
    public VqVae(VqVaeConfig config)
    {
        config.Validate();
        Config = config;
        _encoder = Child("encoder", new PatchEncoder(config.Channels, config.Width, config.Blocks, ("to_code", config.CodeWidth)));
        _norm = Child("norm", new LayerNorm(config.CodeWidth, affine: false));
        _decoder = Child("decoder", new PatchDecoder(config.Channels, config.Width, config.Blocks, ("from_code", config.CodeWidth)));
        _codebook = Buffer("codebook.vectors", 0, config.Codes, config.CodeWidth);
        _counts = Buffer("codebook.counts", 0, config.Codes);
        _sums = Buffer("codebook.sums", 0, config.Codes, config.CodeWidth);
    }

    /// <summary>Its shape.</summary>
    public VqVaeConfig Config { get; }

    /// <summary>First weights: normal, of variance 2 / inputs (He et al. 2015); biases 0. The codebook is empty until it first follows the encoder.</summary>
    /// <param name="seed">Seed of the model.</param>
    public VqVae Initialize(ulong seed)
    {
        PatchCoding.Initialize(this, seed);
        return this;
    }

    /// <summary>Losses of pictures [N, channels, H, W] of 0 to 1; the gradient goes through the codes unchanged.</summary>
    public VqVaeLoss Loss(Tensor images)
    {
        Tensor vectors = Vectors(images);
        QuantizedVectors found = Ops.VectorQuantize(vectors, _codebook);
        Tensor made = Decoded(found.Quantized.View(images.Size(0), images.Size(2) / Patch, images.Size(3) / Patch, Config.CodeWidth));
        return new(Ops.MseLoss(made, images), found.Commitment, vectors.Detach(), found.Perplexity);
    }

    /// <summary>The codes of pictures: [N, channels, H, W] → I64 [N, H/4 · W/4], row by row.</summary>
    public Tensor Encode(Tensor images) => Ops.NearestVectors(Vectors(images), _codebook).View(images.Size(0), -1);

    /// <summary>The pictures of codes.</summary>
    /// <param name="codes">I32 or I64 [N, places].</param>
    /// <param name="columns">Codes of a row.</param>
    /// <returns>[N, channels, H, W], about 0 to 1.</returns>
    public Tensor Decode(Tensor codes, int columns) => Decoded(Ops.Embedding(_codebook, codes).View(codes.Size(0), -1, columns, Config.CodeWidth));

    /// <summary>
    /// Moves the codebook towards the encoder's vectors, then puts vectors of them in the place of those of the codebook that hardly any came
    /// near to, far ones more likely (D. Arthur, S. Vassilvitskii, "k-means++", 2007). The first call fills the codebook so.
    /// </summary>
    /// <param name="vectors">[N, code width].</param>
    /// <param name="decay">Share of the running means that stays.</param>
    /// <param name="leastUse">Of how many vectors, in the running mean, one of the codebook must be the nearest to stay.</param>
    /// <param name="random">Decides which are taken.</param>
    /// <returns>How many were put in.</returns>
    public int MoveCodebook(Tensor vectors, double decay, double leastUse, CounterRandom random)
    {
        Ops.MoveCodebook(vectors, _codebook, _counts, _sums, decay);
        float[] counts = _counts.ToArray<float>();
        int[] unused = [.. Enumerable.Range(0, counts.Length).Where(code => counts[code] < leastUse)];
        if (unused.Length == 0) return 0;
        double[] distances = SummedDistances(vectors);
        if (distances[^1] <= 0) return 0;
        foreach (int code in unused)
        {
            int found = Array.BinarySearch(distances, random.Uniform(code) * distances[^1]), row = Math.Min(found < 0 ? ~found : found + 1, distances.Length - 1);
            ReadOnlySpan<float> vector = vectors.AsSpan<float>().Slice(row * Config.CodeWidth, Config.CodeWidth);
            vector.CopyTo(_codebook.AsSpan<float>()[(code * Config.CodeWidth)..]);
            vector.CopyTo(_sums.AsSpan<float>()[(code * Config.CodeWidth)..]);
            _counts.AsSpan<float>()[code] = 1;
        }
        return unused.Length;
    }

    // Squared distances of the vectors from the codebook, each with all before it.
    private double[] SummedDistances(Tensor vectors)
    {
        Tensor nearest = Ops.Embedding(_codebook, Ops.NearestVectors(vectors, _codebook));
        double[] distances = [.. Ops.Sum(Ops.Square(vectors - nearest), [1]).ToArray<float>().Select(d => (double)d)];
        for (int i = 1; i < distances.Length; i++) distances[i] += distances[i - 1];
        return distances;
    }

    // [N, C, H, W] → [N · places, code width]
    private Tensor Vectors(Tensor images)
    {
        PatchCoding.Check("vq_vae", images, Config.Channels);
        return _norm.Forward(Ops.Contiguous(_encoder.Forward(images).Permute(0, 2, 3, 1)).View(-1, Config.CodeWidth));
    }

    // [N, rows, columns, code width] → [N, C, H, W]
    private Tensor Decoded(Tensor vectors) => _decoder.Forward(Ops.Contiguous(vectors.Permute(0, 3, 1, 2)));
}
