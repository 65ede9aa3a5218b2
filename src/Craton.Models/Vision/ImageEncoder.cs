using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>Sizes of an encoder of images, which are cut into square patches.</summary>
public record ImageEncoderConfig : TowerConfig
{
    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    /// <inheritdoc cref="TowerConfig(ConfigReader, int, double, string)"/>
    /// <param name="read">The configuration.</param>
    /// <param name="patch">Size of a patch where none is given.</param>
    /// <param name="eps">Added to the variance in norms, where nothing is given.</param>
    /// <param name="activation">The activation where none is given.</param>
    public ImageEncoderConfig(ConfigReader read, int patch, double eps, string activation) : base(read, 768, eps, activation)
    {
        ImageSize = read.IntOr(224, "image_size");
        PatchSize = read.IntOr(patch, "patch_size");
        Channels = read.IntOr(3, "num_channels");
        EncoderConfig.Within(read.File, ImageSize, "image_size", 1 << 13);
        EncoderConfig.Within(read.File, PatchSize, "patch_size", ImageSize);
        EncoderConfig.Within(read.File, Channels, "num_channels", 1 << 10);
    }

    /// <summary>Rows and columns of the images it was trained with.</summary>
    public int ImageSize { get; }

    /// <summary>Rows and columns of a patch.</summary>
    public int PatchSize { get; }

    /// <summary>Channels of an image.</summary>
    public int Channels { get; }

    /// <summary>Rows and columns of patches.</summary>
    public int Grid => ImageSize / PatchSize;
}

/// <summary>A Transformer that reads images as rows of patches. A family declares embedding and layers under the checkpoint's names.</summary>
public abstract class ImageEncoder(ImageEncoderConfig config) : Module
{
    /// <summary>Its sizes.</summary>
    public ImageEncoderConfig Config { get; } = config;

    /// <summary>What stands before the encoder's names where other parts stand beside it.</summary>
    protected internal abstract string Prefix { get; }

    /// <summary>The vectors of all places.</summary>
    /// <param name="pixels">Prepared images [N, channels, H, W], F32 (<see cref="ImageProcessor"/>).</param>
    /// <param name="interpolate">Images may have another size than those of the training; positions are interpolated.</param>
    /// <param name="trace">Gets what the layers give.</param>
    /// <returns>[N, T, C].</returns>
    /// <exception cref="CratonException">The images have another shape than the model reads.</exception>
    public abstract Tensor Hidden(Tensor pixels, bool interpolate = false, LayerTrace? trace = null);

    /// <summary>One vector for each image, [N, C].</summary>
    /// <param name="hidden">What <see cref="Hidden"/> gave.</param>
    public abstract Tensor Pooled(Tensor hidden);

    /// <summary>What a classifier reads: [N, C] or wider.</summary>
    protected internal virtual Tensor Features(Tensor hidden) => Ops.Select(hidden, 1, 0);

    /// <summary>Width of what a classifier reads.</summary>
    protected internal virtual int FeatureWidth => Config.Width;

    /// <summary>A convolution that turns each patch into a vector.</summary>
    protected static Conv2d PatchProjection(ImageEncoderConfig config, bool bias = true) =>
        new(config.Channels, config.Width, config.PatchSize, new ConvolutionOptions { Stride = config.PatchSize }, bias);

    /// <summary>
    /// The input of the first layer: leading vectors and the patches row by row, with their positions.
    /// </summary>
    /// <param name="pixels">Images [N, channels, H, W].</param>
    /// <param name="projection">Turns patches into vectors.</param>
    /// <param name="leading">Vectors before those of the patches, each of C values.</param>
    /// <param name="positions">Table of positions, leading ones first: C values for each place.</param>
    /// <param name="interpolate">Whether images may have another size.</param>
    /// <returns>[N, T, C].</returns>
    protected Tensor Embed(Tensor pixels, Conv2d projection, ReadOnlySpan<Tensor> leading, Tensor positions, bool interpolate)
    {
        CheckPixels(pixels, interpolate);
        int n = pixels.Size(0), width = Config.Width;
        Tensor patches = projection.Forward(pixels);
        (int rows, int columns) = (patches.Size(2), patches.Size(3));
        Tensor x = Ops.Contiguous(Ops.Reshape(patches, n, width, rows * columns).Transpose());
        if (leading.Length > 0)
        {
            var parts = new Tensor[leading.Length + 1];
            for (int i = 0; i < leading.Length; i++) parts[i] = Ops.Expand(leading[i].View(1, 1, width), n, 1, width);
            parts[^1] = x;
            x = Ops.Concat(1, parts);
        }
        return x + PositionsFor(positions.View(1, -1, width), leading.Length, rows, columns);
    }

    private void CheckPixels(Tensor pixels, bool interpolate)
    {
        int size = Config.ImageSize, patch = Config.PatchSize;
        bool fits = pixels.Rank == 4 && pixels.DType == DType.F32 && pixels.Size(1) == Config.Channels
            && (interpolate ? pixels.Size(2) >= patch && pixels.Size(3) >= patch : pixels.Size(2) == size && pixels.Size(3) == size);
        if (fits) return;
        string expected = interpolate ? $"of {patch} or more rows and columns" : $"of {size}×{size} pixels";
        throw new CratonException($"images: expected floats [N, {Config.Channels}, rows, columns] {expected}, got {pixels.Layout}; prepare them with the model's image processor");
    }

    // Patch positions of another grid are made by bicubic interpolation; those of leading vectors stay.
    private Tensor PositionsFor(Tensor table, int leading, int rows, int columns)
    {
        int grid = Config.Grid, width = Config.Width;
        if (rows == grid && columns == grid) return table;
        Tensor image = Ops.Contiguous(table.Slice(1, leading).View(1, grid, grid, width).Permute(0, 3, 1, 2));
        Tensor resized = Ops.Interpolate(image, new Size2(rows, columns), Interpolation.Bicubic);
        Tensor patches = Ops.Reshape(resized.Permute(0, 2, 3, 1), 1, rows * columns, width);
        return leading == 0 ? patches : Ops.Concat(1, table.Slice(1, 0, leading), patches);
    }
}
