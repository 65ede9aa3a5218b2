using Craton.Models.Encoders;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Pictures;

// N pictures, T places, C width.

/// <summary>What differs while a model learns: norms go by the batch, and some values are dropped.</summary>
/// <param name="Dropout">Share of the values that are dropped where the model does so.</param>
/// <param name="Random">Draws them.</param>
public readonly record struct LearningPass(double Dropout, CounterRandom Random)
{
    /// <summary>Drops values of a tensor.</summary>
    /// <param name="x">The tensor.</param>
    /// <param name="place">Tells this use from others of the pass.</param>
    public Tensor Drop(Tensor x, uint place) => Ops.Dropout(x, Dropout, new CounterRandom(Random.Seed, Random.Step, Random.Place + place));
}

/// <summary>Reads small pictures: the part that models made here have in common.</summary>
public abstract class PictureEncoder : Module
{
    /// <summary>Keeps the sizes.</summary>
    /// <param name="side">Rows and columns of a picture.</param>
    /// <param name="width">Width of the vectors.</param>
    /// <param name="placeCount">Vectors of a picture.</param>
    protected PictureEncoder(int side, int width, int placeCount) => (Side, Width, PlaceCount) = (side, width, placeCount);

    /// <summary>Rows and columns of a picture.</summary>
    public int Side { get; }

    /// <summary>Width of the vectors.</summary>
    public int Width { get; }

    /// <summary>Vectors of a picture.</summary>
    public int PlaceCount { get; }

    /// <summary>The encoder that the part <c>image</c> of a configuration describes, with zeroed weights: <c>kind</c> is <c>conv</c> or <c>vit</c>.</summary>
    public static PictureEncoder Create(ConfigReader config)
    {
        ConfigReader read = config.Object("image") ?? throw new CratonException($"{config.File}: image: expected the settings of the encoder of pictures, got nothing");
        return read.TextOr("", "kind") switch
        {
            "conv" => new ConvEncoder(new ConvConfig(read)),
            "vit" => new VitEncoder(new VitConfig(read)),
            var other => throw new CratonException($"{read.File}: image.kind is '{other}', expected conv or vit"),
        };
    }

    /// <summary>The vectors of all places.</summary>
    /// <param name="pixels">Pictures [N, 3, side, side] of −1 to 1.</param>
    /// <param name="learns">Whether the model learns.</param>
    /// <returns>[N, T, C].</returns>
    public abstract Tensor Places(Tensor pixels, bool learns = false);

    /// <summary>One vector for each picture, [N, C].</summary>
    /// <inheritdoc cref="Places"/>
    public virtual Tensor Pooled(Tensor pixels, bool learns = false) => Ops.Mean(Places(pixels, learns), [1]);
}

/// <summary>Sizes of a <see cref="ConvEncoder"/>.</summary>
public sealed record ConvConfig
{
    private const int MostSide = 1 << 10, MostStages = 8, MostDepth = 16, MostWidth = 1 << 10;

    /// <summary>Takes over what the part <c>image</c> of a <c>config.json</c> says.</summary>
    public ConvConfig(ConfigReader read)
    {
        (Side, Widths, Depth, FirstStride) = (read.Int("image_size"), read.Ints("widths") ?? [], read.IntOr(1, "depth"), read.IntOr(2, "first_stride"));
        EncoderConfig.Within(read.File, Side, "image.image_size", MostSide);
        EncoderConfig.Within(read.File, Widths.Count, "number of image.widths", MostStages);
        foreach (int width in Widths) EncoderConfig.Within(read.File, width, "image.widths", MostWidth);
        EncoderConfig.Within(read.File, Depth, "image.depth", MostDepth);
        EncoderConfig.Within(read.File, FirstStride, "image.first_stride", 2);
    }

    /// <summary>Rows and columns of a picture.</summary>
    public int Side { get; }

    /// <summary>Channels of each stage.</summary>
    public IReadOnlyList<int> Widths { get; }

    /// <summary>Convolutions of a stage.</summary>
    public int Depth { get; }

    /// <summary>1: the first stage does not halve the picture.</summary>
    public int FirstStride { get; }

    /// <summary>Rows and columns behind the last stage.</summary>
    public int Grid => Widths.Skip(FirstStride == 1 ? 1 : 0).Aggregate(Side, (side, _) => (side + 1) / 2);
}

/// <summary>Convolutions of 3×3, each with a norm over the batch (Ioffe, Szegedy 2015) and a rectifier. Every stage halves the picture.</summary>
public sealed class ConvEncoder : PictureEncoder
{
    private readonly Conv2d[] _convolutions;
    private readonly BatchNorm[] _norms;

    /// <summary>Creates the encoder with zeroed weights.</summary>
    public ConvEncoder(ConvConfig config) : base(config.Side, config.Widths[^1], config.Grid * config.Grid)
    {
        (int Channels, int Filters, int Stride)[] layers = [.. from stage in Enumerable.Range(0, config.Widths.Count)
            from i in Enumerable.Range(0, config.Depth)
            let width = config.Widths[stage]
            select i > 0 ? (width, width, 1) : stage > 0 ? (config.Widths[stage - 1], width, 2) : (3, width, config.FirstStride)];
        _convolutions = Children("convolutions", layers.Length, i => new Conv2d(layers[i].Channels, layers[i].Filters, 3, new ConvolutionOptions { Stride = layers[i].Stride, Padding = 1 }, bias: false));
        _norms = Children("norms", layers.Length, i => new BatchNorm(layers[i].Filters));
    }

    /// <inheritdoc/>
    public override Tensor Places(Tensor pixels, bool learns = false) => Ops.Contiguous(Ops.Reshape(Map(pixels, learns), pixels.Size(0), Width, PlaceCount).Transpose());

    /// <inheritdoc/>
    public override Tensor Pooled(Tensor pixels, bool learns = false) => Ops.Mean(Map(pixels, learns), [2, 3]);

    private Tensor Map(Tensor pixels, bool learns)
    {
        if (pixels.Rank != 4 || pixels.Size(1) != 3 || pixels.Size(2) != Side || pixels.Size(3) != Side)
            throw new CratonException($"pictures: expected floats [N, 3, {Side}, {Side}], got {pixels.Layout}; prepare them with the model's image processor");
        Tensor x = pixels;
        for (int i = 0; i < _convolutions.Length; i++) x = Ops.Relu(_norms[i].Forward(_convolutions[i].Forward(x), learns));
        return x;
    }
}

/// <summary>A Vision Transformer (Dosovitskiy et al. 2021).</summary>
public sealed class VitEncoder : PictureEncoder
{
    private readonly Vit _vit;

    /// <summary>Creates the encoder with zeroed weights.</summary>
    public VitEncoder(VitConfig config) : base(config.ImageSize, config.Width, 1 + config.Grid * config.Grid) => _vit = Inline(new Vit(config));

    /// <inheritdoc/>
    public override Tensor Places(Tensor pixels, bool learns = false) => _vit.Hidden(pixels);
}
